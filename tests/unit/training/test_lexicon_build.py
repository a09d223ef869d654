from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from training.lexicon.candidates import candidates
from training.lexicon.curation import Curation, Decision, declined, expanded, load
from training.lexicon.evidence import LabelledText, count, labelled_text
from training.lexicon.inflection import inflected
from training.lexicon.lines import lexicon_lines
from training.lexicon.scores import TIERS, score


@pytest.mark.parametrize(
    ("word", "codes", "forms"),
    [
        ("moron", "n", ["moron", "morons"]),
        ("bitch", "n", ["bitch", "bitches"]),
        ("pussy", "n", ["pussy", "pussies"]),
        ("fuck", "vr", ["fuck", "fucks", "fucked", "fucking", "fucker", "fuckers"]),
        ("shag", "VR", ["shag", "shags", "shagged", "shagging", "shagger", "shaggers"]),
        ("masturbate", "v", ["masturbate", "masturbates", "masturbated", "masturbating"]),
        ("wank", "", ["wank"]),
    ],
)
def test_forms_follow_english_spelling(word: str, codes: str, forms: list[str]) -> None:
    """Each code gives the forms that it names, spelled as English spells them."""
    assert inflected(word, codes) == forms


def test_an_unknown_code_is_refused() -> None:
    """A mistyped code is an error, not a form less."""
    with pytest.raises(ValueError, match="unknown inflection 'q'"):
        inflected("word", "q")


@pytest.mark.parametrize(
    ("notation", "forms"),
    [
        ("towel_head/n", ["towelhead", "towelheads", "towel head", "towel heads"]),
        ("14/88", ["14/88"]),
        ("f**k/n", ["f**k", "f**ks"]),
        ("up yours", ["up yours"]),
    ],
)
def test_notation_stands_for_every_spelling(notation: str, forms: list[str]) -> None:
    """An underscore gives both spellings, and only letters after a slash are codes."""
    assert [form for form, _ in expanded(notation)] == forms


def test_a_bang_marks_every_form_as_english_only() -> None:
    """The flag of an entry is the flag of all its forms."""
    assert expanded("slut/n!") == [
        ("slut", frozenset({"english_only"})),
        ("sluts", frozenset({"english_only"})),
    ]


def test_a_term_listed_twice_is_refused(tmp_path: Path) -> None:
    """Two decisions on one term for one category contradict each other, so neither holds."""
    path = tmp_path / "curation.yaml"
    path.write_text(
        "version: 1.0.0\n"
        "groups:\n"
        "  - {name: one, category: L1, tier: certain, severity: low, terms: 'crap/n, heck'}\n"
        "  - {name: two, category: L1, tier: unsure, severity: low, terms: craps}\n"
    )
    with pytest.raises(ValueError, match="'craps' is listed for L1 twice: under 'one' and 'two'"):
        load(path)


def test_no_decision_contradicts_another() -> None:
    """No word is both in the lexicon and declined."""
    taken = {decision.term for decision in load().decisions}
    assert not taken & declined()


@given(
    tier=st.sampled_from(sorted(TIERS)),
    seen=st.integers(0, 10_000),
    share=st.floats(0, 1),
    more=st.integers(0, 100),
)
def test_data_moves_a_score_within_its_tier(tier: str, seen: int, share: float, more: int) -> None:
    """A score never leaves its tier's bounds, and more true cases never lower it."""
    bounds = TIERS[tier]
    true = int(seen * share)
    before = score(bounds, seen + more, true)
    assert bounds.lowest <= before <= bounds.highest
    assert score(bounds, seen + more, true + more) >= before


def test_a_term_never_seen_scores_its_prior() -> None:
    """Without data the documented prior stands."""
    for tier in TIERS.values():
        assert score(tier, 0, 0) == tier.prior


def test_tiers_do_not_overlap() -> None:
    """A surer tier always outranks a less sure one."""
    assert TIERS["unsure"].highest < TIERS["likely"].lowest
    assert TIERS["likely"].highest < TIERS["certain"].lowest


COLUMNS = ("text", "source", "profanity", "identity_hate", "insult", "sexual", "weak", "implied")
ROWS = [
    ("What a Twerp!", "forum", 1, None, 1, None, "", ""),
    ("twerp-twerp", "forum", 0, None, None, None, "", ""),
    ("twerp of the year", "forum", 1, None, 0, None, "profanity", "insult,sexual"),
    ("twerps", "surge_profanity", 1, None, None, None, "", ""),
    ("the golden twerp award", "own_benign", 0, 0, 0, 0, None, None),
]
TEXTS = [labelled_text(dict(zip(COLUMNS, row, strict=True))) for row in ROWS]


def test_only_labels_that_a_source_set_itself_are_counted() -> None:
    """Weak and implied labels and the listed source count as sightings, never as evidence."""
    evidence = count(TEXTS, ["twerp", "twerps"], allowed=["golden twerp award"])
    assert evidence["twerp"].seen == {"profanity": 2, "insult": 1}
    assert evidence["twerp"].true == {"profanity": 1, "insult": 1}
    assert evidence["twerp"].sources == {"forum"}
    assert evidence["twerps"].sources == {"surge_profanity"}
    assert not evidence["twerps"].seen


def test_lines_are_ordered_and_carry_their_provenance() -> None:
    """The file depends on the decisions and the data alone, never on the order of either."""
    decisions = (
        Decision("twerp", "H2", "likely", "low", frozenset({"respelled", "english_only"})),
        Decision("nincompoop", "H2", "unsure", "medium", frozenset()),
    )
    forwards = list(lexicon_lines(Curation("2.1.0", decisions), TEXTS, []))
    backwards = list(lexicon_lines(Curation("2.1.0", decisions[::-1]), TEXTS[::-1], []))
    assert forwards == backwards
    assert forwards[0] == "# version: 2.1.0"
    assert forwards[3:] == [
        "nincompoop\tH2\tmedium\t0.35\tunsure\t0\t0\t\tcurated",
        "twerp\tH2\tlow\t0.68\tlikely\t2\t1\tenglish_only,respelled\tforum,own_benign",
    ]


def test_candidates_are_what_nobody_decided_on() -> None:
    """Words of the listed source and words that lean towards a label are proposed, once each."""
    told = [LabelledText("you absolute twerp", "forum", {"insult": True})] * 15
    calm = [LabelledText("you are absolute heaven", "forum", {"insult": False})] * 15
    listed = [
        LabelledText("dingbat", "surge_profanity", {}),
        LabelledText("wazzock", "surge_profanity", {}),
    ]
    found = list(candidates([*told, *calm, *listed], {"wazzock"}))
    assert [(entry.word, entry.label) for entry in found] == [
        ("dingbat", "surge_profanity"),
        ("twerp", "insult"),
    ]

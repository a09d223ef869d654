from collections.abc import Iterator
from pathlib import Path

import pytest

from gaveld.adapters.text.cpu_lane import CpuLane
from gaveld.adapters.text.lexicon import LexiconClassifier
from gaveld.adapters.text.lexicon.hits import MAX_FINDINGS_PER_CATEGORY
from gaveld.adapters.text.lexicon.shipped import Lexicon
from gaveld.adapters.text.normalise import DisguiseNormaliser
from gaveld.domain.content import DetectedLanguage, Span, TextReadings, TextSample, mask
from gaveld.domain.policies import Policy
from gaveld.domain.signals import Attribute, ClassifierReport


@pytest.fixture(name="lane", scope="module")
def _lane() -> Iterator[CpuLane]:
    lane = CpuLane()
    yield lane
    lane.close()


@pytest.fixture(name="classifier", scope="module")
def _classifier(lane: CpuLane) -> LexiconClassifier:
    return LexiconClassifier(lane)


async def _report(
    classifier: LexiconClassifier,
    lane: CpuLane,
    text: str,
    language: str = "und",
    allowed_terms: tuple[str, ...] = (),
) -> ClassifierReport:
    readings = await DisguiseNormaliser(lane).normalise(text)
    policy = Policy("test", {}, allowed_terms=allowed_terms)
    return await classifier.classify(TextSample(readings, DetectedLanguage(language, 0.9), policy))


PLAIN = [
    ("what the fuck is this", "L1", "fuck"),
    ("you piece of SHIT", "L1", "SHIT"),
    ("She called him a son-of-a-bitch.", "L1", "son-of-a-bitch"),
    ("a pair of assholes!", "H2", "assholes"),
    ("he is an idiot", "H2", "idiot"),
    ("get out, nigger", "H1", "nigger"),
    ("faggots, all of them", "H1", "faggots"),
    ("another raghead", "H1", "raghead"),
    ("日本fuck日本", "L1", "fuck"),
    ("#bullshit", "L1", "bullshit"),
    ("fuck_you_all", "L1", "fuck"),
    ("she gave him a blow-job", "A1", "blow-job"),
]


@pytest.mark.parametrize(("text", "category_id", "hit"), PLAIN)
async def test_plain_terms_are_found_where_they_stand(
    classifier: LexiconClassifier, lane: CpuLane, text: str, category_id: str, hit: str
) -> None:
    """A listed word is found whole, with its exact span, whatever its letter case."""
    report = await _report(classifier, lane, text)
    found = [entry for entry in report.findings if entry.category_id == category_id]
    assert [text[slice(*entry.span)] for entry in found if entry.span] == [hit]
    assert not any("disguised" in entry.reason for entry in found)


DISGUISED = [
    ("well f u c k you", "L1", "f u c k you"),
    ("f.u.c.k", "L1", "f.u.c.k"),
    ("such sh1t", "L1", "sh1t"),
    ("ｆｕｃｋ this", "L1", "ｆｕｃｋ"),
    ("oh fuсk", "L1", "fuсk"),
    ("fu\u200bck", "L1", "fu\u200bck"),
    ("f🔥u🔥c🔥k", "L1", "f🔥u🔥c🔥k"),
    ("shiiiiit", "L1", "shiiiiit"),
    ("a $$hole no, a$$hole", "L1", "a$$hole"),
    ("fück", "L1", "fück"),
    ("you n1gg3r", "H1", "n1gg3r"),
    ("n i g g e r", "H1", "n i g g e r"),
    ("f@ggot", "H1", "f@ggot"),
    ("phuck this", "L1", "phuck"),
    ("nobody likes you, kys", "H2", "kys"),
    ("just k.y.s already", "H2", "k.y.s"),
    ("k i l l y o u r s e l f", "H2", "k i l l y o u r s e l f"),
    ("s3nd n00ds", "A1", "s3nd n00ds"),
]


@pytest.mark.parametrize(("text", "category_id", "hit"), DISGUISED)
async def test_disguised_terms_are_found_and_said_to_be_disguised(
    classifier: LexiconClassifier, lane: CpuLane, text: str, category_id: str, hit: str
) -> None:
    """A term that only a reading spells out points at what was sent and says so."""
    report = await _report(classifier, lane, text)
    found = [entry for entry in report.findings if entry.category_id == category_id]
    assert [text[slice(*entry.span)] for entry in found if entry.span] == [hit]
    assert all(entry.reason.endswith("in disguised spelling.") for entry in found)


HARMLESS = [
    "Scunthorpe, Penistone, Lightwater, Essex and Sussex",
    "The class assassin drank a cocktail in the bass clarinettist's basement.",
    "Nigeria, Niger and a viable Nigerian naira",
    "shiitake or shitake mushrooms on Shrove Tuesday",
    "Charles Dickens read Moby-Dick to Dick Van Dyke.",
    "Homo sapiens and Homo erectus",
    "There is a chink in the armour of the kiln.",
    "We ate faggots and peas, then spotted dick.",
    "The Maine Coon watched blue tits in the pussy willow.",
    "A snigger at the niggardly raccoon is no slur.",
    "She finished magna cum laude, spick and span.",
    "Pass it on: push it, hit it, his hat, as is, as sure as eggs.",
    "The therapist's pen is on the analyst's grass.",
    "I am gay, she is a lesbian, they are queer, he is trans, we are black.",
    "Jews, Muslims, Christians and Hindus; Mexicans, Pakistanis and Chinese people",
    "What the hell, oh my God, that sucks!",
    "SH1T-200, A55-B1, K1K3-01, FA66OT9 and 5H17-88-X",
    "192.168.0.1 and 10.0.0.69",
    "Kike Hernandez hit a double.",
    "a retardant and a retarding force; fire retardants retard the flames",
    "Cockburn, Hancock, Babcock and a peacock in Cockermouth",
    "Dickinson and Dickson, Titania and the Titanic",
    "the title of the constitution, the analysis of the canal",
]


@pytest.mark.parametrize("text", HARMLESS)
async def test_harmless_words_stay_clean(
    classifier: LexiconClassifier, lane: CpuLane, text: str
) -> None:
    """Longer words, names, set phrases, identities and codes are no hits."""
    report = await _report(classifier, lane, text)
    assert report.findings == ()
    assert report.attributes == {Attribute.PROFANITY: 0.0}


async def test_every_shipped_term_finds_itself(classifier: LexiconClassifier) -> None:
    """No entry is dead: each is found in itself, for its category, at least as likely as stated."""
    for entry in Lexicon.load().entries:
        sample = TextSample(TextReadings.plain(entry.term), DetectedLanguage(), Policy("test", {}))
        report = await classifier.classify(sample)
        scores = {
            found.category_id: found.score
            for found in report.findings
            if found.span == Span(0, len(entry.term))
        }
        assert scores.get(entry.category_id, 0.0) >= entry.score, entry.term


async def test_entries_are_spelled_as_folded_texts_are(lane: CpuLane) -> None:
    """A term or phrase that folding changes could never be found."""
    normaliser = DisguiseNormaliser(lane)
    lexicon = Lexicon.load()
    for text in (*(entry.term for entry in lexicon.entries), *lexicon.allowed):
        assert (await normaliser.normalise(text)).folded.text == text


async def test_every_allowed_phrase_silences_something(
    classifier: LexiconClassifier, lane: CpuLane
) -> None:
    """Each phrase is quiet, and holds a term that without it would not be."""
    lexicon = Lexicon.load()
    unforgiving = LexiconClassifier(lane, Lexicon(lexicon.version, lexicon.entries, ()))
    for phrase in lexicon.allowed:
        assert not (await _report(classifier, lane, phrase)).findings, phrase
        assert (await _report(unforgiving, lane, phrase)).findings, phrase


async def test_a_phrase_is_allowed_only_where_it_stands(
    classifier: LexiconClassifier, lane: CpuLane
) -> None:
    """An allowed phrase silences what lies within it and nothing beside it."""
    text = "Moby Dick, you dick"
    found = (await _report(classifier, lane, text)).findings
    assert {entry.span for entry in found} == {Span(15, 19)}


async def test_a_policy_can_allow_a_term(classifier: LexiconClassifier, lane: CpuLane) -> None:
    """What the operator allows is no hit, plain or disguised; the rest still is."""
    text = "Shit. Sh1t! Fuck."
    found = (await _report(classifier, lane, text, allowed_terms=("SHIT",))).findings
    assert [text[slice(*entry.span)] for entry in found if entry.span] == ["Fuck"]


@pytest.mark.parametrize(
    ("language", "is_found"), [("und", True), ("en", True), ("en-GB", True), ("sv", False)]
)
async def test_words_of_other_languages_count_only_in_english(
    classifier: LexiconClassifier, lane: CpuLane, language: str, is_found: bool
) -> None:
    """A harmless word of another language is passed over in a text known to be in one."""
    report = await _report(classifier, lane, "slut", language)
    assert bool(report.findings) is is_found


async def test_slurs_are_found_in_any_language(
    classifier: LexiconClassifier, lane: CpuLane
) -> None:
    """The detected language does not hide a word that means nothing else."""
    report = await _report(classifier, lane, "das ist ein nigger", "de")
    assert [entry.category_id for entry in report.findings] == ["H1"]


async def test_the_longest_term_gives_the_span_and_the_likeliest_the_score(
    classifier: LexiconClassifier, lane: CpuLane
) -> None:
    """Overlapping terms of a category are one finding, and a longer one never lowers its score."""
    text = "you dumb fuck"
    found = (await _report(classifier, lane, text)).findings
    by_category = {entry.category_id: entry for entry in found}
    assert len(found) == len(by_category)
    assert by_category["H2"].span == Span(4, 13)
    assert by_category["L1"].span == Span(9, 13)


async def test_profanity_is_the_strongest_hit(classifier: LexiconClassifier, lane: CpuLane) -> None:
    """The attribute is the highest score among profane terms."""
    report = await _report(classifier, lane, "damn this shit")
    scores = [entry.score for entry in report.findings if entry.category_id == "L1"]
    assert len(scores) == 2
    assert report.attributes == {Attribute.PROFANITY: max(scores)}


async def test_reasons_hold_nothing_of_the_text(
    classifier: LexiconClassifier, lane: CpuLane
) -> None:
    """A finding can be logged without logging content."""
    for text, _, hit in PLAIN + DISGUISED:
        for entry in (await _report(classifier, lane, text)).findings:
            assert hit.lower() not in entry.reason.lower()


@pytest.mark.parametrize("offset", range(8_180, 8_200))
async def test_steps_neither_lose_nor_double_a_hit(
    classifier: LexiconClassifier, offset: int
) -> None:
    """A hit at the border of two steps is found once."""
    text = " " * offset + "son of a bitch" + " " * 9_000
    sample = TextSample(TextReadings.plain(text), DetectedLanguage(), Policy("test", {}))
    report = await classifier.classify(sample)
    spans = [entry.span for entry in report.findings if entry.category_id == "L1"]
    assert spans == [Span(offset, offset + 14)]


@pytest.mark.parametrize("times", [2, 10])
async def test_too_many_hits_are_told_as_one_that_masks_them_all(
    classifier: LexiconClassifier, times: int
) -> None:
    """Findings are bounded, and their spans still cover every hit."""
    text = "fuck " * (MAX_FINDINGS_PER_CATEGORY * times)
    sample = TextSample(TextReadings.plain(text), DetectedLanguage(), Policy("test", {}))
    found = (await classifier.classify(sample)).findings
    assert len(found) == MAX_FINDINGS_PER_CATEGORY + 1
    assert found[-1].reason == "Many further hits, told as one."
    assert "fuck" not in mask(text, (entry.span for entry in found if entry.span))


async def test_warming_up_proves_the_lexicon(classifier: LexiconClassifier, lane: CpuLane) -> None:
    """A lexicon that finds nothing is told at start, not by silence in service."""
    await classifier.warm_up()
    empty = LexiconClassifier(lane, Lexicon("0.0.0", (), ()))
    with pytest.raises(RuntimeError, match="does not find its own first term"):
        await empty.warm_up()


def test_the_card_names_what_the_entries_cover(classifier: LexiconClassifier) -> None:
    """The card claims every category with entries, runs on any language, and admits its limits."""
    card = classifier.card
    assert card.name == "lexicon"
    assert card.version.startswith("1.")
    assert card.categories == {"A1", "H1", "H2", "L1"}
    assert card.languages == {"en"}
    assert card.runs_on_any_language
    assert "English" in card.limits


def test_identities_are_no_entries() -> None:
    """A word for what people are is no slur, insult or profanity by itself."""
    terms = {entry.term for entry in Lexicon.load().entries}
    identities = {
        *("gay", "gays", "lesbian", "lesbians", "bisexual", "queer", "queers", "trans"),
        *("transgender", "black", "blacks", "white", "whites", "jew", "jews", "jewish"),
        *("muslim", "muslims", "christian", "arab", "arabs", "mexican", "mexicans", "gypsy"),
        *("asian", "asians", "african", "woman", "women", "female", "disabled", "deaf", "blind"),
    }
    assert not terms & identities


def test_every_entry_has_its_provenance() -> None:
    """Each term names where it was seen, and PROVENANCE.md describes every such place."""
    from gaveld.adapters.text.lexicon import shipped

    provenance = (Path(shipped.__file__).parent / "PROVENANCE.md").read_text()
    entries = Lexicon.load().entries
    assert 500 <= len({entry.term for entry in entries}) <= 2_000
    for entry in entries:
        assert entry.sources
        assert 0 <= entry.true <= entry.seen
        for source in entry.sources:
            name = "own_*" if source.startswith("own_") else source
            assert name in provenance, source


def test_a_broken_file_names_its_line(tmp_path: Path) -> None:
    """Whoever edits the lists by hand learns where they are wrong."""
    allowed = tmp_path / "allowed.txt"
    allowed.write_text("")
    broken = tmp_path / "lexicon.tsv"
    broken.write_text("# version: 1.0.0\ndarn\tL1\tdire\t0.2\tunsure\t0\t0\t\tcurated\n")
    with pytest.raises(ValueError, match=r"lexicon\.tsv: line 2 is wrong"):
        Lexicon.load(broken, allowed)
    broken.write_text("darn\n")
    with pytest.raises(ValueError, match="line 1 must begin with"):
        Lexicon.load(broken, allowed)


def test_the_version_changes_with_either_file(tmp_path: Path) -> None:
    """Findings of different lists never carry the same version."""
    lexicon, allowed = tmp_path / "lexicon.tsv", tmp_path / "allowed.txt"
    line = "darn\tL1\tlow\t0.2\tunsure\t0\t0\t\tcurated\n"
    versions = set()
    for terms, phrases in [(line, ""), (line, "darn it\n"), ("", ""), (line, "darn\n")]:
        lexicon.write_text(f"# version: 1.0.0\n{terms}")
        allowed.write_text(phrases)
        versions.add(Lexicon.load(lexicon, allowed).version)
    assert len(versions) == 4


@pytest.mark.parametrize(
    ("text", "language", "attributes"),
    [
        ("ein schöner Tag", "de", {}),
        ("Привет", "und-Cyrl", {}),
        ("a fine day", "en", {Attribute.PROFANITY: 0.0}),
        ("a fine day", "und", {Attribute.PROFANITY: 0.0}),
    ],
)
async def test_a_language_that_is_not_read_has_no_score_of_nought(
    classifier, lane, text, language, attributes
):
    """Law: 0 says that a text was read and is clean; nothing is said of one that was not."""
    report = await _report(classifier, lane, text, language)
    assert report.attributes == attributes

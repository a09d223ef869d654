from collections.abc import Iterator

import pytest

from gaveld.adapters.text.compiled import MAX_COMPILED, CompiledOnce
from gaveld.adapters.text.cpu_lane import CpuLane
from gaveld.adapters.text.lexicon import TermListClassifier, validate_term_lists
from gaveld.adapters.text.lexicon.term_lists import (
    MAX_PATTERN_MATCHES,
    MAX_PATTERNS,
    MAX_TERMS,
)
from gaveld.adapters.text.normalise import DisguiseNormaliser
from gaveld.domain.content import DetectedLanguage, TextReadings, TextSample, mask
from gaveld.domain.policies import Policy, TermList, TermMatch
from gaveld.domain.signals import Finding

EXACT, PREFIX, REGEX = TermMatch.EXACT, TermMatch.PREFIX, TermMatch.REGEX


@pytest.fixture(name="lane", scope="module")
def _lane() -> Iterator[CpuLane]:
    lane = CpuLane()
    yield lane
    lane.close()


@pytest.fixture(name="classifier")
def _classifier(lane: CpuLane) -> TermListClassifier:
    return TermListClassifier(lane)


async def _found(
    classifier: TermListClassifier,
    lane: CpuLane,
    text: str,
    *lists: TermList,
    blocked: tuple[str, ...] = (),
    allowed: tuple[str, ...] = (),
) -> tuple[Finding, ...]:
    readings = await DisguiseNormaliser(lane).normalise(text)
    policy = Policy("test", {}, term_lists=lists, allowed_terms=allowed)
    sample = TextSample(readings, DetectedLanguage(), policy, blocked)
    return (await classifier.classify(sample)).findings


def _texts(text: str, found: tuple[Finding, ...]) -> list[str]:
    return [text[slice(*entry.span)] for entry in found if entry.span]


@pytest.mark.parametrize(
    ("match", "term", "text", "hits"),
    [
        (EXACT, "acme", "ACME beats Acme, not acmes", ["ACME", "Acme"]),
        (EXACT, "Rival Co", "the rival-co and the RIVAL\nCO", ["rival-co", "RIVAL\nCO"]),
        (EXACT, "acme", "a c m e and аcme and acm3", ["a c m e", "аcme", "acm3"]),
        (EXACT, "garçon", "Garçon! garcon?", ["Garçon", "garcon"]),
        (EXACT, "c++", "write C++, not c", ["C++"]),
        (EXACT, "🍆", "send 🍆🍆 now", ["🍆", "🍆"]),
        (EXACT, "страх", "без страха, но страх", ["страх"]),
        (EXACT, "賭博", "これは賭博です", ["賭博"]),
        (EXACT, "คาสิโน", "เล่นคาสิโนออนไลน์", ["คาสิโน"]),
        (EXACT, "हिन्द", "हिन्दी", []),
        (PREFIX, "gambl", "gambling, a gambler, ungambled", ["gambling", "gambler"]),
        (PREFIX, "gambl", "G A M B L I N G", ["G A M B L I N G"]),
        (REGEX, r"\bwin \d+ euros?\b", "Win 500 Euro, win 5 euros; rewin 5 euro", None),
        (REGEX, "é+", "caféé", ["éé"]),
        (REGEX, r"code-\d{4}", "ｃｏｄｅ-1234", ["ｃｏｄｅ-1234"]),
        (REGEX, r"^start", "start restart", ["start"]),
    ],
)
async def test_lists_find_what_they_say(
    classifier: TermListClassifier,
    lane: CpuLane,
    match: TermMatch,
    term: str,
    text: str,
    hits: list[str] | None,
) -> None:
    """Each way of matching finds whole terms in every reading, with exact spans."""
    found = await _found(classifier, lane, text, TermList("house", match, (term,)))
    assert _texts(text, found) == (["Win 500 Euro", "win 5 euros"] if hits is None else hits)
    assert all(entry.category_id == "L2" and entry.score == 1.0 for entry in found)
    assert all("'house'" in entry.reason for entry in found)


async def test_a_list_counts_towards_its_own_category(
    classifier: TermListClassifier, lane: CpuLane
) -> None:
    """A finding carries the category of its list, while the card claims L2 alone."""
    lists = (TermList("drugs", EXACT, ("snow",), "C1"), TermList("any", EXACT, ("snow",)))
    found = await _found(classifier, lane, "buy snow", *lists)
    assert sorted(entry.category_id for entry in found) == ["C1", "L2"]
    assert classifier.card.categories == {"L2"}


async def test_what_a_call_blocks_is_found_whatever_the_policy_allows(
    classifier: TermListClassifier, lane: CpuLane
) -> None:
    """A call's own terms outrank the allow-list; the operator's lists heed it."""
    house = TermList("house", EXACT, ("bananas", "plums"))
    text = "Apples, bananas, pl ums, p l u m s"
    found = await _found(
        classifier, lane, text, house, blocked=("apples", "\u200b"), allowed=("APPLES", "bananas")
    )
    assert _texts(text, found) == ["Apples", "p l u m s"]


async def test_an_allowed_phrase_covers_the_terms_within_it(
    classifier: TermListClassifier, lane: CpuLane
) -> None:
    """A term inside an allowed phrase is no hit, and is one outside it."""
    house = TermList("house", EXACT, ("apple",))
    text = "apple pie, apple"
    found = await _found(classifier, lane, text, house, allowed=("apple pie",))
    assert [entry.span for entry in found] == [(11, 16)]


async def test_nothing_listed_finds_nothing(classifier: TermListClassifier, lane: CpuLane) -> None:
    """Without lists and blocked terms the report is empty, and the classifier still ran."""
    assert await _found(classifier, lane, "fuck") == ()


async def test_patterns_cannot_blow_up(classifier: TermListClassifier, lane: CpuLane) -> None:
    """Patterns that take backtracking engines for ever go through long texts, and miss nothing."""
    patterns = (r"(a+)+b", r"(a|aa)+c", r"(.*)*d", r"a(.*x)?")
    text = "a" * 100_000 + "b"
    house = TermList("house", REGEX, patterns)
    found = await _found(classifier, lane, text, house)
    assert mask(text, (entry.span for entry in found if entry.span)) == "*" * len(text)


async def test_many_matches_of_a_pattern_are_bounded_and_still_masked(
    classifier: TermListClassifier, lane: CpuLane
) -> None:
    """Past the bound one match stands for the rest of the text."""
    text = "xy" * (MAX_PATTERN_MATCHES * 2)
    found = await _found(classifier, lane, text, TermList("house", REGEX, ("x",)))
    assert len(found) == MAX_PATTERN_MATCHES + 1
    assert found[-1].span == (MAX_PATTERN_MATCHES * 2, len(text))


@pytest.mark.parametrize("offset", range(8_185, 8_195))
async def test_patterns_are_found_across_steps(classifier: TermListClassifier, offset: int) -> None:
    """A match at the border of two steps is found once, in characters, whatever its bytes."""
    text = "é" * offset + " needle " + "é" * 9_000
    policy = Policy("test", {}, term_lists=(TermList("house", REGEX, (r"\bneedle\b",)),))
    sample = TextSample(TextReadings.plain(text), DetectedLanguage(), policy)
    found = (await classifier.classify(sample)).findings
    assert _texts(text, found) == ["needle"]


@pytest.mark.parametrize(
    ("term_list", "message"),
    [
        (TermList("a", REGEX, ("ok", "(")), "list 'a': term 2 is no RE2 pattern: missing"),
        (TermList("a", REGEX, (r"(?=x)y",)), "list 'a': term 1 is no RE2 pattern"),
        (TermList("a", REGEX, ("x" * 513,)), "term 1 has 513 characters; the limit is 512"),
        (TermList("a", REGEX, (r"\pL{1000}",)), "list 'a': term 1 is"),
        (TermList("a", REGEX, (r"\pL{4}",)), "term 1 is too large a pattern"),
        (TermList("a", REGEX, ("x*",)), "term 1 matches the empty text"),
        (TermList("a", REGEX, ("x",) * (MAX_PATTERNS + 1)), "201 patterns; the limit is 200"),
        (TermList("a", EXACT, ("x",) * (MAX_TERMS + 1)), "10001 terms; the limit is 10000"),
        (TermList("a", EXACT, ("x" * 257,)), "term 1 has 257 characters; the limit is 256"),
        (TermList("a", PREFIX, (" \u200b-",)), "list 'a': term 1 is empty once folded"),
        (TermList("a", EXACT, ("x",), "Z9"), "list 'a': unknown category 'Z9'"),
    ],
)
def test_lists_that_could_fail_later_are_refused(term_list: TermList, message: str) -> None:
    """A policy hears at once which list and which term is wrong, and why."""
    with pytest.raises(ValueError) as refused:
        validate_term_lists([term_list])
    assert message in str(refused.value)


def test_allowed_terms_are_checked_too() -> None:
    """An allowed term that is empty or too long is refused as a listed one is."""
    with pytest.raises(ValueError, match="allowed_terms: term 2 is empty once folded"):
        validate_term_lists([], ["fine", " "])
    with pytest.raises(ValueError, match="allowed_terms: 10001 terms"):
        validate_term_lists([], ["x"] * (MAX_TERMS + 1))


def test_lists_within_the_limits_are_accepted() -> None:
    """What the documentation allows is allowed."""
    validate_term_lists(
        [
            TermList("words", EXACT, tuple(f"word{number}" for number in range(MAX_TERMS - 10))),
            TermList("patterns", REGEX, (r"\bx{3,9}\b", "y" * 512)),
        ],
        ["fine"],
    )


async def test_a_policy_compiles_once_and_old_ones_are_forgotten(lane: CpuLane) -> None:
    """The same source is compiled once while it is in use; memory stays bounded."""
    compiled: list[tuple[str, ...]] = []

    def compile_source(source: tuple[str, ...]) -> int:
        compiled.append(source)
        return len(source)

    once = CompiledOnce(lane, compile_source, len)
    sources = [(f"term {number}",) for number in range(MAX_COMPILED + 1)]
    for source in sources[:2]:
        assert await once.of(source) == await once.of(source) == 1
    assert len(compiled) == 2
    for source in sources[2:]:
        await once.of(source)
    await once.of(sources[-1])
    assert len(compiled) == len(sources)
    await once.of(sources[0])
    assert compiled[-1] is sources[0]
    assert len(compiled) == len(sources) + 1

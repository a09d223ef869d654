"""Compiles an operator's own terms: words, beginnings of words, and RE2 patterns.

It refuses what could cost too much later; which policy holds which list is not its business.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import re2

from gaveld.adapters.text.cpu_lane import STEP_CHARACTERS, Checkpoint, steps
from gaveld.adapters.text.lexicon.hits import Hit, Term, Terms, hits_in
from gaveld.adapters.text.lexicon.matching import TermMatcher, comparable
from gaveld.adapters.text.normalise.folding import fold
from gaveld.domain.categories import CATALOGUE, Severity
from gaveld.domain.content import FoldedText, TextReadings
from gaveld.domain.policies import TermList, TermMatch

MAX_TERMS: Final = 10_000
MAX_TERM_CHARACTERS: Final = 256
MAX_PATTERNS: Final = 200
MAX_PATTERN_CHARACTERS: Final = 512
MAX_PATTERN_INSTRUCTIONS: Final = 1_500
"""What RE2 makes of a pattern; bounds what one character of a text may cost."""
MAX_PATTERN_MATCHES: Final = 1_000
"""From here on one match stands for all the rest of the text."""
MAX_PATTERN_MATCH_CHARACTERS: Final = 1_024
"""A longer match may be told in several pieces."""

_PATTERN_MEMORY_BYTES: Final = 4 << 20
_LISTED_SCORE: Final = 1.0  # the operator said so; there is nothing to estimate


@dataclass(frozen=True, slots=True)
class CompiledLists:
    """Term lists ready to be matched."""

    words: tuple[TermMatcher[Terms], ...]
    patterns: tuple[tuple[Any, Term], ...]

    def hits(
        self, readings: TextReadings, allowed: TermMatcher[None], checkpoint: Checkpoint
    ) -> Iterator[Iterator[Hit]]:
        """Yield the hits of words in each reading, then of each pattern as sent and folded."""
        yield from hits_in(readings, self.words, (allowed,), checkpoint)
        if not self.patterns:
            return
        as_sent = FoldedText.identity(readings.as_sent)
        for reading in {as_sent.text: as_sent, readings.folded.text: readings.folded}.values():
            data = reading.text.encode(errors="surrogatepass")
            for pattern, term in self.patterns:
                matches = _pattern_matches(pattern, reading.text, data, checkpoint)
                yield _pattern_hits(matches, reading, term)


def validate_term_lists(term_lists: Iterable[TermList], allowed_terms: Sequence[str] = ()) -> None:
    """Check what a policy lists, so that it cannot fail or cost too much once it is in force.

    Raises ``ValueError`` naming the list and the term's number, counted from 1: for a term that
    is empty, too long, or a pattern that RE2 refuses or that is too large or matches the empty
    text; for too many terms; and for an unknown category.
    """
    lists = tuple(term_lists)
    compile_lists(lists)
    terms = sum(len(entry.terms) for entry in lists)
    for count, what in ((terms, "term_lists"), (len(allowed_terms), "allowed_terms")):
        if count > MAX_TERMS:
            raise ValueError(f"{what}: {count} terms; the limit is {MAX_TERMS}")
    for number, term in enumerate(allowed_terms, start=1):
        _checked_term(term, f"allowed_terms: term {number}")


def compile_lists(term_lists: Sequence[TermList]) -> CompiledLists:
    """Compile lists. Raises ``ValueError`` as ``validate_term_lists`` does for each term."""
    words: dict[TermMatch, defaultdict[str, Terms]] = {
        TermMatch.EXACT: defaultdict(tuple),
        TermMatch.PREFIX: defaultdict(tuple),
    }
    patterns: list[tuple[Any, Term]] = []
    for entry in term_lists:
        of_list = f"term_lists: list {entry.name!r}:"
        if entry.category_id not in CATALOGUE:
            raise ValueError(f"{of_list} unknown category {entry.category_id!r}")
        listed = _listed(entry)
        for number, term in enumerate(entry.terms, start=1):
            where = f"{of_list} term {number}"
            if entry.match is TermMatch.REGEX:
                patterns.append((_pattern(term, where), listed))
            else:
                words[entry.match][_checked_term(term, where)] += (listed,)
    if len(patterns) > MAX_PATTERNS:
        raise ValueError(f"term_lists: {len(patterns)} patterns; the limit is {MAX_PATTERNS}")
    return CompiledLists(
        (
            TermMatcher(words[TermMatch.EXACT]),
            TermMatcher(words[TermMatch.PREFIX], prefixes=True),
        ),
        tuple(patterns),
    )


def blocked_terms_matcher(terms: Sequence[str]) -> TermMatcher[Terms]:
    """Return a matcher of the terms that a call blocks, less those that fold to nothing."""
    blocked = Term(
        "L2",
        _LISTED_SCORE,
        Severity.UNSTATED,
        "A term that the caller blocks.",
        "A term that the caller blocks, in disguised spelling.",
        can_be_allowed=False,
    )
    return TermMatcher({term: (blocked,) for term in map(folded_term, terms) if term})


def allowed_matcher(terms: Sequence[str]) -> TermMatcher[None]:
    """Return a matcher of allowed terms, less those that fold to nothing."""
    return TermMatcher(dict.fromkeys(filter(None, map(folded_term, terms))))


def folded_term(term: str) -> str:
    """Return a term folded as texts are, without white space around it."""
    return comparable(fold(term, _go_on).text).strip()


def characters(terms: Sequence[str]) -> int:
    """Return how many characters there are to compile."""
    return sum(map(len, terms))


def _listed(entry: TermList) -> Term:
    reason = f"On the term list {entry.name!r}"
    return Term(
        entry.category_id,
        _LISTED_SCORE,
        Severity.UNSTATED,
        f"{reason}.",
        f"{reason}, in disguised spelling.",
    )


def _checked_term(term: str, where: str) -> str:
    if len(term) > MAX_TERM_CHARACTERS:
        raise ValueError(f"{where} has {len(term)} characters; the limit is {MAX_TERM_CHARACTERS}")
    folded = folded_term(term)
    if not folded:
        raise ValueError(f"{where} is empty once folded")
    return folded


def _pattern(pattern: str, where: str) -> Any:
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise ValueError(
            f"{where} has {len(pattern)} characters; the limit is {MAX_PATTERN_CHARACTERS}"
        )
    options = re2.Options()
    options.max_mem = _PATTERN_MEMORY_BYTES
    options.log_errors = False
    options.never_capture = True
    options.case_sensitive = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        raise ValueError(f"{where} is no RE2 pattern: {_message(error)}") from error
    if compiled.programsize > MAX_PATTERN_INSTRUCTIONS:
        raise ValueError(f"{where} is too large a pattern; shorten its repeats and classes")
    if compiled.search("") is not None:
        raise ValueError(f"{where} matches the empty text")
    return compiled


def _message(error: Exception) -> str:
    told = error.args[0] if error.args else ""
    return told.decode(errors="replace") if isinstance(told, bytes) else str(told)


def _pattern_hits(
    matches: Iterable[tuple[int, int]], reading: FoldedText, term: Term
) -> Iterator[Hit]:
    for start, end in matches:
        yield Hit(reading.original(start, end), term, is_disguised=False)


def _pattern_matches(
    pattern: Any, text: str, data: bytes, checkpoint: Checkpoint
) -> Iterator[tuple[int, int]]:
    """Yield code-point ranges of ``text``, whose UTF-8 is ``data``, that the pattern matches."""
    matches = done = origin = 0
    for start, end in steps(len(text), MAX_PATTERN_MATCH_CHARACTERS):
        checkpoint()
        own = origin + _bytes_in(text[start : start + STEP_CHARACTERS])
        until = origin + _bytes_in(text[start:end])
        for match in pattern.finditer(data, max(origin, done), until):
            first, last = match.span()
            if first >= own:
                break  # it begins in the next step, which finds it
            if first == last:
                continue
            at = start + _characters_in(data[origin:first])
            if matches == MAX_PATTERN_MATCHES:
                yield at, len(text)
                return
            matches += 1
            done = last
            yield at, at + _characters_in(data[first:last])
        origin = own


def _bytes_in(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _characters_in(data: bytes) -> int:
    return len(data.decode(errors="surrogatepass"))


def _go_on() -> None:
    pass

"""Perspective's attributes as Gavel's traits: which there are, their scores, why one has none."""

import re
import time
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from gavel.v1.category_service_pb2 import ListCategoriesRequest, ListCategoriesResponse
from gavel.v1.moderation_service_pb2 import ModerateTextResponse
from gavel.v1.verdict_pb2 import UncheckedReason
from google.rpc import code_pb2

from gaveld.transport.rest.dialects.shapes import field_path, is_plain_name, misfit
from gaveld.transport.rest.failures import RpcFailure, invalid, refusal
from gaveld.transport.rest.rpc import Rpc

_LIST: Final = "/gavel.v1.CategoryService/ListCategories"
_LANGUAGES_SECONDS: Final = 60.0
_CODE: Final = re.compile("[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


class _Trait(NamedTuple):
    """A field of ``AttributeScores``, and the category whose coverage speaks for it.

    ``is_tone``: no category is about the trait itself, and the one named is its nearest relative.
    """

    field: str
    category_id: str
    is_tone: bool = False


TRAITS: Final[Mapping[str, _Trait]] = MappingProxyType(
    {
        "TOXICITY": _Trait("toxicity", "H2", is_tone=True),
        "SEVERE_TOXICITY": _Trait("severe_toxicity", "H3", is_tone=True),
        "IDENTITY_ATTACK": _Trait("identity_attack", "H1"),
        "INSULT": _Trait("insult", "H2"),
        "PROFANITY": _Trait("profanity", "L1"),
        "THREAT": _Trait("threat", "H3"),
        "SEXUALLY_EXPLICIT": _Trait("sexually_explicit", "A1"),
        "SPAM": _Trait("spam", "S1"),
    }
)
"""The attributes that Gavel has a trait for. Whether a server scores it is the server's to say."""


class CommentError(RpcFailure):
    """A refusal with the detail that Perspective's clients know it by."""

    def __init__(
        self,
        error_type: str,
        message: str,
        *,
        field: str = "",
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(invalid(message, field).status)
        self.comment_error: Mapping[str, Any] = {
            "@type": "type.googleapis.com/google.commentanalyzer.v1alpha1.Error",
            "errorType": error_type,
            **(more or {}),
        }


def check_names(names: Collection[str], field: str) -> None:
    """Raise ``RpcFailure`` for no attribute at all, and for one that Gavel has no trait for."""
    if not names:
        raise misfit(field, "must name an attribute")
    for name in names:
        if name not in TRAITS:
            shown = name if is_plain_name(name) else "of this name"
            raise invalid(
                f"Gavel has no score for the attribute {shown}. It has: {', '.join(TRAITS)}.",
                field_path([field, name]),
            )


class Languages:
    """Which languages a server reads, by category; asked for at most once a minute."""

    def __init__(self) -> None:
        self._known: Mapping[str, frozenset[str] | None] = {}
        self._until = 0.0

    async def reads(self, category_id: str, codes: Sequence[str], rpc: Rpc) -> bool:
        """Whether all installed classifiers of a category read one of the languages."""
        if time.monotonic() >= self._until:
            answer = await rpc(
                _LIST, ListCategoriesRequest(page_size=1_000), ListCategoriesResponse
            )
            self._known = _read_by_all(answer)
            self._until = time.monotonic() + _LANGUAGES_SECONDS
        read = self._known.get(category_id)
        return read is None or any(_base(code) in read for code in codes)


def _read_by_all(answer: ListCategoriesResponse) -> Mapping[str, frozenset[str] | None]:
    """Return the languages that every installed classifier of a category reads; None for any."""
    found: dict[str, frozenset[str] | None] = {}
    for category in answer.categories:
        for classifier in category.classifiers:
            if classifier.installed and classifier.languages:
                languages = frozenset(classifier.languages)
                earlier = found.get(category.id)
                found[category.id] = languages if earlier is None else earlier & languages
    return found


class Scores:
    """The scores of one comment by attribute. ``asked_languages`` are the caller's, if it said."""

    def __init__(
        self,
        text: str,
        answer: ModerateTextResponse,
        asked_languages: Sequence[str],
        languages: Languages,
    ) -> None:
        self._answer = answer
        self.utf16_length = len(text.encode("utf-16-le")) // 2
        self._asked = asked_languages
        self._languages = languages
        coverage = answer.verdict.coverage
        self._missed = {entry.category_id: entry.reason for entry in coverage.unchecked_categories}
        self.detected = [answer.language.code] if answer.HasField("language") else []

    async def problem(self, name: str, rpc: Rpc) -> RpcFailure | None:
        """Return why an attribute has no score that may be shown; None if it has one."""
        reason = self._missing(TRAITS[name])
        if reason is None:
            return None if await self._is_in_its_language(name, rpc) else self._foreign(name)
        if reason == UncheckedReason.UNCHECKED_REASON_SKIPPED:
            return self._foreign(name)
        if reason == UncheckedReason.UNCHECKED_REASON_NOT_INSTALLED:
            return refusal(
                code_pb2.FAILED_PRECONDITION,
                "CLASSIFIER_NOT_INSTALLED",
                f"This server has no classifier for the attribute {name}.",
                metadata={"attribute": name},
            )
        return refusal(
            code_pb2.UNAVAILABLE,
            "CLASSIFIER_UNAVAILABLE",
            f"The attribute {name} could not be scored now; try again.",
            metadata={"attribute": name},
            retry_after_seconds=1.0,
        )

    def of_comment(self, name: str) -> float:
        """Return the score of the whole comment, 0–1."""
        return float(getattr(self._answer.attribute_scores, TRAITS[name].field))

    def of_sentences(self, name: str) -> list[tuple[int, int, float]]:
        """Return begin, end and score of the sentences that were scored in time.

        Offsets count UTF-16 code units; the end is exclusive.
        """
        field, whole = TRAITS[name].field, _set_in(self._answer.attribute_scores)
        return [
            (entry.span.utf16_start, entry.span.utf16_end, getattr(entry.attribute_scores, field))
            for entry in self._answer.sentence_scores
            if whole <= _set_in(entry.attribute_scores)
        ]

    def _missing(self, trait: _Trait) -> UncheckedReason.ValueType | None:
        none_installed = UncheckedReason.UNCHECKED_REASON_NOT_INSTALLED
        reason = self._missed.get(trait.category_id)
        if trait.field not in _set_in(self._answer.attribute_scores):
            return none_installed if reason is None else reason
        is_scored = trait.is_tone or reason in {None, none_installed}
        return None if is_scored else reason

    async def _is_in_its_language(self, name: str, rpc: Rpc) -> bool:
        """Whether a caller that says the comment's language says one that was read."""
        told = {_base(code) for code in self._asked}
        if not told or told & {_base(code) for code in self.detected}:
            return True
        return await self._languages.reads(TRAITS[name].category_id, self._asked, rpc)

    def _foreign(self, name: str) -> RpcFailure:
        codes = [code for code in self._asked if _CODE.fullmatch(code)] or self.detected
        return CommentError(
            "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
            f"Attribute {name} does not support request languages: {', '.join(codes)}",
            more={
                "languageNotSupportedByAttributeError": {
                    "detectedLanguages": self.detected,
                    "attribute": name,
                }
            },
        )


def _base(code: str) -> str:
    return code.partition("-")[0].lower()


def _set_in(scores: Any) -> set[str]:
    return {field.name for field, _ in scores.ListFields()}

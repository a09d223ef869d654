"""OpenAI's thirteen categories as Gavel's: which belong to each, and what an answer says of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from gavel.v1.moderation_service_pb2 import ModerateImageResponse, ModerateTextResponse
from gavel.v1.verdict_pb2 import Action

Judgement = ModerateTextResponse | ModerateImageResponse


class _Meaning(NamedTuple):
    """Gavel's categories for one of OpenAI's: any of them will do, or it takes all at once."""

    category_ids: tuple[str, ...] = ()
    takes_all: bool = False


MEANINGS: Final[Mapping[str, _Meaning]] = MappingProxyType(
    {
        "harassment": _Meaning(("H2",)),
        "harassment/threatening": _Meaning(("H3",)),
        "hate": _Meaning(("H1",)),
        "hate/threatening": _Meaning(("H1", "H3"), takes_all=True),
        "illicit": _Meaning(("C1", "C2", "C3", "C4")),
        "illicit/violent": _Meaning(("C2",)),
        "self-harm": _Meaning(("D1",)),
        "self-harm/intent": _Meaning(),
        "self-harm/instructions": _Meaning(),
        "sexual": _Meaning(("A1", "A2")),
        "sexual/minors": _Meaning(("A3",)),
        "violence": _Meaning(("V1", "V2")),
        "violence/graphic": _Meaning(("V2",)),
    }
)
"""In the order in which OpenAI's answers have them. Without any id: Gavel can't tell it apart."""

_ACTING: Final = (Action.ACTION_REVIEW, Action.ACTION_BLOCK)
_NAMES: Final = MappingProxyType(
    {
        Action.ACTION_ALLOW: "allow",
        Action.ACTION_REVIEW: "review",
        Action.ACTION_BLOCK: "block",
    }
)


@dataclass
class Result:
    """What is known of one input, which may be several texts and pictures judged together.

    ``scores`` are Gavel's, 0–1, by category and by kind of input; ``acting`` the categories that
    the policy doesn't allow; ``action`` the strictest verdict.
    """

    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    acting: set[str] = field(default_factory=set)
    action: Action.ValueType = Action.ACTION_ALLOW

    def add(self, judgement: Judgement) -> None:
        """Take in the judgement of one text or picture."""
        kind = "image" if isinstance(judgement, ModerateImageResponse) else "text"
        for category_id, score in judgement.category_scores.items():
            self._add(category_id, kind, score)
        for finding in judgement.findings:
            self._add(finding.category_id, kind, finding.score)
            self._act(finding.category_id, finding.action)
        for reason in judgement.verdict.reasons:
            if reason.category_id:
                self._add(reason.category_id, kind, reason.score)
                self._act(reason.category_id, reason.action)
        self.action = max(self.action, judgement.verdict.action)

    def to_json(self) -> Mapping[str, Any]:
        """Return the result as OpenAI's API has it, with what isn't covered beside it."""
        flags = {name: self._is_flagged(meaning) for name, meaning in MEANINGS.items()}
        kinds = {name: self._kinds(meaning) for name, meaning in MEANINGS.items()}
        return {
            "flagged": any(flags.values()),
            "categories": flags,
            "category_scores": {
                name: self._score(meaning, kinds[name]) for name, meaning in MEANINGS.items()
            },
            "category_applied_input_types": kinds,
            "gavel_action": _NAMES[self.action],
            "gavel_not_covered": [name for name, applied in kinds.items() if not applied],
        }

    def _add(self, category_id: str, kind: str, score: float) -> None:
        by_kind = self.scores.setdefault(category_id, {})
        by_kind[kind] = max(by_kind.get(kind, 0.0), score)

    def _act(self, category_id: str, action: Action.ValueType) -> None:
        if action in _ACTING:
            self.acting.add(category_id)

    def _kinds(self, meaning: _Meaning) -> list[str]:
        """Return the kinds of input that the category was looked for in."""
        looks = [self.scores.get(category_id, {}) for category_id in meaning.category_ids]
        enough = all if meaning.takes_all else any
        return [
            kind for kind in ("text", "image") if looks and enough(kind in look for look in looks)
        ]

    def _is_flagged(self, meaning: _Meaning) -> bool:
        acting: Iterable[bool] = [entry in self.acting for entry in meaning.category_ids]
        return bool(meaning.category_ids) and (all if meaning.takes_all else any)(acting)

    def _score(self, meaning: _Meaning, kinds: Iterable[str]) -> float:
        joined = min if meaning.takes_all else max
        return max((joined(self._scores_of(meaning, kind)) for kind in kinds), default=0.0)

    def _scores_of(self, meaning: _Meaning, kind: str) -> list[float]:
        looks = [self.scores.get(category_id, {}) for category_id in meaning.category_ids]
        return [look[kind] for look in looks if kind in look]

"""The figures that every form of the report shows, in words: names for ids, and what changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gavel.v1 import policy_pb2, verdict_pb2
from gavel.v1.policy_service_pb2 import BacktestPolicyResponse, BacktestRow

from gaveld.domain.actions import Action
from gaveld.domain.categories import CATALOGUE

Move = tuple[Action, Action]


@dataclass(frozen=True, slots=True)
class Change:
    """How many decisions change from one action to another by one cause, and some of them."""

    cause: str
    before: Action
    after: Action
    count: int
    content_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """A whole backtest. ``moves`` count every tried decision once, unchanged ones too."""

    title: str
    stretch: str
    tried: int
    changed: int
    unjudged: int
    changes: tuple[Change, ...] = ()
    moves: Mapping[Move, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def stayed(self) -> int:
        """How many are known to stay as they are."""
        return self.tried - self.changed - self.unjudged


def figures_of(
    response: BacktestPolicyResponse, policies: Iterable[policy_pb2.Policy], stretch: str
) -> Figures:
    """Return the figures; rules are called as the first of the policies calls them.

    What others wrote is shown without characters that drive a terminal or break a page.
    """
    names: dict[str, str] = {}
    for policy in policies:
        for rule in policy.rules:
            names.setdefault(rule.id, rule.name)
    return Figures(
        title="What another policy would have decided",
        stretch=stretch,
        tried=response.decision_count,
        changed=response.changed_count,
        unjudged=response.unjudged_count,
        changes=tuple(
            Change(
                _shown(_cause(row, names)),
                _action(row.before),
                _action(row.after),
                row.count,
                tuple(map(_shown, row.sample_content_ids)),
            )
            for row in response.rows
        ),
        moves={(_action(m.before), _action(m.after)): m.count for m in response.moves},
        warnings=tuple(map(_shown, response.warnings)),
    )


def called(action: Action) -> str:
    """Return an action as a person says it."""
    return action.name.lower()


def _cause(row: BacktestRow, names: Mapping[str, str]) -> str:
    if row.rule_id:
        return f"rule {names.get(row.rule_id, row.rule_id)}"
    category = CATALOGUE.get(row.category_id)
    if category is None:
        return row.category_id or "not known any more"
    return f"{category.id} {category.name}{' (not checked)' if row.unchecked else ''}"


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _action(value: "verdict_pb2.Action.ValueType") -> Action:
    return Action[verdict_pb2.Action.Name(value).removeprefix("ACTION_")]

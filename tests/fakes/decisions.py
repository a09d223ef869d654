"""Decisions and users' histories that a test writes and looks at."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

from gaveld.application.ports import Forgotten
from gaveld.domain.actions import Action
from gaveld.domain.decision_records import Decision, Records
from gaveld.domain.rules import UserHistory, UserWindow


class FakeDecisions:
    """A ``DecisionStore`` and a ``UserStore`` over what was recorded."""

    def __init__(self) -> None:
        self.kept: dict[str, Decision] = {}
        self.deeds: dict[str, Decision] = {}
        self.ruled: dict[str, Action] = {}
        self.forgotten: list[tuple[str, str]] = []

    def record(self, records: Records) -> None:
        decision, ruling = records.decision, records.ruling
        if decision is not None and decision.id not in self.kept:
            self.kept[decision.id] = decision if decision.payload else wordless(decision)
            if decision.actor_id:
                self.deeds[decision.id] = decision
        known = self.kept.get(ruling.decision_id) if ruling is not None else None
        if known is not None and known.project == ruling.project:
            self.ruled[ruling.decision_id] = ruling.action

    async def read(
        self, project: str, *, since: datetime, until: datetime, most: int
    ) -> AsyncIterator[Decision]:
        found = self._between(project, since, until)
        for place, decision in enumerate(found):
            if len(found) <= most or (place * most) % len(found) < most:
                yield decision

    async def count(self, project: str, *, since: datetime, until: datetime) -> int:
        return len(self._between(project, since, until))

    async def erase_expired(self, now: datetime) -> int:
        erased = 0
        for decision in list(self.kept.values()):
            if decision.decided_at + timedelta(days=decision.decision_retention_days) <= now:
                del self.kept[decision.id]
                erased += 1
            if decision.payload and (
                decision.decided_at + timedelta(days=decision.content_retention_days) <= now
                or decision.id not in self.kept
            ):
                erased += 1
                if decision.id in self.kept:
                    self.kept[decision.id] = wordless(decision)
        return erased

    async def history(self, project: str, actor_id: str, now: datetime) -> UserHistory | None:
        deeds = [
            deed
            for deed in self.deeds.values()
            if (deed.project, deed.actor_id) == (project, actor_id)
        ]
        if not deeds:
            return None
        half_life = deeds[-1].strike_half_life_days
        return UserHistory(
            actor_id,
            tuple(self._window(deeds, hours, now) for hours in (24, 168, 720)),
            sum(
                0.5 ** ((now - deed.decided_at) / timedelta(days=half_life))
                for deed in deeds
                if self._action(deed) is Action.BLOCK
            ),
            min(deed.decided_at for deed in deeds),
            max(deed.decided_at for deed in deeds),
        )

    async def forget(self, project: str, actor_id: str) -> Forgotten:
        self.forgotten.append((project, actor_id))
        theirs = [
            decision
            for decision in self.kept.values()
            if (decision.project, decision.actor_id) == (project, actor_id)
        ]
        for decision in theirs:
            self.kept[decision.id] = replace(wordless(decision), actor_id="")
        self.deeds = {
            key: deed
            for key, deed in self.deeds.items()
            if (deed.project, deed.actor_id) != (project, actor_id)
        }
        return Forgotten(len(theirs), sum(bool(decision.payload) for decision in theirs))

    def _between(self, project: str, since: datetime, until: datetime) -> list[Decision]:
        return sorted(
            (
                decision
                for decision in self.kept.values()
                if decision.project == project and since <= decision.decided_at < until
            ),
            key=lambda decision: (decision.decided_at, decision.id),
        )

    def _action(self, deed: Decision) -> Action:
        return self.ruled.get(deed.id, deed.action)

    def _window(self, deeds: list[Decision], hours: int, now: datetime) -> UserWindow:
        hour = timedelta(hours=1)
        since = (now - hours * hour).replace(minute=0, second=0, microsecond=0)
        seen = [deed for deed in deeds if deed.decided_at >= since]
        named = [category_id for deed in seen for category_id in deed.category_ids]
        return UserWindow(
            hours,
            len(seen),
            sum(self._action(deed) is not Action.ALLOW for deed in seen),
            {category_id: named.count(category_id) for category_id in named},
        )


def wordless(decision: Decision) -> Decision:
    """Return the decision as it is once its content is erased."""
    facts = replace(decision.facts, content=None, ocr_text=decision.facts.ocr_text and None)
    return replace(decision, payload=b"", facts=facts)

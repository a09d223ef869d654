"""Answers that a test keeps and looks at."""

from gaveld.application.ports import KeptAnswer


class FakeAnswerStore:
    """An ``AnswerStore`` over a dictionary, which may be out of reach."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], KeptAnswer] = {}
        self.is_reachable = True

    async def find(self, project: str, request_id: str) -> KeptAnswer | None:
        return self.kept.get((project, request_id)) if self.is_reachable else None

    async def keep(self, project: str, request_id: str, answer: KeptAnswer) -> None:
        if self.is_reachable:
            self.kept[project, request_id] = answer

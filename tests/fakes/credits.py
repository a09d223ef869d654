"""Credits that a test sets and looks at."""

from collections.abc import Sequence


class FakeCredits:
    """A ``Credits`` over a dictionary."""

    def __init__(self, **balances: int) -> None:
        self.balances = balances

    async def spend(self, project: str, amount: int) -> int | None:
        balance = self.balances.get(project)
        if balance is None:
            return None
        if balance < amount:
            return balance
        self.balances[project] = balance - amount
        return None

    async def refund(self, project: str, amount: int) -> None:
        if project in self.balances:
            self.balances[project] += amount

    async def put(self, project: str, balance: int | None) -> None:
        if balance is None:
            self.balances.pop(project, None)
        elif balance < 0:
            raise ValueError("a balance is at least 0")
        else:
            self.balances[project] = balance

    async def list(self) -> Sequence[tuple[str, int]]:
        return sorted(self.balances.items())

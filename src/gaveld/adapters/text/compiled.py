"""Compiles what policies list once per policy, and forgets the policies used longest ago."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from gaveld.adapters.text.cpu_lane import CpuLane

SourceT = TypeVar("SourceT", bound=Sequence[object])
CompiledT = TypeVar("CompiledT")

MAX_COMPILED: Final = 64


class CompiledOnce(Generic[SourceT, CompiledT]):
    """Remembers what ``compile_source`` made of the last 64 immutable sources.

    A source is known by identity, since hashing ten thousand terms on every call would cost more
    than most texts. ``characters`` says how long a source is: a long one compiles on a thread.
    Used from one event loop.
    """

    def __init__(
        self,
        lane: CpuLane,
        compile_source: Callable[[SourceT], CompiledT],
        characters: Callable[[SourceT], int],
    ) -> None:
        self._lane = lane
        self._compile = compile_source
        self._characters = characters
        # The source is kept with its result, so that its identity is not given to another.
        self._known: OrderedDict[int, tuple[SourceT, CompiledT]] = OrderedDict()

    async def of(self, source: SourceT) -> CompiledT:
        """Return what was compiled from ``source``; whatever compiling raises is raised here."""
        known = self._known.get(id(source))
        if known is None:
            made = await self._lane.run(
                self._characters(source), lambda _checkpoint: self._compile(source)
            )
            known = self._known[id(source)] = source, made
            if len(self._known) > MAX_COMPILED:
                self._known.popitem(last=False)
        self._known.move_to_end(id(source))
        return known[1]

"""From a table to labelled texts: which text, which labels, which slices each row belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gaveld.bootstrap.evaluation.datasets import DatasetError, Table
from gaveld.bootstrap.evaluation.labels import Label, label_value

MOST_SLICES: Final = 100


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled text. ``truth`` has an answer a label, None for unknown, in their order.

    ``slices`` are the names of the parts of the data that it belongs to, such as ``source=forum``.
    """

    line: int
    text: str
    truth: tuple[bool | None, ...]
    slices: tuple[str, ...] = ()

    @property
    def is_harmless(self) -> bool:
        """Whether it is labelled, and nothing says harmful."""
        return False in self.truth and True not in self.truth


def read_examples(
    table: Table, text: str, labels: Sequence[Label], slices: Sequence[str]
) -> list[Example]:
    """Read every row. Raises ``DatasetError`` naming the line and column of a cell at fault."""
    table.require([text, *(label.column for label in labels), *slices])
    for column in slices:
        values = {str(row.cells.get(column)) for row in table.rows}
        if len(values) > MOST_SLICES:
            raise DatasetError(
                f"{table.path}: column {column!r} has {len(values)} values; "
                f"slices are of at most {MOST_SLICES}"
            )
    examples = []
    for row in table.rows:
        content = table.text(row, text)
        if any("\ud800" <= character <= "\udfff" for character in content):
            raise table.fault(row, text, "a lone surrogate, so not Unicode")
        truth = tuple(label_value(table, row, label.column) for label in labels)
        named = tuple(f"{column}={row.cells.get(column)}" for column in slices)
        examples.append(Example(row.line, content, truth, named))
    return examples

"""Reads the public sets as their authors publish them; nothing here holds any of their texts.

Each set lies in a folder of its own. What a label means in Gavel's terms is decided here, once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gaveld.bootstrap.evaluation.datasets import Row, Table, read_table
from gaveld.bootstrap.evaluation.examples import Example, read_examples
from gaveld.bootstrap.evaluation.labels import Label, parse_label


@dataclass(frozen=True, slots=True)
class PublicSet:
    """A set that a reader may download.

    ``files`` says which files its folder needs, one of each alternative; ``origin`` where its
    authors publish them. The first label is the one that published figures are about. ``rules``
    name those of ``decisions`` by which its texts are decided on, by kind, which is then the slice
    of each example; a set without rules is only ranked. ``caveat`` says what a reader of the
    figures must know.
    """

    folder: str
    title: str
    origin: str
    files: tuple[tuple[str, ...], ...]
    labels: tuple[Label, ...]
    load: Callable[["PublicSet", Path], list[Example]]
    rules: tuple[str, ...] = ()
    caveat: str = ""

    def read(self, sets: Path) -> list[Example] | None:
        """Read the set; None where one of its files is missing. Raises ``DatasetError``."""
        folder = sets / self.folder
        if all(any((folder / name).is_file() for name in names) for names in self.files):
            return self.load(self, folder)
        return None

    def table(self, folder: Path, number: int) -> Table:
        """Read the first alternative that is there of one of the files."""
        return read_table(
            next(folder / name for name in self.files[number] if (folder / name).is_file())
        )


_HARMFUL: Final = "A1+A3+D1+H1+H2+H3+V1+V2"
_PROMPTS: Final = "A1+A3+C1+C2+C3+C4+D1+H1+H2+H3+V1"
_OPENAI_LABELS: Final[Mapping[str, str]] = {
    "S": "A1+A3",
    "H": "H1+H3",
    "V": "V1+V2",
    "HR": "H2+H3",
    "SH": "D1",
    "S3": "A3",
    "H2": "H1+H3",
    "V2": "V2+V1",
}


_TRAINED_ON: Final = (
    "Not held out: training uses comments of this collection, and some of these may be among them."
)


def _labels(**meanings: str) -> tuple[Label, ...]:
    return tuple(parse_label(f"{column}={meaning}") for column, meaning in meanings.items())


def _load_openai(about: PublicSet, folder: Path) -> list[Example]:
    # A label that is left out was not judged; a text is harmful when any that is there says so.
    table = about.table(folder, 0)
    examples = read_examples(table, "prompt", about.labels[1:], [])
    return [
        Example(entry.line, entry.text, (_any(entry.truth), *entry.truth)) for entry in examples
    ]


def _load_columns(text: str) -> Callable[[PublicSet, Path], list[Example]]:
    def load(about: PublicSet, folder: Path) -> list[Example]:
        examples: list[Example] = []
        for number in range(len(about.files)):
            examples += read_examples(about.table(folder, number), text, about.labels, [])
        return examples

    return load


def _load_hatecheck(about: PublicSet, folder: Path) -> list[Example]:
    table = about.table(folder, 0)
    table.require(["test_case", "label_gold", "functionality"])
    return [
        Example(
            row.line,
            table.text(row, "test_case"),
            (_word(table, row, "label_gold", harmful="hateful", harmless="non-hateful"),),
            (table.text(row, "functionality"),),
        )
        for row in table.rows
    ]


def _load_xstest(about: PublicSet, folder: Path) -> list[Example]:
    # The first release has no column of labels: there the contrasts are the unsafe ones.
    table = about.table(folder, 0)
    table.require(["prompt", "type"])
    labelled = "label" in table.columns
    examples = []
    for row in table.rows:
        kind = table.text(row, "type")
        unsafe = kind.startswith("contrast_")
        if labelled:
            unsafe = _word(table, row, "label", harmful="unsafe", harmless="safe")
        examples.append(Example(row.line, table.text(row, "prompt"), (unsafe,), (kind,)))
    return examples


def _load_jigsaw(about: PublicSet, folder: Path) -> list[Example]:
    # The labels came out later, in a file of their own; -1 marks what was never scored.
    texts, labels = about.table(folder, 0), about.table(folder, 1)
    texts.require(["id", "comment_text"])
    labels.require(["id"])
    by_id = {row.cells["id"]: texts.text(row, "comment_text") for row in texts.rows}
    joined = []
    for row in labels.rows:
        if row.cells["id"] not in by_id:
            raise labels.fault(row, "id", f"not in {texts.path.name}")
        joined.append(Row(row.line, {**row.cells, "comment_text": by_id[row.cells["id"]]}))
    table = Table(labels.path, (*labels.columns, "comment_text"), tuple(joined))
    examples = read_examples(table, "comment_text", about.labels, [])
    return [entry for entry in examples if set(entry.truth) != {None}]


def _word(table: Table, row: Row, column: str, *, harmful: str, harmless: str) -> bool:
    value = row.cells.get(column)
    if value not in (harmful, harmless):
        raise table.fault(row, column, f"neither {harmful} nor {harmless}")
    return value == harmful


def _any(truth: tuple[bool | None, ...]) -> bool | None:
    if True in truth:
        return True
    return False if False in truth else None


PUBLIC_SETS: Final = (
    PublicSet(
        folder="openai_moderation",
        title="OpenAI moderation evaluation set",
        origin="GitHub openai/moderation-api-release, folder data",
        files=(("samples-1680.jsonl", "samples-1680.jsonl.gz"),),
        labels=_labels(harmful=_HARMFUL, **_OPENAI_LABELS),
        load=_load_openai,
    ),
    PublicSet(
        folder="hatecheck",
        title="HateCheck",
        origin="GitHub paul-rottger/hatecheck-data",
        files=(("test_suite_cases.csv",),),
        labels=_labels(hateful="H1"),
        load=_load_hatecheck,
        rules=("verdict", "H1", "identity_attack"),
    ),
    PublicSet(
        folder="xstest",
        title="XSTest",
        origin="GitHub paul-rottger/xstest",
        files=(("xstest_prompts.csv", "xstest_v2_prompts.csv"),),
        labels=_labels(unsafe=_PROMPTS),
        load=_load_xstest,
        rules=("verdict",),
    ),
    PublicSet(
        folder="toxicchat",
        title="ToxicChat, test",
        origin="Hugging Face lmsys/toxic-chat, folder data/0124",
        files=(("toxic-chat_annotation_test.csv",),),
        labels=_labels(toxicity=_PROMPTS, jailbreaking="S4"),
        load=_load_columns("user_input"),
    ),
    PublicSet(
        folder="jigsaw",
        title="Jigsaw toxic comments, test",
        origin="Kaggle jigsaw-toxic-comment-classification-challenge",
        files=(("test.csv",), ("test_labels.csv",)),
        labels=_labels(
            toxic="attribute:toxicity",
            severe_toxic="attribute:severe_toxicity",
            obscene="attribute:profanity",
            threat="attribute:threat",
            insult="attribute:insult",
            identity_hate="attribute:identity_attack",
        ),
        load=_load_jigsaw,
        caveat=_TRAINED_ON,
    ),
    PublicSet(
        folder="civil_comments",
        title="Civil Comments, both tests",
        origin="Kaggle jigsaw-unintended-bias-in-toxicity-classification",
        files=(("test_public_expanded.csv",), ("test_private_expanded.csv",)),
        labels=_labels(
            toxicity="attribute:toxicity",
            severe_toxicity="attribute:severe_toxicity",
            obscene="attribute:profanity",
            threat="attribute:threat",
            insult="attribute:insult",
            identity_attack="attribute:identity_attack",
            sexual_explicit="attribute:sexually_explicit",
        ),
        load=_load_columns("comment_text"),
        caveat=_TRAINED_ON,
    ),
)
"""Every set that the scoreboard knows, in the order of printing."""

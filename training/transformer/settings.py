"""Reads the one file that decides what is trained. It fills in nothing that the file leaves out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

CONFIG: Final = Path(__file__).with_name("config.yaml")
OWN_LINES: Final = Path(__file__).parents[1] / "own"
FRAMES: Final = OWN_LINES / "transformer" / "frames.tsv"


@dataclass(frozen=True)
class DataSettings:
    """What goes into the mix; the comments of ``config.yaml`` say what each means."""

    max_tokens: int
    grammar_scale: float
    deduced_weight: float
    own_weight: float
    grammar_weight: float
    framed_share: float
    joined_share: float
    disguised_share: float
    ceilings: dict[str, int]


@dataclass(frozen=True)
class RoundSettings:
    """How fast one round learns, and how much of each kind of text it is shown."""

    encoder_rate: float
    head_rate: float
    public_share: float
    own_repeats: int


@dataclass(frozen=True)
class TrainingSettings:
    """How weights are learnt; the comments of ``config.yaml`` say what each means."""

    rows_a_batch: int
    warm_up: float
    weight_decay: float
    clip: float
    positive_ceiling: float
    token_weight: float
    witness_weight: float
    panel_weight: float
    panel_source_share: float
    averaged_steps: float
    checkpoint_seconds: float
    threads: int


@dataclass(frozen=True)
class Settings:
    """The whole of ``config.yaml``."""

    seed: int
    labels: tuple[str, ...]
    token_kinds: tuple[str, ...]
    panel_heads: int
    dropout: float
    companion_share: float
    data: DataSettings
    rounds: tuple[RoundSettings, ...]
    training: TrainingSettings


def read_settings(path: Path = CONFIG) -> Settings:
    """Return the settings in a YAML file. Raises TypeError for a name missing or unknown."""
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Settings(
        seed=document["seed"],
        labels=tuple(document["labels"]),
        token_kinds=tuple(document["token_kinds"]),
        panel_heads=document["panel_heads"],
        **document["model"],
        data=DataSettings(**document["data"]),
        rounds=tuple(RoundSettings(**one) for one in document["rounds"]),
        training=TrainingSettings(**document["training"]),
    )

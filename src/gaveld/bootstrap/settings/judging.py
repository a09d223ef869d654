"""Settings of what judges: policy, text, panel, pictures, videos and their models."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gaveld.bootstrap.chat_models import ChatModelSettings, named_once
from gaveld.bootstrap.settings.section import PositiveSeconds, ReadableFile, Section, each_once

ClassifierName = Literal["lexicon", "terms", "links", "personal_data", "linear", "transformer"]


class PolicySettings(Section):
    """The policy document; the default policy in the package when no file is named."""

    file: ReadableFile | None = None


class TextSettings(Section):
    """The text path."""

    max_text_bytes: Annotated[int, Field(ge=1, le=1 << 20)] = 1 << 20
    threads: Annotated[int, Field(ge=1, le=64)] = 2
    """How many long texts are worked on at once."""
    phone_regions: tuple[Annotated[str, Field(pattern="^[A-Z]{2}$")], ...] = ("US",)
    """Regions (ISO 3166) whose national phone numbers are found; international ones always are."""
    classifiers: Annotated[tuple[ClassifierName, ...], AfterValidator(each_once)] = (
        "lexicon",
        "terms",
        "links",
        "personal_data",
        "transformer",
    )
    """The installed classifiers; what is left out is not checked, and verdicts say so."""
    transformer_folder: Path | None = None
    """A folder with another trained transformer; the shipped one when none is named."""
    engine: Literal["auto", "onnxruntime", "openvino"] = "auto"
    """What runs the transformer; ``auto`` times the engines that are installed at the start."""
    engine_threads: Annotated[int, Field(ge=1, le=256)] = 2
    """How many batches of the transformer run at once, each on one core."""
    engine_batch_tokens: Annotated[int, Field(ge=1, le=65_536)] = 512
    """How many tokens, padding included, one batch may have; 1 reads each passage alone."""
    cascade_below: Annotated[float, Field(ge=0, le=0.2)] = 0.0
    """Texts that the linear model gives less than this for every label are not read further."""


class PanelSettings(Section):
    """The panel of reviewers; who is on it, and how votes count, policies may change."""

    reviewer_timeout_seconds: PositiveSeconds = 30
    """How long one reviewer may take, or until the call's deadline if that is sooner."""
    embedded: bool = True
    """Whether the ten reviewers over the transformer are on the server's panel, ahead of others."""
    chat_models: Annotated[tuple[ChatModelSettings, ...], AfterValidator(named_once)] = ()
    """Reviewers over chat models: see docs/chat-models.md."""


class ImagesSettings(Section):
    """What looks at pictures."""

    classifiers: Annotated[
        tuple[Literal["nsfw", "hashes", "codes", "ocr", "nudenet"], ...],
        AfterValidator(each_once),
    ] = ("nsfw", "hashes", "codes", "ocr")
    """The detectors in use; what is left out is not checked, and verdicts say so."""
    hashes_folder: Path = Path("var/hashes")
    """The banks of known pictures, as ``gavel hashes`` keeps them; ``hashes`` compares with all."""
    engine_threads: Annotated[int, Field(ge=1, le=256)] = 2
    """How many batches of frames are worked on at once, each on one core."""
    engine_batch_frames: Annotated[int, Field(ge=1, le=256)] = 1
    """How many frames one batch may have; on a CPU more than one gains nothing."""
    ocr_threads: Annotated[int, Field(ge=1, le=256)] = 2
    """How many frames are read at once, each on one core."""
    decoder_workers: Annotated[int, Field(ge=1, le=64)] = 2
    """How many files are decoded at once, each in a process of its own."""
    max_at_once: Annotated[int, Field(ge=1, le=256)] = 4
    """How many pictures are decoded and looked at together; each may hold 50 MB."""
    max_waiting: Annotated[int, Field(ge=0, le=1_000)] = 8
    """How many more may wait for that; the next is turned away."""
    max_wait_seconds: PositiveSeconds = 1.0
    """How long one may wait before it is turned away."""


class VideoSettings(Section):
    """How videos are decoded and how densely they are looked at."""

    workers: Annotated[int, Field(ge=1, le=64)] = 2
    """How many videos are decoded at once, each in a process of its own; more wait in line."""
    sample_seconds: Annotated[float, Field(ge=0.1, le=60)] = 1.0
    """A frame is looked at at least this often, up to ``max_frames``, and where scenes change."""
    max_frames: Annotated[int, Field(ge=10, le=10_000)] = 600
    """How many frames of one video are looked at; longer videos are looked at less often."""
    max_frame_pixels: Annotated[int, Field(ge=10_000, le=4_000_000)] = 921_600
    """Larger frames are made smaller before they are looked at."""
    cpu_seconds: Annotated[float, Field(ge=5, le=3_600)] = 120
    """Processor time that one video may take; then it is cut short, and verdicts say so."""
    memory_bytes: Annotated[int, Field(ge=256 << 20, le=16 << 30)] = 1 << 30
    """The address space of one worker."""
    spool_folder: Path | None = None
    """Where a video lies while it is decoded, up to 200 MB each; the system's folder if none."""


class ModelsSettings(Section):
    """Models that are not shipped and that ``gavel models install`` gets."""

    folder: Path = Path("var/models")

"""What the use cases need from the outside, each port with the contract that its adapters keep.

Every port has one contract suite in ``tests/contracts``, run against every adapter and its fake.
Adapters may be called concurrently from one event loop unless a port says otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from gaveld.domain.content import DetectedLanguage, TextReadings, TextSample
from gaveld.domain.media import MediaFile, MediaReference, Picture
from gaveld.domain.media_formats import MediaFamily
from gaveld.domain.policies import Action, Policy
from gaveld.domain.reviews import Ballot, ContentKind, Decision, ReviewerCard, ReviewTask
from gaveld.domain.signals import (
    ClassifierCard,
    ClassifierOutcome,
    ClassifierReport,
    OutcomeStatus,
    Signals,
)

SampleT_contra = TypeVar("SampleT_contra", contravariant=True)


class Classifier(Protocol[SampleT_contra]):
    """Finds signals of some categories in one kind of sample.

    The same sample gives the same report. A sample in which nothing is found gives an empty
    report, never an error. A cancelled call stops its work within 100 ms, wherever it runs.
    Anything raised counts as a failure of this classifier alone.
    """

    @property
    def card(self) -> ClassifierCard:
        """What the classifier is and sees; constant over its life."""
        ...

    async def warm_up(self) -> None:
        """Load and prove everything, so that the first call is as fast as the rest. Idempotent."""
        ...

    async def classify(self, sample: SampleT_contra) -> ClassifierReport:
        """Return what is found. Finding spans lie within the sample's text."""
        ...


class TextNormaliser(Protocol):
    """Reads through disguises. Never fails on any string, and reads equal texts equally."""

    async def normalise(self, text: str) -> TextReadings:
        """Return the readings of a text, with ``as_sent`` the text itself."""
        ...


class LanguageDetector(Protocol):
    """Tells languages apart, and says unknown rather than guess wildly on little text."""

    @property
    def card(self) -> ClassifierCard:
        """What the detector is; it covers no category."""
        ...

    async def detect(self, text: str) -> DetectedLanguage:
        """Return the language of a text, unknown for one without words."""
        ...


class PolicyStore(Protocol):
    """Knows each project's policy."""

    async def current(self, project: str) -> Policy:
        """Return the policy in force; a project without one of its own gets the default."""
        ...


class Telemetry(Protocol):
    """Counts and times what use cases do. Never raises, never blocks, never sees content."""

    def stage_finished(self, stage: str, seconds: float) -> None:
        """Record how long one named stage of a use case took."""
        ...

    def classifier_finished(
        self, card: ClassifierCard, status: OutcomeStatus, seconds: float
    ) -> None:
        """Record one classifier's outcome and how long it took."""
        ...

    def verdict_given(self, action: Action, category_ids: Sequence[str]) -> None:
        """Record a verdict and the categories that asked for more than to allow."""
        ...

    def check_bypassed(self, classifier: str, status: OutcomeStatus, action: Action) -> None:
        """Record that a required check was not made, by which classifier, and the action given.

        ``classifier`` is a card's name, or ``none`` where no known classifier covers a category.
        """
        ...

    def ballot_cast(self, reviewer: str, decision: Decision, seconds: float) -> None:
        """Record one reviewer's ballot, failed ones too, and how long it took."""
        ...

    def review_given(self, kind: ContentKind, decision: Decision, outstanding: int) -> None:
        """Record a panel's decision, and how many ballots it did not wait for."""
        ...

    def batch_received(self, size: int) -> None:
        """Record how many texts one batch call held."""
        ...

    def cache_asked(self, *, found: bool) -> None:
        """Record whether a text's signals were in the cache."""
        ...


@dataclass(frozen=True, slots=True)
class TextSignals:
    """What was learnt about a text, without the text: enough to judge it by any thresholds.

    ``language`` is None when the detector failed.
    """

    language: DetectedLanguage | None
    language_outcome: ClassifierOutcome
    signals: Signals

    @property
    def outcomes(self) -> tuple[ClassifierOutcome, ...]:
        """What became of the detector and of every classifier."""
        return (self.language_outcome, *self.signals.outcomes)


@dataclass(frozen=True, slots=True)
class TextRead:
    """A text's readings, and what was learnt of it."""

    readings: TextReadings
    learnt: TextSignals


class TextReader(Protocol):
    """Reads texts with everything on this server that finds signals in text. It judges nothing.

    A classifier that fails, is late or does not read the language costs coverage and never the
    call. A cancelled call stops its work within 100 ms.
    """

    async def read(self, text: str, policy: Policy) -> TextRead:
        """Return the readings of a text and what was learnt of it under a policy's term lists."""
        ...


HeadScores = tuple[Mapping[str, float], ...]
"""One mapping a head: each category's id that the model speaks of to a probability, 0–1."""


@dataclass(frozen=True, slots=True)
class PanelScores:
    """What a model of several heads says of a text and of texts beside it.

    ``report`` is what the model finds in the text as a classifier; ``as_sent``, ``unmasked`` and
    ``further`` are what each panel head says of those readings and of each group of further texts,
    of which the most telling counts. All are empty for a model without a panel. ``companion`` is
    what a lighter model that stands by it says of the text, for the categories that it has a say
    on; empty where none does.
    """

    report: ClassifierReport
    as_sent: HeadScores
    unmasked: HeadScores
    further: tuple[HeadScores, ...] = ()
    companion: Mapping[str, float] = field(default_factory=dict)


class PanelScorer(Protocol):
    """A text model with a panel of trained heads: several opinions from one pass.

    Equal texts get equal scores. Whatever texts a call has are read together, each different one
    once. Anything raised means that there are no scores. A cancelled call stops its work within
    100 ms.
    """

    @property
    def card(self) -> ClassifierCard:
        """What the model is and sees; constant over its life."""
        ...

    @property
    def heads(self) -> int:
        """How many panel heads there are."""
        ...

    async def score(self, sample: TextSample, further: Sequence[Sequence[str]] = ()) -> PanelScores:
        """Return what the model says of a sample and of groups of further texts made from it.

        A group has at least one text.
        """
        ...


class VerdictCache(Protocol):
    """Remembers what was learnt about texts, for as long as it likes. A miss costs time only.

    Keys are digests that name the content, the models and the policy. A cache that can't be
    reached knows nothing and drops what it is given: it never raises, and never takes longer than
    asking the classifiers again would.
    """

    async def find(self, key: bytes) -> TextSignals | None:
        """Return what was kept under the key, equal to what was given; None if there is none."""
        ...

    async def keep(self, key: bytes, learnt: TextSignals) -> None:
        """Remember this under the key, in place of what was there."""
        ...


class MediaFetcher(Protocol):
    """Gets files, inline or from addresses that anybody may have written.

    It never connects to a host that is not public, whatever a name, a redirect or a changing DNS
    answer says; ``internal_hosts`` names the exceptions. What a file is follows from its bytes
    alone. Files come whole, within the limits of their family, or not at all. Concurrent fetches
    of one address are one. A cancelled call stops its work within 100 ms unless others wait for
    the same. No address goes into a log.
    """

    async def fetch(
        self,
        reference: MediaReference,
        families: frozenset[MediaFamily],
        internal_hosts: frozenset[str] = frozenset(),
    ) -> MediaFile:
        """Return the file, which is of one of the families.

        ``internal_hosts`` are lower-case host names, as addresses spell them, that may lie in the
        operator's own network. Raises ``MediaRefused``, and ``ResourceExhausted``
        (SERVER_OVERLOADED) when too much is being fetched.
        """
        ...


class ImageDecoder(Protocol):
    """Turns files of the picture family into pixels, whatever they were made to do.

    No file harms the process, the calls beside it or those after it. A cancelled call stops its
    work within 100 ms.
    """

    async def decode(self, file: MediaFile) -> Picture:
        """Return what the file shows, at a bounded size. Equal files give equal pictures.

        Raises ``MediaRefused``: too much of something, damaged, or not the format it says.
        """
        ...


class Reviewer(Protocol):
    """One member of a panel: reads content under the rules in force, and votes.

    Reviewers of one panel are asked at once, each with the same task object, and may share work on
    it. Every flagged rule is in force in the task. What the content says can't change the rules,
    nor can the context. A reviewer that can't judge the content answers with a ``failed`` ballot
    that says why, or raises, which counts as the same; it never votes safe on what it could not
    read. A cancelled call stops its work within 100 ms, wherever it runs, and harms no other
    reviewer that shares it; the caller keeps the time. Content, context, prompt and the model's own
    words never go into a log; a failed ballot's reason holds nothing of them.
    """

    @property
    def card(self) -> ReviewerCard:
        """What the reviewer is; constant over its life."""
        ...

    async def review(self, task: ReviewTask) -> Ballot:
        """Return its ballot, under its card's name, model and weight.

        Asked for a custom prompt only if its card says that it reads them. The ballot's ``seconds``
        are the caller's to measure.
        """
        ...


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``calls`` in any ``per_seconds``."""

    calls: int
    per_seconds: int = 60


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A caller's key as it is kept: the secret itself is never stored, only its SHA-256.

    ``id`` is public and finds the key. ``client_id`` is the organisation's name for dialects
    that send one beside the secret. ``scopes`` are names such as ``moderate``. Times are UTC.
    """

    id: str
    secret_sha256: bytes
    project: str
    client_id: str
    scopes: frozenset[str]
    created_at: datetime
    rate_limit: RateLimit | None = None
    revoked_at: datetime | None = None


class ApiKeyStore(Protocol):
    """Keeps API keys durably. A write is on disk when its call returns."""

    async def add(self, key: ApiKey) -> None:
        """Keep a new key. Raises ``ValueError`` if the id is taken."""
        ...

    async def find(self, key_id: str) -> ApiKey | None:
        """Return the key, revoked or not, or None if there is none."""
        ...

    async def list(self) -> Sequence[ApiKey]:
        """Return every key, oldest first."""
        ...

    async def revoke(self, key_id: str, at: datetime) -> bool:
        """Mark a key revoked; True if it is known. Revoking again keeps the first time."""
        ...


class Credits(Protocol):
    """Keeps each project's balance of credits durably. A project without one spends freely.

    Spending is exact however many calls spend at once: a balance never falls below zero. Raises
    ``Unavailable`` (STORAGE_UNAVAILABLE) when balances can't be reached. A balance that is set
    where there was none is seen by every server within seconds.
    """

    async def spend(self, project: str, amount: int) -> int | None:
        """Take ``amount`` from the project's balance, whole or not at all.

        Returns None if it was granted, else the balance that does not cover it.
        """
        ...

    async def refund(self, project: str, amount: int) -> None:
        """Give back what was spent. Nothing happens to a project without a balance."""
        ...

    async def put(self, project: str, balance: int | None) -> None:
        """Set a project's balance, at least 0; None lets it spend freely again."""
        ...

    async def list(self) -> Sequence[tuple[str, int]]:
        """Return every project that has a balance, by name, with it."""
        ...


class RateLimiter(Protocol):
    """Counts calls per key over a moving window."""

    async def take(self, key: str, limit: RateLimit) -> float:
        """Take one call from the key's allowance.

        Returns 0 if it was granted, else how many seconds to wait before one may be.
        """
        ...

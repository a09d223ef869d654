"""What a policy's document may say, key by key: the one schema of files, storage and editors.

It knows each key alone. What keys say of each other is checked where policies are put in force.
"""

import ipaddress
import math
import re
from typing import Annotated, Any, Final, Literal, Self, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from gaveld.domain.categories import CATALOGUE
from gaveld.domain.image_signals import MOST_DISTANCE, USUAL_DISTANCE
from gaveld.domain.panels import HEAVIEST, MOST_HELD_BACK, MOST_REVIEWERS, DecisionMethod
from gaveld.domain.policies import BankKind, TermMatch
from gaveld.domain.rules import CallbackFormat
from gaveld.domain.typed_content import FieldType

MAX_DAYS: Final = 3_650
MOST_DEEP: Final = 8
"""Fields of a content type nest so deep, as content may."""
MAX_PARAMETERS_DEPTH: Final = 32
LEAST_SECRET: Final = 24
MAX_EXACT: Final = 2**53
"""Whole numbers of JSON are exact up to here."""

T = TypeVar("T")


def _known_category(category_id: str) -> str:
    if category_id not in CATALOGUE:
        raise ValueError(f"unknown category {category_id!r}; known are {', '.join(CATALOGUE)}")
    return category_id


def read_host(name: str) -> str:
    """Return a host as addresses spell it once they are read: in lower case, an IPv6 one bare."""
    host = name.lower().rstrip(".")
    if not _HOST_NAME.fullmatch(host):
        try:
            ipaddress.ip_address(host)
        except ValueError:
            raise ValueError(
                f"{name!r} is no host: give its name alone, a foreign one in its xn-- form"
            ) from None
    return host


def _at_most_bytes(limit: int) -> AfterValidator:
    def checked(text: str) -> str:
        if len(text.encode()) > limit:
            raise ValueError(f"has {len(text.encode())} bytes; the limit is {limit}")
        return text

    return AfterValidator(checked)


def _uuid(text: str) -> str:
    try:
        return text and str(UUID(text))
    except ValueError:
        raise ValueError("is no UUID, such as 7b0c0e2e-2f65-4f0e-9b0f-0d3f7e1c2a11") from None


def _callback_url(text: str) -> str:
    if text and not _HTTP.fullmatch(text):
        raise ValueError("is no address that begins with http:// or https://")
    return text


def _secret(text: str) -> str:
    if text and len(text) < LEAST_SECRET:
        raise ValueError(f"has {len(text)} characters; the least is {LEAST_SECRET}")
    return text


def _json(value: Any, depth: int = 1) -> Any:
    """Return a value as JSON gives it back: whole numbers whole, and none that JSON can't hold."""
    if depth > MAX_PARAMETERS_DEPTH:
        raise ValueError(f"nests deeper than {MAX_PARAMETERS_DEPTH} levels")
    match value:
        case None | bool() | str():
            return value
        case int() | float() if math.isfinite(value) and abs(value) <= MAX_EXACT:
            return int(value) if value == int(value) else value
        case float() if math.isfinite(value):
            return value
        case list() | tuple():
            return [_json(item, depth + 1) for item in value]
        case dict() if all(isinstance(key, str) for key in value):
            return {key: _json(item, depth + 1) for key, item in value.items()}
    raise ValueError("holds what JSON can't: texts, finite numbers up to 2^53, lists and mappings")


_HTTP: Final = re.compile(r"(?i:https?)://\S+")
_HOST_NAME: Final = re.compile(r"(?=.{1,253}$)[a-z0-9_-]+(\.[a-z0-9_-]+)*")

CategoryId = Annotated[
    str,
    AfterValidator(_known_category),
    Field(json_schema_extra={"enum": list(CATALOGUE)}),
]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Whole = Annotated[int, Field(strict=True)]
Flag = Annotated[bool, Field(strict=True)]
"""What stands in quotes is a text, and true is no number: editors think so, too."""
Score = Annotated[Number, Field(ge=0, le=1)]
Word = Literal["allow", "review", "block"]
Name = Annotated[str, Field(min_length=1, max_length=128)]
Days = Annotated[Whole, Field(ge=1, le=MAX_DAYS)]
Host = Annotated[str, AfterValidator(read_host)]
OptionalCategoryId = Annotated[
    str,
    AfterValidator(lambda category_id: category_id and _known_category(category_id)),
    Field(json_schema_extra={"enum": ["", *CATALOGUE]}),
]
QueueId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Term = Annotated[str, Field(max_length=512), _at_most_bytes(512)]
AllowedTerm = Annotated[str, Field(max_length=256), _at_most_bytes(256)]
Language = Annotated[str, Field(pattern="^[a-z]{2,3}$")]
Header = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$")]
HeaderValue = Annotated[str, Field(max_length=4096), _at_most_bytes(4096)]


class Section(BaseModel):
    """A part of the document; a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class CategorySection(Section):
    """What findings of one category do."""

    review: Score | None = None
    """The score from which a person should look; none: never."""
    block: Score | None = None
    """The score from which the content is refused; none: never."""
    required: Flag = False
    """Whether on_incomplete applies when the category was not checked."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.review is not None and self.block is not None and self.review > self.block:
            raise ValueError(f"review {self.review} is above block {self.block}")
        return self


class TermListSection(Section):
    """Terms of your own."""

    name: Name
    """Findings show it."""
    match: TermMatch = TermMatch.EXACT
    """Whole words, their start, or an RE2 expression; letter case never matters."""
    terms: Annotated[tuple[Term, ...], Field(max_length=10_000)]
    category: CategoryId = "L2"
    """The category of what it finds."""


class LinksSection(Section):
    """Domains whose links count, or don't; their subdomains are meant too."""

    blocked_domains: Annotated[tuple[str, ...], Field(max_length=100_000)] = ()
    """Links to them are findings of S2."""
    allowed_domains: Annotated[tuple[str, ...], Field(max_length=100_000)] = ()
    """Links to them never are."""


class MediaSection(Section):
    """Where files may come from."""

    fetch_hosts: Annotated[frozenset[Host], Field(max_length=64)] = frozenset()
    """Hosts in your own network that files may be fetched from."""


class CheckThresholdsSection(Section):
    """The scores from which CheckService calls a hit."""

    sentiment: Score | None = None
    toxicity: Score | None = None
    profanity: Score | None = None
    threat: Score | None = None
    insult: Score | None = None
    spam: Score | None = None
    images: Score | None = None
    images_porn: Score | None = None
    images_sexual: Score | None = None


class PlaceSection(Section):
    """A reviewer on the panel."""

    name: Name
    """Its name in the server's settings."""
    weight: Annotated[Number, Field(ge=0, le=HEAVIEST)] | None = None
    """What its ballot weighs in the method score; none: its own."""


class PanelSection(Section):
    """Who reviews content in ComplianceService, and how their votes count."""

    amount: Whole = Field(default=MOST_REVIEWERS, ge=1, le=MOST_REVIEWERS)
    decision_method: DecisionMethod = DecisionMethod.AVERAGE
    score_threshold: Score = 0.5
    """For the method score: the risk from which content is unsafe."""
    reviewers: tuple[PlaceSection, ...] = Field(default=(), max_length=32)
    """In the order of choice; empty: the server's own."""
    hold_back_utf16_units: Whole = Field(default=200, ge=0, le=MOST_HELD_BACK)
    """Of a turn that is still being written, this much is shown late at most."""


class HashBankSection(Section):
    """A bank of known pictures to compare with."""

    name: Name
    """Its name on the server; see gavel hashes."""
    kind: BankKind = BankKind.BLOCK
    """Whether a match is bad, or known to be good."""
    max_distance: Whole = Field(default=USUAL_DISTANCE, ge=0, le=MOST_DISTANCE)
    """The most bits in which a match may differ."""
    category: OptionalCategoryId = ""
    """The category of a match; for a bank that blocks."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.kind is BankKind.BLOCK) != bool(self.category):
            raise ValueError("a bank that blocks needs a category, and one that allows has none")
        return self


class ItemSection(Section):
    """What a list holds."""

    type: FieldType
    required: Flag = False
    min: Number | None = None
    """The least number, or the fewest characters or items."""
    max: Number | None = None
    """The greatest number, or the most characters or items."""
    pattern: Annotated[str, Field(max_length=512), _at_most_bytes(512)] = ""
    """An RE2 expression that the whole of a string must match."""
    item: "ItemSection | None" = None
    """For a list: what it holds."""
    fields: Annotated[tuple["FieldSection", ...], Field(max_length=128)] = ()
    """For an object: what it holds."""
    exempt: Flag = False
    """Text or media that is not judged."""


class FieldSection(ItemSection):
    """One field of a content type."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")]


class ContentTypeSection(Section):
    """A named schema of content."""

    name: Name
    description: Annotated[str, Field(max_length=1024), _at_most_bytes(1024)] = ""
    fields: Annotated[tuple[FieldSection, ...], Field(max_length=128)] = ()


class RuleSection(Section):
    """A condition and what it sets off."""

    id: Annotated[str, Field(max_length=64)] = ""
    """Stable; none: one that is made of the name."""
    name: Name
    content_types: Annotated[tuple[Name, ...], Field(max_length=256)] = ()
    """The types that it runs on; none: all content."""
    condition: Annotated[str, Field(min_length=1, max_length=4096), _at_most_bytes(4096)]
    """A CEL expression, such as scores.toxicity > 0.8 && content.age < 18."""
    actions: Annotated[tuple[Name, ...], Field(max_length=32)] = ()
    """The names or ids of actions that it sets off."""
    verdict: Word | None = None
    """The least that happens when the condition holds."""
    review_queue: Annotated[str, Field(max_length=64)] = ""
    """The queue that the content goes to when the condition holds."""
    enabled: Flag = True
    shadow: Flag = False
    """Run and counted, and never acts."""


class ActionSection(Section):
    """A call to a service of your own."""

    id: Annotated[str, AfterValidator(_uuid)] = ""
    """A UUID that never changes; none: one that is made of the name."""
    name: Name
    callback_url: Annotated[str, Field(max_length=2048), AfterValidator(_callback_url)] = ""
    """Where to call; none: the action is only named in answers."""
    headers: Annotated[dict[Header, HeaderValue], Field(max_length=32)] = {}
    """Sent as they are, and shown to whoever may read the policy."""
    parameters: Annotated[dict[str, Any], AfterValidator(_json)] = {}
    """Sent as the callback's "custom", up to 16,384 bytes as JSON."""
    secret: Annotated[str, Field(max_length=256, repr=False), AfterValidator(_secret)] = ""
    """Signs the callbacks, 24 to 256 characters; none: the one in force, or one that is made up."""
    format: CallbackFormat = CallbackFormat.NATIVE
    """The form of the callback's body."""


class ReviewQueueSection(Section):
    """A queue that people work on."""

    id: QueueId
    name: Annotated[str, Field(max_length=128)] = ""
    claim_seconds: Annotated[Whole, Field(ge=1, le=86_400)] = 600
    """How long a claim holds."""
    action: Annotated[str, Field(max_length=128)] = ""
    """The name or id of the action to set off when an item is decided."""


class StorageSection(Section):
    """What is kept of judged content."""

    keep_content: Flag = False
    """Whether text and media are kept beside scores and hashes."""
    content_retention_days: Days = 30
    decision_retention_days: Days = 90
    strike_half_life_days: Days = 30
    """How long until a user's strike counts half."""


class PolicyDocument(Section):
    """Everything that a project decides about judgement."""

    name: str = Field(default="default", pattern="^[A-Za-z0-9._-]{1,128}$")
    """What verdicts name the policy by, of a file; an applied one has its project's name."""
    description: Annotated[str, Field(max_length=4096), _at_most_bytes(4096)] = ""
    on_incomplete: Word = "review"
    """The least that happens when a required category was not checked."""
    categories: Annotated[dict[CategoryId, CategorySection], Field(max_length=64)]
    """What findings do, by category; one that is not named never acts."""
    mask: Annotated[frozenset[CategoryId], Field(max_length=64)] = frozenset()
    """Categories whose findings are starred out in filtered text."""
    mask_character: str = Field(default="*", min_length=1, max_length=1)
    term_lists: Annotated[tuple[TermListSection, ...], Field(max_length=64)] = ()
    allowed_terms: Annotated[tuple[AllowedTerm, ...], Field(max_length=10_000)] = ()
    """Words that the lexicon and the term lists never find."""
    links: LinksSection = LinksSection()
    media: MediaSection = MediaSection()
    check_thresholds: CheckThresholdsSection = CheckThresholdsSection()
    panel: PanelSection = PanelSection()
    expected_languages: Annotated[frozenset[Language], Field(max_length=64)] = frozenset()
    """Base language codes; empty: any language is welcome."""
    hash_banks: Annotated[tuple[HashBankSection, ...], Field(max_length=64)] = ()
    """Banks of known pictures; empty: all of the server's, as they say themselves."""
    content_types: Annotated[tuple[ContentTypeSection, ...], Field(max_length=256)] = ()
    rules: Annotated[tuple[RuleSection, ...], Field(max_length=256)] = ()
    actions: Annotated[tuple[ActionSection, ...], Field(max_length=256)] = ()
    review_queues: Annotated[tuple[ReviewQueueSection, ...], Field(max_length=64)] = ()
    storage: StorageSection = StorageSection()

"""Reads policies from one YAML document: a default, and what single projects change of it.

Whether a term list compiles is asked of a validator that bootstrap hands in.
"""

import hashlib
import ipaddress
import json
import re
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from gaveld.domain.actions import Action
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.panels import (
    HEAVIEST,
    MOST_HELD_BACK,
    MOST_REVIEWERS,
    DecisionMethod,
    PanelPlace,
    PanelSettings,
)
from gaveld.domain.policies import CategoryRule, CheckThresholds, Policy, TermList, TermMatch

DEFAULT_POLICY: Final = Path(str(files("gaveld.adapters.storage") / "default_policy.yaml"))
ValidateTerms = Callable[[Sequence[TermList], Sequence[str]], None]
"""Takes the term lists and the allowed terms; raises ``ValueError`` that names the bad one."""
ReadDomain = Callable[[str], str]
"""Returns a listed domain in its one spelling; raises ``ValueError`` if it is none."""


class PolicyError(Exception):
    """The policy document can't be used; one line a fault, each naming the key."""


class YamlPolicyStore:
    """A ``PolicyStore`` over one document, read once."""

    def __init__(self, path: Path, validate_terms: ValidateTerms, read_domain: ReadDomain) -> None:
        """Read and prove every policy of the document. Raises ``PolicyError``."""
        self._validate_terms = validate_terms
        self._read_domain = read_domain
        try:
            tree = yaml.safe_load(path.read_text("utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise PolicyError(f"{path}: {error}") from error
        if not isinstance(tree, dict):
            raise PolicyError(f"{path}: not a mapping of keys to values")
        projects = tree.pop("projects", None)
        self._default = self._policy(tree, str(path))
        self._by_project = {
            project: self._policy(
                _merged({**tree, "name": project}, changes), f"{path}: projects.{project}"
            )
            for project, changes in _projects(projects, path).items()
        }

    async def current(self, project: str) -> Policy:
        """Return the policy in force; see ``PolicyStore.current``."""
        return self._by_project.get(project, self._default)

    def all(self) -> tuple[Policy, ...]:
        """Return every policy of the document, the default first."""
        return (self._default, *self._by_project.values())

    def _policy(self, tree: dict[str, Any], where: str) -> Policy:
        try:
            document = _Document.model_validate(tree)
            term_lists = tuple(
                TermList(entry.name, entry.match, entry.terms, entry.category)
                for entry in document.term_lists
            )
            self._validate_terms(term_lists, document.allowed_terms)
            links = document.links
            blocked = self._domains("links.blocked_domains", links.blocked_domains)
            allowed = self._domains("links.allowed_domains", links.allowed_domains)
            panel = _panel(document.panel)
        except ValidationError as error:
            raise PolicyError("\n".join(f"{where}: {line}" for line in _lines(error))) from error
        except ValueError as error:
            raise PolicyError(f"{where}: {error}") from error
        return Policy(
            revision=f"{document.name}@{_fingerprint(document)}",
            categories={
                category_id: CategoryRule(rule.review, rule.block, rule.required)
                for category_id, rule in document.categories.items()
            },
            on_incomplete=Action[document.on_incomplete.upper()],
            masked=document.mask,
            mask_character=document.mask_character,
            term_lists=term_lists,
            allowed_terms=document.allowed_terms,
            blocked_domains=blocked,
            allowed_domains=allowed,
            expected_languages=document.expected_languages,
            panel=panel,
            fetch_hosts=document.media.fetch_hosts,
            check_thresholds=CheckThresholds(**document.check_thresholds.model_dump()),
        )

    def _domains(self, key: str, entries: Sequence[str]) -> tuple[str, ...]:
        domains = []
        for index, entry in enumerate(entries):
            try:
                domains.append(self._read_domain(entry))
            except ValueError as error:
                raise ValueError(f"{key}.{index}: {error}") from error
        return tuple(domains)


def _known_category(category_id: str) -> str:
    if category_id not in CATALOGUE:
        raise ValueError(f"unknown category {category_id!r}; known are {', '.join(CATALOGUE)}")
    return category_id


def _host(name: str) -> str:
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


_HOST_NAME: Final = re.compile(r"(?=.{1,253}$)[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_CategoryId = Annotated[str, AfterValidator(_known_category)]
_Score = Annotated[float, Field(ge=0, le=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Rule(_Section):
    review: _Score | None = None
    block: _Score | None = None
    required: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> "_Rule":
        if self.review is not None and self.block is not None and self.review > self.block:
            raise ValueError(f"review {self.review} is above block {self.block}")
        return self


class _TermList(_Section):
    name: str = Field(min_length=1, max_length=64)
    match: TermMatch = TermMatch.EXACT
    terms: tuple[str, ...]
    category: _CategoryId = "L2"


class _Links(_Section):
    blocked_domains: tuple[str, ...] = ()
    allowed_domains: tuple[str, ...] = ()


class _Media(_Section):
    fetch_hosts: frozenset[Annotated[str, AfterValidator(_host)]] = frozenset()


class _CheckThresholds(_Section):
    sentiment: _Score | None = None
    toxicity: _Score | None = None
    profanity: _Score | None = None
    threat: _Score | None = None
    insult: _Score | None = None
    spam: _Score | None = None
    images: _Score | None = None
    images_porn: _Score | None = None
    images_sexual: _Score | None = None


class _Place(_Section):
    name: str = Field(min_length=1, max_length=128)
    weight: Annotated[float, Field(ge=0, le=HEAVIEST)] | None = None


class _Panel(_Section):
    amount: int = Field(default=MOST_REVIEWERS, ge=1, le=MOST_REVIEWERS)
    decision_method: DecisionMethod = DecisionMethod.AVERAGE
    score_threshold: _Score = 0.5
    reviewers: tuple[_Place, ...] = Field(default=(), max_length=32)
    hold_back_utf16_units: int = Field(default=200, ge=0, le=MOST_HELD_BACK)


class _Document(_Section):
    name: str = Field(default="default", pattern="^[A-Za-z0-9._-]{1,128}$")
    on_incomplete: Literal["allow", "review", "block"] = "review"
    categories: dict[_CategoryId, _Rule]
    mask: frozenset[_CategoryId] = frozenset()
    mask_character: str = Field(default="*", min_length=1, max_length=1)
    term_lists: tuple[_TermList, ...] = ()
    allowed_terms: tuple[str, ...] = ()
    links: _Links = _Links()
    media: _Media = _Media()
    check_thresholds: _CheckThresholds = _CheckThresholds()
    panel: _Panel = _Panel()
    expected_languages: frozenset[Annotated[str, Field(pattern="^[a-z]{2,3}$")]] = frozenset()


def _panel(section: _Panel) -> PanelSettings:
    places = tuple(PanelPlace(entry.name, entry.weight) for entry in section.reviewers)
    try:
        return PanelSettings(
            section.amount,
            section.decision_method,
            section.score_threshold,
            places,
            section.hold_back_utf16_units,
        )
    except ValueError as error:
        raise ValueError(f"panel.reviewers: {error}") from error


def _fingerprint(document: _Document) -> str:
    tree = document.model_dump(mode="python")
    canonical = json.dumps(tree, sort_keys=True, default=sorted)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _projects(tree: object, path: Path) -> dict[str, dict[str, Any]]:
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise PolicyError(f"{path}: projects: not a mapping of projects to changes")
    for project, changes in tree.items():
        if not isinstance(project, str):
            raise PolicyError(f"{path}: projects.{project}: not a text; put it into quotes")
        if not isinstance(changes, dict):
            raise PolicyError(f"{path}: projects.{project}: not a mapping of keys to changes")
    return tree


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    # Mappings are merged key by key; anything else is replaced whole.
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = _merged(old or {}, value) if both else value
    return merged


def _lines(error: ValidationError) -> list[str]:
    lines = []
    for entry in error.errors(include_url=False, include_input=False):
        message = entry["msg"].removeprefix("Value error, ")
        if entry["type"] == "extra_forbidden":
            message = "no such key"
        lines.append(f"{'.'.join(str(part) for part in entry['loc'])}: {message}")
    return lines

"""Reads policies from one YAML document: a default, and what single projects change of it.

Whether a term list compiles is asked of a validator that bootstrap hands in.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from gaveld.domain.categories import CATALOGUE
from gaveld.domain.policies import Action, CategoryRule, Policy, TermList, TermMatch

DEFAULT_POLICY: Final = Path(str(files("gaveld.adapters.storage") / "default_policy.yaml"))
ValidateTerms = Callable[[Sequence[TermList]], None]


class PolicyError(Exception):
    """The policy document can't be used; one line a fault, each naming the key."""


class YamlPolicyStore:
    """A ``PolicyStore`` over one document, read once."""

    def __init__(self, path: Path, validate_terms: ValidateTerms) -> None:
        """Read and prove every policy of the document. Raises ``PolicyError``."""
        try:
            tree = yaml.safe_load(path.read_text("utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise PolicyError(f"{path}: {error}") from error
        if not isinstance(tree, dict):
            raise PolicyError(f"{path}: not a mapping of keys to values")
        projects = tree.pop("projects", None) or {}
        if not isinstance(projects, dict):
            raise PolicyError(f"{path}: projects: not a mapping of projects to changes")
        self._default = _policy(tree, str(path), validate_terms)
        self._by_project = {
            str(project): _policy(
                _merged({**tree, "name": project}, changes),
                f"{path}: projects.{project}",
                validate_terms,
            )
            for project, changes in projects.items()
        }

    async def current(self, project: str) -> Policy:
        """Return the policy in force; see ``PolicyStore.current``."""
        return self._by_project.get(project, self._default)


def _known_category(category_id: str) -> str:
    if category_id not in CATALOGUE:
        raise ValueError(f"unknown category {category_id!r}; known are {', '.join(CATALOGUE)}")
    return category_id


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
    terms: tuple[Annotated[str, Field(min_length=1, max_length=512)], ...]
    category: _CategoryId = "L2"


class _Links(_Section):
    blocked_domains: tuple[str, ...] = ()
    allowed_domains: tuple[str, ...] = ()


class _Document(_Section):
    name: str = Field(default="default", pattern="^[A-Za-z0-9._-]{1,64}$")
    on_incomplete: Literal["allow", "review", "block"] = "review"
    categories: dict[_CategoryId, _Rule]
    mask: frozenset[_CategoryId] = frozenset()
    mask_character: str = Field(default="*", min_length=1, max_length=1)
    term_lists: tuple[_TermList, ...] = ()
    allowed_terms: tuple[str, ...] = ()
    links: _Links = _Links()
    expected_languages: frozenset[Annotated[str, Field(pattern="^[a-z]{2,3}$")]] = frozenset()


def _policy(tree: dict[str, Any], where: str, validate_terms: ValidateTerms) -> Policy:
    try:
        document = _Document.model_validate(tree)
        term_lists = tuple(
            TermList(entry.name, entry.match, entry.terms, entry.category)
            for entry in document.term_lists
        )
        validate_terms(term_lists)
    except ValidationError as error:
        raise PolicyError("\n".join(f"{where}: {line}" for line in _lines(error))) from error
    except ValueError as error:
        raise PolicyError(f"{where}: term_lists: {error}") from error
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
        blocked_domains=document.links.blocked_domains,
        allowed_domains=document.links.allowed_domains,
        expected_languages=document.expected_languages,
    )


def _fingerprint(document: _Document) -> str:
    tree = document.model_dump(mode="python")
    canonical = json.dumps(tree, sort_keys=True, default=sorted)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _merged(base: dict[str, Any], changes: Any) -> dict[str, Any]:
    # Mappings are merged key by key; anything else is replaced whole.
    if not isinstance(changes, dict):
        return base
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = _merged(old or {}, value) if both else value
    return merged


def _lines(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(str(part) for part in entry['loc'])}: "
        f"{entry['msg'].removeprefix('Value error, ')}"
        for entry in error.errors(include_url=False, include_input=False)
    ]

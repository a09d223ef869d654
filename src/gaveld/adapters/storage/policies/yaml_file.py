"""Reads policies from one YAML document: a default, and what single projects change of it.

Whether a term list compiles is asked of a validator that bootstrap hands in.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from gaveld.adapters.storage.policies.document import fingerprint, policy_of, tree_of
from gaveld.adapters.storage.policies.places import Document, Way, path_of
from gaveld.adapters.storage.policies.reading import PolicyError, document_in, said_of
from gaveld.adapters.storage.policies.schema import PolicyDocument
from gaveld.domain.policies import Policy, TermList

DEFAULT_POLICY: Final = Path(str(files("gaveld.adapters.storage") / "default_policy.yaml"))
ValidateTerms = Callable[[Sequence[TermList], Sequence[str]], None]
"""Takes the term lists and the allowed terms; raises ``ValueError`` that names the bad one."""
ReadDomain = Callable[[str], str]
"""Returns a listed domain in its one spelling; raises ``ValueError`` if it is none."""


class YamlPolicyStore:
    """A ``PolicyStore`` over one document, read once."""

    def __init__(self, path: Path, validate_terms: ValidateTerms, read_domain: ReadDomain) -> None:
        """Read and prove every policy of the document. Raises ``PolicyError``."""
        self._validate_terms = validate_terms
        self._read_domain = read_domain
        try:
            self.changed_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            written = document_in(path.read_text("utf-8"), str(path))
        except UnicodeDecodeError as error:
            raise PolicyError(f"{path}: {error}") from error
        tree = dict(written.tree)
        projects = tree.pop("projects", None)
        self._default = self._policy(tree, str(path), written)
        self._by_project = {
            project: self._policy(
                _merged({**tree, "name": project}, changes),
                str(path),
                written,
                ("projects", project),
            )
            for project, changes in _projects(projects, path).items()
        }

    async def current(self, project: str) -> Policy:
        """Return the policy in force; see ``PolicyStore.current``."""
        return self._by_project.get(project, self._default)

    def all(self) -> tuple[Policy, ...]:
        """Return every policy of the document, the default first."""
        return (self._default, *self._by_project.values())

    def _policy(self, tree: dict[str, Any], where: str, written: Document, way: Way = ()) -> Policy:
        document = _validated(tree, where, written, way)
        try:
            policy = policy_of(document)
            self._validate_terms(policy.term_lists, policy.allowed_terms)
            policy = replace(
                policy,
                blocked_domains=self._domains("links.blocked_domains", policy.blocked_domains),
                allowed_domains=self._domains("links.allowed_domains", policy.allowed_domains),
            )
        except ValueError as error:
            within = f"{path_of(way)}: " if way else ""
            raise PolicyError(f"{where}: {within}{error}") from error
        return replace(policy, revision=f"{document.name}@{fingerprint(policy)}")

    def _domains(self, key: str, entries: Sequence[str]) -> tuple[str, ...]:
        domains = []
        for index, entry in enumerate(entries):
            try:
                domains.append(self._read_domain(entry))
            except ValueError as error:
                raise ValueError(f"{key}[{index}]: {error}") from error
        return tuple(domains)


def _validated(tree: dict[str, Any], where: str, written: Document, way: Way) -> PolicyDocument:
    try:
        return PolicyDocument.model_validate(tree)
    except ValidationError as error:
        lines = []
        for entry in error.errors(include_url=False, include_input=False):
            line, column = written.place((*way, *entry["loc"]))
            path = path_of((*way, *entry["loc"]))
            lines.append(f"{where}:{line}:{column}: {path}: {said_of(entry)}")
        raise PolicyError("\n".join(lines)) from error


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


def yaml_of(policy: Policy) -> str:
    """Return a policy as a document for people, without its secrets; ``YamlPolicyStore`` reads it.

    Actions are named by their names where these are unique.
    """
    tree = _plain(_named_first(tree_of(policy, by_name=True)))
    text: str = yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text


def _named_first(tree: dict[str, Any]) -> dict[str, Any]:
    """Return a policy's tree with the names of rules, actions and fields before all else."""
    for entry in (*tree.get("rules", ()), *tree.get("actions", ())):
        _move_first("name", entry)
    waiting = [*tree.get("content_types", ())]
    while waiting:
        entry = waiting.pop()
        _move_first("name", entry)
        waiting += [*entry.get("fields", ()), *([entry["item"]] if "item" in entry else [])]
    return tree


def _move_first(key: str, entry: dict[str, Any]) -> None:
    if key in entry:
        others = {name: entry.pop(name) for name in list(entry) if name != key}
        entry.update(others)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such, and line breaks of other kinds escaped."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        style = None
        if any(mark in text for mark in "\x85\u2028\u2029\ufeff"):
            style = '"'
        elif "\n" in text:
            style = "|"
        return self.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _Dumper.represent_text)


def _plain(value: Any) -> Any:
    """Return a tree with whole numbers written as such."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    whole = isinstance(value, float) and value.is_integer() and abs(value) < _MOST_EXACT
    return int(value) if whole else value


_MOST_EXACT: Final = 2**53

"""Policies as documents: their schema, files of them, and every version of each in SQL."""

from gaveld.adapters.storage.policies.document import tree_of
from gaveld.adapters.storage.policies.json_schema import policy_schema
from gaveld.adapters.storage.policies.places import path_of, way_of
from gaveld.adapters.storage.policies.reading import PolicyError, PolicyText, policy_in
from gaveld.adapters.storage.policies.schema import read_host
from gaveld.adapters.storage.policies.sql import SqlPolicyStore
from gaveld.adapters.storage.policies.yaml_file import (
    DEFAULT_POLICY,
    YamlPolicyStore,
    yaml_of,
)

__all__ = [
    "DEFAULT_POLICY",
    "PolicyError",
    "PolicyText",
    "SqlPolicyStore",
    "YamlPolicyStore",
    "path_of",
    "policy_in",
    "policy_schema",
    "read_host",
    "tree_of",
    "way_of",
    "yaml_of",
]

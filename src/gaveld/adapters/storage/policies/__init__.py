"""Policies as documents: their schema, files of them, and every version of each in SQL."""

from gaveld.adapters.storage.policies.json_schema import policy_schema
from gaveld.adapters.storage.policies.schema import read_host
from gaveld.adapters.storage.policies.sql import SqlPolicyStore
from gaveld.adapters.storage.policies.yaml_file import (
    DEFAULT_POLICY,
    PolicyError,
    YamlPolicyStore,
    policy_in,
    yaml_of,
)

__all__ = [
    "DEFAULT_POLICY",
    "PolicyError",
    "SqlPolicyStore",
    "YamlPolicyStore",
    "policy_in",
    "policy_schema",
    "read_host",
    "yaml_of",
]

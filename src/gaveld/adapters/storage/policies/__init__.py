"""Policies as documents: their schema, files of them, and every version of each in SQL."""

from gaveld.adapters.storage.policies.schema import read_host
from gaveld.adapters.storage.policies.sql import SqlPolicyStore
from gaveld.adapters.storage.policies.yaml_file import (
    DEFAULT_POLICY,
    PolicyError,
    YamlPolicyStore,
)

__all__ = ["DEFAULT_POLICY", "PolicyError", "SqlPolicyStore", "YamlPolicyStore", "read_host"]

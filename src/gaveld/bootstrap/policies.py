"""Puts together the projects' policies: the file's, those applied over it, and their checks."""

from collections.abc import Iterable
from dataclasses import dataclass

from gavel.v1 import policy_service_pb2
from sqlalchemy.ext.asyncio import AsyncEngine

from gaveld.adapters.rules import CelConditionCompiler, Re2Patterns
from gaveld.adapters.storage.policies import (
    DEFAULT_POLICY,
    PolicyError,
    SqlPolicyStore,
    YamlPolicyStore,
    read_host,
)
from gaveld.adapters.text.lexicon import validate_term_lists
from gaveld.adapters.text.links import listed_domain
from gaveld.application.check_policy import CheckPolicy, Installed
from gaveld.application.manage_policies import ManagePolicies
from gaveld.application.ports import PolicyHistory, PolicyStore, Telemetry
from gaveld.bootstrap.secrets import open_secret_box
from gaveld.bootstrap.settings import Settings
from gaveld.domain.policies import Policy
from gaveld.transport.grpc.policy_servicer import PolicyServicer
from gaveld.transport.grpc.services import Service


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies of a server: ``history`` is None where none can be applied."""

    file: YamlPolicyStore
    store: PolicyStore
    history: PolicyHistory | None = None


def open_policies(
    settings: Settings, engine: AsyncEngine | None, telemetry: Telemetry | None = None
) -> Policies:
    """Read the file's policies, over which those in the storage are laid if work is enabled.

    Raises ``PolicyError`` and ``SettingsError``.
    """
    file = YamlPolicyStore(
        settings.policy.file or DEFAULT_POLICY, validate_term_lists, listed_domain
    )
    if engine is None or not settings.work.enabled:
        return Policies(file, file)
    store = SqlPolicyStore(engine, open_secret_box(settings), file, telemetry)
    return Policies(file, store, store)


def policy_check(installed: Installed) -> CheckPolicy:
    """Return what checks policies for a server that has all this."""
    return CheckPolicy(
        compiler=CelConditionCompiler(),
        patterns=Re2Patterns(),
        check_terms=validate_term_lists,
        read_domain=listed_domain,
        read_host=read_host,
        installed=installed,
    )


def prove_policies(policies: Iterable[Policy], check: CheckPolicy) -> None:
    """Raise ``PolicyError`` for what keeps a file's policy from holding together."""
    wrong = [
        f"policy.file: {policy.revision}: {violation.field}: {violation.description}"
        for policy in policies
        for violation in check(policy).violations
    ]
    if wrong:
        raise PolicyError("\n".join(wrong))


def policy_service(
    history: PolicyHistory, check: CheckPolicy, others: tuple[object, ...] = ()
) -> Service:
    """Return what answers for the policies; ``others`` have the RPCs that this one lacks."""
    descriptor = policy_service_pb2.DESCRIPTOR.services_by_name["PolicyService"]
    servicer = PolicyServicer(ManagePolicies(history, check))
    return Service(descriptor, servicer, scope="policy", others=others)

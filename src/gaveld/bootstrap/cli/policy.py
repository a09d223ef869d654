"""``gavel policy``: reads, tries, applies and rolls back a project's policy, over its server."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final, TypeVar

import grpc.aio
import typer
from gavel.v1 import policy_pb2, policy_service_pb2
from gavel.v1.policy_service_pb2_grpc import PolicyServiceStub
from google.protobuf.json_format import MessageToJson

from gaveld.adapters.storage.policies import (
    PolicyError,
    PolicyText,
    YamlPolicyStore,
    policy_schema,
    yaml_of,
)
from gaveld.adapters.text.lexicon import validate_term_lists
from gaveld.adapters.text.links import listed_domain
from gaveld.application.check_policy import Installed
from gaveld.bootstrap.cli import options
from gaveld.bootstrap.cli.options import err, explained_failures, fail, out
from gaveld.bootstrap.cli.policy_rendering import (
    explained_policy_failures,
    print_differences,
    print_revisions,
    print_warnings,
)
from gaveld.bootstrap.cli.target import Target, channel_to, running_server, tls_files
from gaveld.bootstrap.policies import policy_check, prove_policies
from gaveld.transport.grpc.converters.policies import policy_from_proto, policy_to_proto

OWN: Final = "projects/-/policy"
T = TypeVar("T")
app = typer.Typer(no_args_is_help=True, help="Read, try, apply and roll back a project's policy.")

PolicyFile = Annotated[Path, typer.Argument(help="A policy as YAML; - is standard input.")]
Revision = Annotated[str, typer.Option("--revision", "-r", help="Default: the one in force.")]
Message = Annotated[str, typer.Option("--message", "-m", help="Why, for the history.")]


@app.command()
def get(
    revision: Revision = "",
    as_json: options.AsJson = False,
    target: options.Target = None,
    key: options.Key = None,
    ca_file: options.CaFile = None,
    cert_file: options.CertFile = None,
    key_file: options.KeyFile = None,
    config: options.Config = None,
) -> None:
    """Print the policy in force, or a revision, as YAML that `gavel policy apply` takes."""
    where = running_server(target, key, tls_files(ca_file, cert_file, key_file), config)
    policy = _ask(where, lambda server: server.get(revision))
    if as_json:
        sys.stdout.write(MessageToJson(policy, preserving_proto_field_name=True) + "\n")
        return
    sys.stdout.write(f"# {policy.revision}\n{yaml_of(policy_from_proto(policy)[0])}")


@app.command()
def apply(
    file: PolicyFile,
    *,
    message: Message = "",
    if_revision: Annotated[
        str, typer.Option("--if-revision", help="Only if this revision is in force.")
    ] = "",
    as_json: options.AsJson = False,
    target: options.Target = None,
    key: options.Key = None,
    ca_file: options.CaFile = None,
    cert_file: options.CertFile = None,
    key_file: options.KeyFile = None,
    config: options.Config = None,
) -> None:
    """Put a policy in force, and print what that changes."""
    where = running_server(target, key, tls_files(ca_file, cert_file, key_file), config)
    read, _ = _read(file)

    async def applied(server: "_Server") -> "_Applied":
        wanted = await server.wanted(read)
        return await server.apply(wanted, message=message, etag=if_revision)

    _told(_ask(where, applied, read), as_json=as_json)


@app.command()
def rollback(
    revision: Annotated[str, typer.Argument(help="As `gavel policy history` lists it.")],
    message: Message = "",
    as_json: options.AsJson = False,
    target: options.Target = None,
    key: options.Key = None,
    ca_file: options.CaFile = None,
    cert_file: options.CertFile = None,
    key_file: options.KeyFile = None,
    config: options.Config = None,
) -> None:
    """Put an earlier revision in force again; secrets stay as they are."""
    where = running_server(target, key, tls_files(ca_file, cert_file, key_file), config)

    async def applied(server: "_Server") -> "_Applied":
        wanted = await server.get(revision)
        return await server.apply(wanted, message=message or f"Roll back to {revision}")

    _told(_ask(where, applied), as_json=as_json)


@app.command()
def diff(
    file: Annotated[
        Path | None, typer.Argument(help="A policy as YAML; - is standard input.")
    ] = None,
    revision: Annotated[
        str, typer.Option("--revision", "-r", help="An earlier revision instead of a file.")
    ] = "",
    as_json: options.AsJson = False,
    target: options.Target = None,
    key: options.Key = None,
    ca_file: options.CaFile = None,
    cert_file: options.CertFile = None,
    key_file: options.KeyFile = None,
    config: options.Config = None,
) -> None:
    """Print what applying a file or a revision would change.

    The exit status is 0 if that is nothing, 1 if it is something, and 2 if it can't be applied.
    """
    if (file is None) == (not revision):
        raise fail("name a file or a --revision")
    where = running_server(target, key, tls_files(ca_file, cert_file, key_file), config)
    read = _read(file)[0] if file else None

    async def tried(server: "_Server") -> "_Applied":
        wanted = await (server.wanted(read) if read else server.get(revision))
        return await server.apply(wanted, validate_only=True)

    before, response = _ask(where, tried, read)
    if as_json:
        sys.stdout.write(MessageToJson(response, preserving_proto_field_name=True) + "\n")
    else:
        print_differences(out, before, response)
        print_warnings(err, response.warnings)
    raise typer.Exit(1 if response.changes else 0)


@app.command()
def validate(
    file: PolicyFile,
    target: Annotated[
        str | None,
        typer.Option("--target", "-t", help="Have the server at host:port check it, too."),
    ] = None,
    key: options.Key = None,
    ca_file: options.CaFile = None,
    cert_file: options.CertFile = None,
    key_file: options.KeyFile = None,
) -> None:
    """Check a policy and name every fault; exit status 2 if there is any. It changes nothing."""
    tls = tls_files(ca_file, cert_file, key_file)
    read, advice = _read(file, is_servers=target is None)
    if target is not None:

        async def tried(server: "_Server") -> "_Applied":
            return await server.apply(await server.wanted(read), validate_only=True)

        advice = list(_ask(Target(target, key, tls), tried, read)[1].warnings)
    print_warnings(err, advice)
    err.print("The policy is good.")


@app.command()
def schema() -> None:
    """Print the JSON Schema of policies, for editors."""
    sys.stdout.write(json.dumps(policy_schema(), indent=2) + "\n")


@app.command()
def history(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest.")] = 20,
    as_json: options.AsJson = False,
    target: options.Target = None,
    key: options.Key = None,
    ca_file: options.CaFile = None,
    cert_file: options.CertFile = None,
    key_file: options.KeyFile = None,
    config: options.Config = None,
) -> None:
    """List what was put in force, the newest first: when, by which key, and why."""
    where = running_server(target, key, tls_files(ca_file, cert_file, key_file), config)
    response = _ask(where, lambda server: server.history(limit))
    if as_json:
        sys.stdout.write(MessageToJson(response, preserving_proto_field_name=True) + "\n")
    else:
        print_revisions(out, response.revisions)


class _Server:
    """A project's policy on a server."""

    def __init__(self, channel: grpc.aio.Channel, where: Target) -> None:
        self._stub = PolicyServiceStub(channel)
        self._metadata = where.metadata

    async def get(self, revision: str = "") -> policy_pb2.Policy:
        name = f"{OWN}/revisions/{revision}" if revision else OWN
        request = policy_service_pb2.GetPolicyRequest(name=name)
        return (await self._stub.GetPolicy(request, metadata=self._metadata)).policy

    async def wanted(self, read: PolicyText) -> policy_pb2.Policy:
        """Return the policy that a document says, its secrets and all."""
        in_force, _ = policy_from_proto(await self.get())
        policy = read.policy(like=in_force)
        message = policy_to_proto(policy, "-")
        for entry, action in zip(message.actions, policy.actions, strict=True):
            entry.secret = action.secret
        return message

    async def apply(
        self,
        policy: policy_pb2.Policy,
        *,
        message: str = "",
        etag: str = "",
        validate_only: bool = False,
    ) -> "_Applied":
        """Return the policy that was in force, and what the server made of another."""
        before = await self.get()
        policy.name = OWN
        request = policy_service_pb2.ApplyPolicyRequest(
            policy=policy, message=message, etag=etag, validate_only=validate_only
        )
        return before, await self._stub.ApplyPolicy(request, metadata=self._metadata)

    async def history(self, limit: int) -> policy_service_pb2.ListPolicyRevisionsResponse:
        request = policy_service_pb2.ListPolicyRevisionsRequest(parent=OWN, page_size=limit)
        return await self._stub.ListPolicyRevisions(request, metadata=self._metadata)


_Applied = tuple[policy_pb2.Policy, policy_service_pb2.ApplyPolicyResponse]


def _ask(
    where: Target, work: Callable[[_Server], Awaitable[T]], read: PolicyText | None = None
) -> T:
    async def run() -> T:
        async with channel_to(where) as channel:
            return await work(_Server(channel, where))

    with explained_failures(), explained_policy_failures(read.line if read else None):
        return asyncio.run(run())


def _told(applied: _Applied, *, as_json: bool) -> None:
    before, response = applied
    if as_json:
        sys.stdout.write(MessageToJson(response, preserving_proto_field_name=True) + "\n")
        return
    print_differences(out, before, response)
    print_warnings(err, response.warnings)
    err.print(f"In force: {response.policy.revision}", markup=False)


def _text(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise fail(f"{file}: {error}") from error


def _read(file: Path, *, is_servers: bool = False) -> tuple[PolicyText, list[str]]:
    """Return what a file says, and advice on it; or end the command naming every fault.

    ``is_servers``: it may say what single projects change of it.
    """
    text = _text(file)
    with explained_failures():
        read = PolicyText(text, str(file), is_servers=is_servers)
        check = policy_check(Installed())
        checked = check(read.policy())
        if faults := read.faults(checked.violations):
            raise PolicyError("\n".join(faults))
        advice = list(checked.warnings)
        if read.has_projects:
            policies = YamlPolicyStore(file, validate_term_lists, listed_domain).all()
            prove_policies(policies, check)
            advice = [line for policy in policies for line in check(policy).warnings]
    return read, advice

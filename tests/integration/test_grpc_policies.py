"""``PolicyService`` over a real socket, on a real database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from gavel.v1 import policy_pb2
from gavel.v1 import policy_service_pb2 as api
from gavel.v1.policy_service_pb2_grpc import PolicyServiceStub
from google.protobuf.field_mask_pb2 import FieldMask

from gaveld.adapters.storage.migrations import migrate
from gaveld.adapters.storage.policies import DEFAULT_POLICY, SqlPolicyStore, YamlPolicyStore
from gaveld.adapters.text.lexicon import validate_term_lists
from gaveld.adapters.text.links import listed_domain
from gaveld.application.api_keys import Authenticate, new_api_key
from gaveld.application.check_policy import Installed
from gaveld.bootstrap.policies import policy_check, policy_service
from gaveld.transport.grpc.services import Service
from tests.databases import opened
from tests.fakes.api_keys import FakeApiKeyStore
from tests.fakes.secret_box import FakeSecretBox
from tests.integration.grpc_stand import Serve, failure_of

NAME = "projects/-/policy"
BAN = "7b0c0e2e-2f65-4f0e-9b0f-0d3f7e1c2a11"


@asynccontextmanager
async def policies(folder: Path) -> AsyncIterator[Service]:
    """The service over the shipped policy and an empty database."""
    file = YamlPolicyStore(DEFAULT_POLICY, validate_term_lists, listed_domain)
    async with opened(f"sqlite+aiosqlite:///{folder}/gavel.db") as engine:
        await migrate(engine)
        store = SqlPolicyStore(engine, FakeSecretBox(), file)
        yield policy_service(store, policy_check(Installed(categories={"H1"})))


@pytest.fixture
async def stub(serve: Serve, tmp_path: Path) -> AsyncIterator[PolicyServiceStub]:
    async with policies(tmp_path) as service:
        running = await serve(services=[service])
        yield PolicyServiceStub(running.channel)


def wanted(**parts) -> policy_pb2.Policy:
    return policy_pb2.Policy(name=NAME, categories={"H1": {"review": 0.5}}, **parts)


def typed() -> policy_pb2.Policy:
    """A policy with a content type, a rule and an action."""
    return wanted(
        content_types=[{"name": "comment", "fields": [{"name": "age", "type": "FIELD_TYPE_INT"}]}],
        rules=[
            {
                "name": "Minors",
                "content_types": ["comment"],
                "condition": "content.age < 18",
                "action_ids": [BAN],
            }
        ],
        actions=[{"id": BAN, "name": "Ban", "secret": "whsec_" + "a" * 32}],
    )


async def test_a_policy_is_read_applied_and_rolled_back(stub: PolicyServiceStub):
    """Law: what is read can be applied, each revision stays to be read, and rolls back."""
    file = (await stub.GetPolicy(api.GetPolicyRequest(name=NAME))).policy
    assert file.name == "projects/default/policy"
    first = await stub.ApplyPolicy(api.ApplyPolicyRequest(policy=typed(), message="Try"))
    assert first.policy.revision == first.policy.etag == first.policy.revision.lower()
    assert [action.secret for action in first.policy.actions] == [""]
    assert 'rules["Minors"]' in [change.path for change in first.changes]
    file.name = NAME
    back = await stub.ApplyPolicy(api.ApplyPolicyRequest(policy=file))
    revision = f"{NAME}/revisions/{first.policy.revision}"
    read = (await stub.GetPolicy(api.GetPolicyRequest(name=revision))).policy
    assert read == first.policy
    again = await stub.ApplyPolicy(
        api.ApplyPolicyRequest(policy=policy_pb2.Policy.FromString(_renamed(read)))
    )
    assert again.policy == first.policy
    listed = await stub.ListPolicyRevisions(api.ListPolicyRevisionsRequest(parent=NAME))
    names = [entry.revision for entry in listed.revisions]
    assert names == [read.revision, back.policy.revision, read.revision, file.revision]
    assert [entry.in_force for entry in listed.revisions] == [True, False, False, False]
    assert [entry.author for entry in listed.revisions] == ["", "", "", "file"]
    assert listed.revisions[2].message == "Try"
    assert not listed.next_page_token


def _renamed(policy: policy_pb2.Policy) -> bytes:
    renamed = policy_pb2.Policy()
    renamed.CopyFrom(policy)
    renamed.name = NAME
    return renamed.SerializeToString()


async def test_pages_follow_each_other(stub: PolicyServiceStub):
    """Law: the pages together are the whole list, and a token of nobody's is refused."""
    for number in range(3):
        await stub.ApplyPolicy(api.ApplyPolicyRequest(policy=wanted(description=str(number))))
    seen, token = [], ""
    while True:
        request = api.ListPolicyRevisionsRequest(parent=NAME, page_size=2, page_token=token)
        page = await stub.ListPolicyRevisions(request)
        seen += page.revisions
        token = page.next_page_token
        if not token:
            break
    assert len(seen) == len({entry.revision for entry in seen}) == 4
    for bad in ("x", "0", "9" * 40):
        request = api.ListPolicyRevisionsRequest(parent=NAME, page_token=bad)
        failure = await failure_of(stub.ListPolicyRevisions(request))
        assert failure.info.reason == "INVALID_PAGE_TOKEN"


async def test_every_fault_is_named_at_its_place(stub: PolicyServiceStub):
    """Law: POLICY_INVALID has all violations, of conditions with line and column."""
    policy = typed()
    policy.rules[0].condition = "content.age < 18 &&\n  scores.toxicty > 0.8"
    policy.rules[0].action_ids.append("00000000-0000-4000-8000-000000000000")
    policy.categories["Z9"].review = 0.5
    failure = await failure_of(stub.ApplyPolicy(api.ApplyPolicyRequest(policy=policy)))
    assert (failure.code, failure.info.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "POLICY_INVALID",
    )
    said = {entry.field: entry.description for entry in failure.bad_request.field_violations}
    assert set(said) == {
        'policy.categories["Z9"]',
        "policy.rules[0].action_ids[1]",
        "policy.rules[0].condition",
    }
    assert said["policy.rules[0].condition"].startswith("2:")


async def test_a_mask_takes_some_fields_and_keeps_the_rest(stub: PolicyServiceStub):
    """Law: update_mask changes what it names, whole, and nothing else, secrets included."""
    await stub.ApplyPolicy(api.ApplyPolicyRequest(policy=typed()))
    part = policy_pb2.Policy(name=NAME, categories={"L1": {"block": 0.9}})
    part.panel.amount = 3
    mask = FieldMask(paths=["categories", "panel.amount"])
    done = await stub.ApplyPolicy(api.ApplyPolicyRequest(policy=part, update_mask=mask))
    assert set(done.policy.categories) == {"L1"}
    assert (done.policy.panel.amount, done.policy.panel.score_threshold) == (3, 0.5)
    assert [rule.name for rule in done.policy.rules] == ["Minors"]
    assert {change.path for change in done.changes} == {
        "categories.H1",
        "categories.L1",
        "panel.amount",
    }
    for paths, said in (
        (["colour"], "names what no policy has"),
        (["rules"] * 1_001, "must have at most 1,000 paths"),
    ):
        failure = await failure_of(
            stub.ApplyPolicy(
                api.ApplyPolicyRequest(policy=part, update_mask=FieldMask(paths=paths))
            )
        )
        told = [(entry.field, entry.description) for entry in failure.bad_request.field_violations]
        assert told == [("update_mask", said)]


async def test_a_stale_etag_is_refused(stub: PolicyServiceStub):
    """Law: the second of two that changed the same policy is told, and changes nothing."""
    etag = (await stub.GetPolicy(api.GetPolicyRequest(name=NAME))).policy.etag
    await stub.ApplyPolicy(api.ApplyPolicyRequest(policy=wanted(), etag=etag))
    late = api.ApplyPolicyRequest(policy=wanted(description="late"), etag=etag)
    failure = await failure_of(stub.ApplyPolicy(late))
    assert (failure.code, failure.info.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")


async def test_trying_tells_changes_and_advice_and_changes_nothing(stub: PolicyServiceStub):
    """Law: validate_only answers as applying would, and what is in force stays."""
    before = (await stub.GetPolicy(api.GetPolicyRequest(name=NAME))).policy
    policy = typed()
    policy.rules.add(name="Off", condition="true", enabled=False)
    tried = await stub.ApplyPolicy(api.ApplyPolicyRequest(policy=policy, validate_only=True))
    assert tried.changes
    assert "rule 'Off': is not enabled" in tried.warnings
    assert (await stub.GetPolicy(api.GetPolicyRequest(name=NAME))).policy == before
    done = await stub.ApplyPolicy(api.ApplyPolicyRequest(policy=policy))
    assert (done.policy, done.changes) == (tried.policy, tried.changes)


async def test_a_changed_secret_is_a_change_that_shows_no_secret(stub: PolicyServiceStub):
    """Law: that a secret changes is told; what it is, never."""
    await stub.ApplyPolicy(api.ApplyPolicyRequest(policy=typed()))
    policy = typed()
    policy.actions[0].secret = "whsec_" + "b" * 32
    done = await stub.ApplyPolicy(api.ApplyPolicyRequest(policy=policy))
    assert [change.path for change in done.changes] == ['actions["Ban"].secret']
    assert "bbb" not in str(done)
    same = await stub.ApplyPolicy(api.ApplyPolicyRequest(policy=policy))
    assert not same.changes


async def test_another_projects_policy_is_closed(stub: PolicyServiceStub):
    """Law: a key reads and changes its own project's policy alone."""
    other = "projects/theirs/policy"
    for call in (
        stub.GetPolicy(api.GetPolicyRequest(name=other)),
        stub.ListPolicyRevisions(api.ListPolicyRevisionsRequest(parent=other)),
        stub.ApplyPolicy(api.ApplyPolicyRequest(policy=policy_pb2.Policy(name=other))),
    ):
        failure = await failure_of(call)
        assert (failure.code, failure.info.reason) == (
            grpc.StatusCode.PERMISSION_DENIED,
            "PROJECT_MISMATCH",
        )


async def test_what_never_was_is_not_found(stub: PolicyServiceStub):
    """Law: a revision of no policy is not found, and the reason says so."""
    request = api.GetPolicyRequest(name=f"{NAME}/revisions/default@000000000000")
    failure = await failure_of(stub.GetPolicy(request))
    assert (failure.code, failure.info.reason) == (
        grpc.StatusCode.NOT_FOUND,
        "RESOURCE_NOT_FOUND",
    )


async def test_the_history_names_the_key(serve: Serve, tmp_path: Path):
    """Law: who changes a policy needs the scope for it, and is named by the key's id."""
    keys = FakeApiKeyStore()
    shown = {}
    for scope in ("policy", "moderate"):
        key, secret = new_api_key(project="shop", scopes=frozenset({scope}))
        await keys.add(key)
        shown[scope] = (key.id, (("authorization", f"Bearer {secret}"),))
    async with policies(tmp_path) as service:
        running = await serve(services=[service], authenticate=Authenticate(keys))
        stub = PolicyServiceStub(running.channel)
        request = api.ApplyPolicyRequest(policy=wanted())
        key_id, metadata = shown["moderate"]
        failure = await failure_of(stub.ApplyPolicy(request, metadata=metadata))
        assert failure.info.reason == "SCOPE_MISSING"
        key_id, metadata = shown["policy"]
        done = await stub.ApplyPolicy(request, metadata=metadata)
        assert done.policy.name == "projects/shop/policy"
        assert done.policy.revision.startswith("shop@")
        listed = api.ListPolicyRevisionsRequest(parent="projects/shop/policy")
        answer = await stub.ListPolicyRevisions(listed, metadata=metadata)
        assert [entry.author for entry in answer.revisions] == [key_id, "file"]

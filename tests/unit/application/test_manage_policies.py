"""How policies are read and changed: checked first, once, and against what is in force."""

import asyncio
import threading
from dataclasses import replace

import pytest

from gaveld.application.check_policy import CheckedPolicy, Installed
from gaveld.application.manage_policies import ManagePolicies, PolicyChangeRequest
from gaveld.bootstrap.policies import policy_check
from gaveld.domain.errors import (
    Aborted,
    AlreadyExists,
    ErrorReason,
    FieldViolation,
    InvalidRequest,
    NotFound,
)
from gaveld.domain.policies import CategoryRule, HashBank, Policy, named_id
from gaveld.domain.rules import Rule, RuleAction
from tests.fakes.policies import FakePolicyHistory

FILE = Policy("house@1", {"L1": CategoryRule(0.8)})
NEW = Policy("", {"L1": CategoryRule(0.5)})
OTHER = Policy("", {"L1": CategoryRule(0.4)})


@pytest.fixture
def history() -> FakePolicyHistory:
    return FakePolicyHistory(FILE)


@pytest.fixture
def manage(history) -> ManagePolicies:
    return ManagePolicies(history, policy_check(Installed()))


def asked(policy: Policy, **options) -> PolicyChangeRequest:
    return PolicyChangeRequest("shop", lambda _: (policy, ()), **options)


async def test_what_is_applied_is_in_force(manage, history):
    """Law: the answer is the policy in force, and what was before it."""
    done = await manage.apply(asked(NEW, author="key1", message="Why not"))
    assert (done.policy.categories, done.before) == (NEW.categories, FILE)
    assert await manage.get("shop") == await history.current("shop") == done.policy
    assert await manage.get("shop", "house@1") == FILE
    entries, has_more = await manage.list_revisions("shop", limit=1)
    assert ([entry.author for entry in entries], has_more) == (["key1"], True)
    rest, has_more = await manage.list_revisions("shop", limit=1, before=entries[0].number)
    assert ([entry.author for entry in rest], has_more) == (["file"], False)


async def test_a_revision_that_never_was_is_not_found(manage):
    """Law: only what was in force can be read."""
    with pytest.raises(NotFound) as caught:
        await manage.get("shop", "shop@1")
    assert caught.value.reason is ErrorReason.RESOURCE_NOT_FOUND


async def test_what_the_server_lost_can_not_be_put_in_force_again(history):
    """Law: an earlier revision that names a bank that is gone is refused, by name."""
    old = replace(NEW, hash_banks=(HashBank("stolen", category_id="C3"),))
    with_bank = ManagePolicies(history, policy_check(Installed(hash_banks={"stolen"})))
    first = (await with_bank.apply(asked(old))).policy
    await with_bank.apply(asked(OTHER))
    without = ManagePolicies(history, policy_check(Installed(hash_banks=())))
    again = await without.get("shop", first.revision)
    with pytest.raises(InvalidRequest) as caught:
        await without.apply(asked(again))
    (fault,) = caught.value.violations
    assert fault.field == "policy.hash_banks[0].name"
    assert fault.description == "'stolen' is no hash bank of this server, which has none"
    assert (await history.current("shop")).categories == OTHER.categories


async def test_trying_changes_nothing_and_tells_the_revision(manage, history):
    """Law: what applying would give is told, and is what it then gives."""
    tried = await manage.apply(asked(NEW, validate_only=True, request_id="a"))
    assert await history.current("shop") == FILE
    done = await manage.apply(asked(NEW, request_id="a"))
    assert tried.policy.revision == done.policy.revision


async def test_a_faulty_policy_is_never_in_force(manage, history):
    """Law: all faults are told, also those found in reading it, and nothing changes."""
    broken = replace(NEW, rules=(Rule("r", "R", "1", action_ids=("x",)),))
    unread = FieldViolation("mask", "is odd")
    with pytest.raises(InvalidRequest) as caught:
        await manage.apply(PolicyChangeRequest("shop", lambda _: (broken, (unread,))))
    assert caught.value.reason is ErrorReason.POLICY_INVALID
    assert [entry.field for entry in caught.value.violations] == [
        "policy.mask",
        "policy.rules[0].action_ids[0]",
        "policy.rules[0].condition",
    ]
    assert await history.current("shop") == FILE


async def test_an_error_names_no_more_than_fits(manage):
    """Law: of very many faults some are named, and how many more there are."""
    rules = tuple(Rule(f"r{number}", "R", "1 +") for number in range(256))
    with pytest.raises(InvalidRequest) as caught:
        await manage.apply(asked(replace(NEW, rules=rules)))
    violations = caught.value.violations
    assert sum(len(entry.field) + len(entry.description) for entry in violations) < 3_000
    assert violations[-1].description == f"has {256 - len(violations) + 1} more that are wrong"


async def test_what_changed_meanwhile_is_not_overwritten(manage):
    """Law: with an etag only what the caller has seen is replaced."""
    await manage.apply(asked(NEW, etag="house@1"))
    for validate_only in (False, True):
        with pytest.raises(Aborted) as caught:
            await manage.apply(asked(OTHER, etag="house@1", validate_only=validate_only))
        assert caught.value.reason is ErrorReason.ETAG_MISMATCH


async def test_a_part_is_changed_in_what_is_in_force(manage, history):
    """Law: a change of some fields keeps what somebody else changes at the same time."""
    await manage.apply(asked(NEW))
    races = iter([True, False])

    def part(before: Policy) -> tuple[Policy, tuple[()]]:
        return replace(before, description="Ours"), ()

    class Racing(FakePolicyHistory):
        async def apply(self, project, policy, **options):
            if next(races):
                await history.apply(project, OTHER)
            return await history.apply(project, policy, **options)

        async def find(self, project, revision=""):
            return await history.find(project, revision)

    racing = ManagePolicies(Racing(FILE), policy_check(Installed()))
    done = await racing.apply(PolicyChangeRequest("shop", part, is_partial=True))
    assert (done.policy.description, done.policy.categories) == ("Ours", OTHER.categories)


async def test_a_repeat_is_told_what_the_call_did(manage, history):
    """Law: a repeat changes nothing, also after others changed more, and is answered alike."""
    first = await manage.apply(asked(NEW, request_id="call-1"))
    later = await manage.apply(asked(OTHER))
    again = await manage.apply(asked(NEW, request_id="call-1"))
    assert (again.policy, again.before) == (first.policy, first.before)
    assert await history.current("shop") == later.policy
    with pytest.raises(AlreadyExists) as caught:
        await manage.apply(asked(OTHER, request_id="call-1"))
    assert caught.value.reason is ErrorReason.REQUEST_ID_REUSED


async def test_ids_are_kept_by_name_or_made_of_it(manage):
    """Law: an entry without an id is its namesake in force, or else has an id of its own."""
    known = RuleAction("7b0c0e2e-2f65-4f0e-9b0f-0d3f7e1c2a11", "Ban")
    await manage.apply(asked(replace(NEW, actions=(known,))))
    nameless = (replace(known, id=""), RuleAction("", "Tell"))
    rule = Rule("", "Spam", "true", action_ids=(known.id,))
    done = await manage.apply(asked(replace(OTHER, actions=nameless, rules=(rule,))))
    assert [action.id for action in done.policy.actions] == [known.id, named_id("Tell")]
    assert done.policy.rules[0].id == named_id("Spam")


class TellingHistory(FakePolicyHistory):
    """Tells how often it was read."""

    def __init__(self, file: Policy) -> None:
        super().__init__(file)
        self.reads = 0
        self._read = asyncio.Condition()

    async def find(self, project, revision=""):
        async with self._read:
            self.reads += 1
            self._read.notify_all()
        return await super().find(project, revision)

    async def until_read(self, times: int) -> None:
        async with self._read:
            await self._read.wait_for(lambda: self.reads == times)


async def test_a_project_with_many_policies_keeps_no_other_waiting():
    """Law: of each project one policy waits to be checked, and one at a time is."""
    gate, checked = threading.Event(), []

    def check(policy: Policy) -> CheckedPolicy:
        checked.append(policy.description)
        gate.wait(60)
        return CheckedPolicy(policy)

    history = TellingHistory(FILE)
    manage = ManagePolicies(history, check)

    def tried(project: str, name: str) -> asyncio.Task:
        policy = replace(NEW, description=name)
        wanted = PolicyChangeRequest(project, lambda _: (policy, ()), validate_only=True)
        return asyncio.create_task(manage.apply(wanted))

    tries = []
    for count, (project, name) in enumerate(
        [("flood", "1"), ("flood", "2"), ("flood", "3"), ("shop", "its own")], start=1
    ):
        tries.append(tried(project, name))
        await history.until_read(count)
    tries[1].cancel()
    gate.set()
    await asyncio.gather(tries[0], tries[2], tries[3])
    assert checked == ["1", "its own", "3"]
    with pytest.raises(asyncio.CancelledError):
        await tries[1]

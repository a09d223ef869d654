"""Answers ``gavel.v1.PolicyService``: converts policies and has them read and changed."""

import asyncio
import re
from collections.abc import Sequence
from typing import Final

from gavel.v1 import policy_pb2
from gavel.v1.policy_service_pb2 import (
    ApplyPolicyRequest,
    ApplyPolicyResponse,
    GetPolicyRequest,
    GetPolicyResponse,
    ListPolicyRevisionsRequest,
    ListPolicyRevisionsResponse,
    PolicyRevision,
)
from google.protobuf.field_mask_pb2 import FieldMask

from gaveld.application.manage_policies import ManagePolicies, PolicyChangeRequest, Wanted
from gaveld.application.ports import PolicyEntry
from gaveld.domain.errors import ErrorReason, FieldViolation, InvalidRequest
from gaveld.domain.policies import Policy
from gaveld.transport.grpc.call import Context, current_call
from gaveld.transport.grpc.converters.policies import policy_from_proto, policy_to_proto
from gaveld.transport.grpc.converters.policy_changes import changes_to_proto
from gaveld.transport.grpc.projects import project_of

USUAL_PAGE: Final = 100
MOST_PATHS: Final = 1_000
"""A mask with more names some of them twice."""

_PAGE_TOKEN: Final = re.compile("[1-9][0-9]{0,14}")


class PolicyServicer:
    """Serves ``GetPolicy``, ``ListPolicyRevisions`` and ``ApplyPolicy``.

    Policies may be large, so none is converted on the event loop.
    """

    def __init__(self, policies: ManagePolicies) -> None:
        self._policies = policies

    async def GetPolicy(self, request: GetPolicyRequest, _: Context) -> GetPolicyResponse:
        """Read the policy in force, or one revision of it."""
        project = project_of(request.name, current_call())
        revision = request.name.partition("/revisions/")[2]
        policy = await self._policies.get(project, revision)
        return await asyncio.to_thread(
            lambda: GetPolicyResponse(policy=policy_to_proto(policy, project))
        )

    async def ListPolicyRevisions(
        self, request: ListPolicyRevisionsRequest, _: Context
    ) -> ListPolicyRevisionsResponse:
        """List what was put in force, a page at a time."""
        project = project_of(request.parent, current_call())
        limit = request.page_size or USUAL_PAGE
        entries, has_more = await self._policies.list_revisions(
            project, limit=limit, before=_number(request.page_token)
        )
        return ListPolicyRevisionsResponse(
            revisions=[_revision_to_proto(entry, project) for entry in entries],
            next_page_token=str(entries[-1].number) if has_more else "",
        )

    async def ApplyPolicy(self, request: ApplyPolicyRequest, _: Context) -> ApplyPolicyResponse:
        """Put a policy in force, or only try it."""
        call = current_call()
        project = project_of(request.policy.name, call)
        applied = await self._policies.apply(
            PolicyChangeRequest(
                project,
                _wanted(request, project),
                author=call.key.id if call.key else "",
                message=request.message,
                etag=request.etag,
                request_id=request.request_id,
                is_partial=_is_partial(request.update_mask),
                validate_only=request.validate_only,
            )
        )
        return await asyncio.to_thread(
            lambda: ApplyPolicyResponse(
                policy=policy_to_proto(applied.policy, project),
                changes=changes_to_proto(applied.before, applied.policy),
                warnings=applied.warnings,
                request_id=call.request_id,
            )
        )


def _wanted(request: ApplyPolicyRequest, project: str) -> Wanted:
    """Return what makes the wanted policy of the one in force. Raises ``InvalidRequest``."""
    if not _is_partial(request.update_mask):
        return lambda _: policy_from_proto(request.policy)
    mask, message = request.update_mask, request.policy
    if len(mask.paths) > MOST_PATHS:
        limit = f"must have at most {MOST_PATHS:,} paths"
        raise InvalidRequest(FieldViolation("update_mask", limit, "MASK"))
    if not mask.IsValidForDescriptor(policy_pb2.Policy.DESCRIPTOR):
        raise InvalidRequest(FieldViolation("update_mask", "names what no policy has", "MASK"))

    def merged(before: Policy) -> tuple[Policy, Sequence[FieldViolation]]:
        whole = policy_to_proto(before, project)
        mask.MergeMessage(message, whole, replace_message_field=True, replace_repeated_field=True)
        return policy_from_proto(whole)

    return merged


def _is_partial(mask: FieldMask) -> bool:
    return bool(mask.paths) and list(mask.paths) != ["*"]


def _revision_to_proto(entry: PolicyEntry, project: str) -> PolicyRevision:
    revision = PolicyRevision(
        name=f"projects/{project}/policy/revisions/{entry.revision}",
        revision=entry.revision,
        author=entry.author,
        message=entry.message,
        in_force=entry.is_in_force,
    )
    revision.create_time.FromDatetime(entry.applied_at)
    return revision


def _number(page_token: str) -> int:
    """Return the number that a page token stands for. Raises ``InvalidRequest``."""
    if not page_token:
        return 0
    if not _PAGE_TOKEN.fullmatch(page_token):
        raise InvalidRequest(
            FieldViolation("page_token", "is not the next_page_token of a page"),
            reason=ErrorReason.INVALID_PAGE_TOKEN,
        )
    return int(page_token)

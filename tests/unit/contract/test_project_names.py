"""Names of projects in the names of resources."""

import protovalidate
import pytest
from gavel.v1 import policy_service_pb2, review_queue_service_pb2, user_service_pb2
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from gaveld.adapters.storage.api_keys import NAME


@given(st.from_regex(NAME, fullmatch=True))
def test_every_project_can_be_named(project: str):
    """Law: a name that the server gives a resource is one that it takes, whatever the project's."""
    item = f"projects/{project}/queues/default/items/1"
    for request in (
        policy_service_pb2.GetPolicyRequest(name=f"projects/{project}/policy"),
        policy_service_pb2.ListPolicyRevisionsRequest(parent=f"projects/{project}/policy"),
        review_queue_service_pb2.ListReviewItemsRequest(parent=f"projects/{project}/queues/-"),
        review_queue_service_pb2.GetReviewItemRequest(name=item),
        review_queue_service_pb2.ClaimReviewItemRequest(name=item, reviewer="bo"),
        review_queue_service_pb2.ReleaseReviewItemRequest(name=item, reviewer="bo"),
        user_service_pb2.GetUserRequest(name=f"projects/{project}/users/ann"),
        user_service_pb2.ForgetUserRequest(name=f"projects/{project}/users/ann"),
    ):
        protovalidate.validate(request)


@pytest.mark.parametrize("project", ["", "a b", "a/b", "ä", "a" * 129])
def test_what_is_no_projects_name_is_refused(project: str):
    """Law: what can be no project's name is named as a fault of the request."""
    request: Message = user_service_pb2.GetUserRequest(name=f"projects/{project}/users/ann")
    with pytest.raises(protovalidate.ValidationError):
        protovalidate.validate(request)

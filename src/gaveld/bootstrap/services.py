"""Puts together the services that need the storage: operations, content, policies, reviews, users.

Each is built from the same parts, by a function of its own.
"""

from gavel.v1 import (
    content_service_pb2,
    policy_service_pb2,
    review_queue_service_pb2,
    upload_service_pb2,
    user_service_pb2,
)
from google.longrunning import operations_pb2

from gaveld.application.operations import Operations
from gaveld.bootstrap.contents import build_content_path
from gaveld.bootstrap.decisions import backtest_progress, backtest_servicer, user_service
from gaveld.bootstrap.parts import Parts
from gaveld.bootstrap.policies import policy_service
from gaveld.bootstrap.review_queue import review_queue_service
from gaveld.bootstrap.uploads import upload_service
from gaveld.transport.grpc.converters.uploads import UPLOAD_SCOPE
from gaveld.transport.grpc.disabled_servicer import disabled
from gaveld.transport.grpc.operations_servicer import SCOPE, OperationsServicer
from gaveld.transport.grpc.services import Service


def build_services(parts: Parts) -> tuple[Service, ...]:
    """Return the services, in the order in which they are listed."""
    contents = build_content_path(parts)
    return (
        _operations(parts),
        policy_service(
            parts.judging.history, parts.judging.check_policy, (backtest_servicer(parts),)
        ),
        contents.service,
        review_queue_service(parts, contents.submit),
        user_service(parts),
        upload_service(contents.submit),
    )


def disabled_services() -> tuple[Service, ...]:
    """Return what answers for these services where ``work.enabled`` is false."""
    return tuple(
        disabled(file.DESCRIPTOR.services_by_name[name], "work.enabled", scope)
        for file, name, scope in (
            (content_service_pb2, "ContentService", "moderate"),
            (policy_service_pb2, "PolicyService", "policy"),
            (review_queue_service_pb2, "ReviewQueueService", "review"),
            (user_service_pb2, "UserService", "review"),
            (upload_service_pb2, "UploadService", UPLOAD_SCOPE),
        )
    )


def _operations(parts: Parts) -> Service:
    descriptor = operations_pb2.DESCRIPTOR.services_by_name["Operations"]
    operations = Operations(parts.jobs, backtest_progress(parts), parts.leaving)
    return Service(descriptor, OperationsServicer(operations), SCOPE)

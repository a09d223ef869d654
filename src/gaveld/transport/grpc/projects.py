"""Whose resource a call names: everything in ``projects/{project}/…`` is that project's alone."""

from gaveld.domain.errors import ErrorReason, PermissionDenied
from gaveld.transport.grpc.call import Call


def project_of(name: str, call: Call) -> str:
    """Return the project of a resource name; ``projects/-`` is the caller's own.

    Raises ``PermissionDenied`` (PROJECT_MISMATCH) for the project of somebody else.
    """
    project = name.split("/", 2)[1]
    if project not in ("-", call.project):
        raise PermissionDenied(
            ErrorReason.PROJECT_MISMATCH,
            "The API key is another project's.",
            metadata={"project": project},
        )
    return call.project

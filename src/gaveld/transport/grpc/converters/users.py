"""What users did, on the wire; the names of users, off it and on it; answers that name none."""

from gavel.v1 import user_service_pb2 as pb
from gavel.v1.content_service_pb2 import SubmitContentResponse

from gaveld.domain.rules import UserHistory, UserWindow
from gaveld.transport.grpc.converters.content import ContentMessages

_SLASH = "%2F"


def actor_id_from_name(name: str) -> str:
    """Return the id in ``projects/{project}/users/{actor_id}``; a slash in it stands as ``%2F``."""
    written = name.split("/", 3)[3]
    return written.replace(_SLASH, "/").replace(_SLASH.lower(), "/")


def user_to_proto(history: UserHistory, project: str) -> pb.User:
    """Return the history as the wire has it."""
    user = pb.User(
        name=f"projects/{project}/users/{history.actor_id.replace('/', _SLASH)}",
        windows=map(_window, history.windows),
        strikes=history.strikes,
    )
    if history.first_seen_at is not None:
        user.first_seen_time.FromDatetime(history.first_seen_at)
    if history.last_seen_at is not None:
        user.last_seen_time.FromDatetime(history.last_seen_at)
    return user


def _window(window: UserWindow) -> pb.UserWindow:
    return pb.UserWindow(
        hours=window.hours,
        content_count=window.contents,
        flag_count=window.flags,
        category_counts=window.categories,
    )


def nameless(answer: bytes) -> bytes:
    """Return a serialised ``SubmitContentResponse`` without its words and without its author."""
    response = SubmitContentResponse.FromString(ContentMessages().without_words(answer))
    response.ClearField("actor_id")
    return response.SerializeToString()

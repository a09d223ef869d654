"""Answers ``gavel.v1.UserService``: names the caller's project and the user, and asks."""

from gavel.v1 import user_service_pb2 as pb

from gaveld.application.users import ForgetUser, GetUser
from gaveld.transport.grpc.call import Context, current_call
from gaveld.transport.grpc.converters.users import actor_id_from_name, user_to_proto
from gaveld.transport.grpc.projects import project_of


class UserServicer:
    """Serves users' histories."""

    def __init__(self, get_user: GetUser, forget_user: ForgetUser) -> None:
        self._get_user = get_user
        self._forget_user = forget_user

    async def GetUser(self, request: pb.GetUserRequest, _: Context) -> pb.GetUserResponse:
        """Read a history."""
        project = project_of(request.name, current_call())
        history = await self._get_user(project, actor_id_from_name(request.name))
        return pb.GetUserResponse(user=user_to_proto(history, project))

    async def ForgetUser(self, request: pb.ForgetUserRequest, _: Context) -> pb.ForgetUserResponse:
        """Erase a user."""
        project = project_of(request.name, current_call())
        forgotten = await self._forget_user(project, actor_id_from_name(request.name))
        return pb.ForgetUserResponse(
            decision_count=forgotten.decisions, content_count=forgotten.contents
        )

"""Signing in, signing up, and who is signed in."""

from collections.abc import Mapping
from typing import Any

from appmixer_mcp.errors import (
    AppmixerError,
    NotFoundError,
    NotSignedInError,
    UnavailableError,
)

from .call import Call, json_body, path, shown
from .dialect import refuse_arguments
from .models.base import UserId
from .models.users import AuthResult, Deletion, DeletionTicket, SignUpResult, User
from .resource import Resource


class Users(Resource):
    """Users of the tenant; what concerns another user is an administrator's."""

    async def authenticate_user(self, username: str, password: str) -> AuthResult:
        """Sign in; calls that begin afterwards are signed with the new token.

        User name and password are remembered, to sign in again when the token expires.

        Raises:
            NotSignedInError: The user is unknown (`code` 403 or 401) or the password wrong (401).
        """
        return await self._transport.sign_in(username, password)

    async def signup_user(self, username: str, password: str) -> AuthResult:
        """Create a user and sign in as that user.

        Raises:
            InputError: The tenant does not take this name or password.
            ConflictError: There is such a user.

        Source: documented to answer with a token; the OpenAPI document answers with the user, so
        that a sign-in has to follow.
        """
        session = self._transport.session
        call = Call(
            "POST",
            path("user"),
            body=json_body({"username": username, "password": password}),
            advice={
                401: "This tenant lets only an administrator create users, or the access token has "
                "expired. Sign in with authenticate_user first.",
                403: "This tenant does not let the signed-in user create users.",
                409: f"There is a user {shown(username)} already. Call authenticate_user, or "
                "choose another name.",
            },
            secrets=(password,),
        )
        created = await self._transport.request(call, SignUpResult)
        if created.token is None:
            return await self._transport.sign_in(username, password)
        self._transport.sign_in_as(session, created.token.get_secret_value(), username, password)
        return AuthResult(token=created.token, user=created.user)

    async def get_user(self) -> User:
        """Return the user who is signed in.

        Raises:
            NotSignedInError: Nobody is, or the user has been deleted since.
        """
        try:
            return await self._transport.request(Call("GET", path("user")), User)
        except NotFoundError as error:
            raise NotSignedInError(
                "The user this access token was made for no longer exists. Sign in as another.",
                status=error.status,
                upstream_message=error.upstream_message,
            ) from error

    async def get_user_by_id(self, user_id: UserId) -> User:
        """Return any user of the tenant.

        Raises:
            NotFoundError: There is none.
            ForbiddenError: The signed-in user is no administrator.
        """
        self._needs_appmixer("get_user_by_id")
        call = Call("GET", path("users", user_id), advice=_administrators_alone(user_id))
        return await self._transport.request(call, User)

    async def update_user(self, user_id: UserId, changes: Mapping[str, Any]) -> None:
        """Change a user; what is not given stays.

        Args:
            user_id: Which one.
            changes: `username` and `password`, and beyond the `openapi` dialect `email`, `scope`
                (all roles), `vendor` and `metadata`.

        Raises:
            InputError: The tenant does not take this.
            NotFoundError: There is no such user.
            ForbiddenError: The signed-in user is no administrator.
        """
        if self._openapi:
            further = {name: changes.get(name) for name in ("email", "scope", "vendor", "metadata")}
            refuse_arguments("update_user", **further)
        call = Call(
            "PUT",
            path("users", user_id),
            body=json_body(dict(changes)),
            advice=_administrators_alone(user_id)
            | {409: "Another user has that user name or e-mail address. Choose another one."},
            secrets=tuple(one for one in [changes.get("password")] if one),
        )
        await self._transport.send(call)

    async def delete_user(self, user_id: UserId) -> bool:
        """Delete a user with everything that is theirs.

        Returns:
            Whether it is known to be over; else the tenant goes on with it by itself.

        Raises:
            NotFoundError: There is no such user.
            ForbiddenError: The signed-in user is no administrator.
            UnavailableError: The tenant could not do it, or not all of it.
        """
        call = Call("DELETE", path("users", user_id), advice=_administrators_alone(user_id))
        if self._openapi:  # it knows no ticket
            await self._transport.send(call)
            return True
        ticket = (await self._transport.request(call, DeletionTicket)).ticket
        if not ticket:
            return True
        ask = Call("GET", path("users", user_id, "delete-status", ticket))
        try:
            found = await self._transport.find(ask, Deletion)
        except AppmixerError:  # the signed-in user may be the one who was deleted
            return False
        if found and found.status in ("failed", "cancelled"):
            raise UnavailableError(
                f"The tenant began to delete the user {shown(user_id)} but did not finish "
                f"({found.status}). Call it again.",
                may_have_happened=True,
            )
        return found is not None and found.status == "completed"


def _administrators_alone(user_id: UserId) -> dict[int, str]:
    return {
        403: "Only an administrator of the tenant may look at, change or delete other users; the "
        "signed-in user is none. Ask one, or sign in as one.",
        404: f"No user has the id {shown(user_id)}. get_user shows the signed-in user's own; an "
        "administrator finds those of others in Appmixer's Backoffice.",
    }

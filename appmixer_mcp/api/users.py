"""Signing in, signing up, and who is signed in."""

from appmixer_mcp.errors import NotFoundError, NotSignedInError

from .call import Call, json_body, path, shown
from .models.users import AuthResult, SignUpResult, User
from .resource import Resource


class Users(Resource):
    """Users of the tenant; the same calls in both dialects."""

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

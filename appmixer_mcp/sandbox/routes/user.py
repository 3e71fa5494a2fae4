"""Sign-up, sign-in, and who one is."""

from typing import Any

from pydantic import BaseModel, Field

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint
from appmixer_mcp.sandbox.users import User


class _Credentials(BaseModel):
    username: str = ""
    email: str = ""
    password: str

    @property
    def name(self) -> str:
        found = self.username.strip() or self.email.strip()
        if not found:
            raise InputError("username (or email) is required.")
        return found


class _NewUser(_Credentials):
    metadata: dict[str, Any] = Field(default_factory=dict[str, Any])


async def sign_up(call: Call) -> Json:
    """Make a user and sign them in."""
    body = await call.body(_NewUser)
    # A name alone is the e-mail address too: the SDK knows no other field (unconfirmed).
    email = body.email.strip() or body.name
    user = await call.services.users.sign_up(body.name, email, body.password, body.metadata)
    return _signed_in(call, user, flat=call.services.config.dialect == "openapi")


async def sign_in(call: Call) -> Json:
    """Give a token for a user name, or an e-mail address, and a password."""
    body = await call.body(_Credentials)
    user = await call.services.users.sign_in(body.name, body.password)
    return _signed_in(call, user, flat=False)


async def show(call: Call) -> Json:
    """Show the signed-in user."""
    return call.user.shown()


def _signed_in(call: Call, user: User, *, flat: bool) -> dict[str, Json]:
    """Return the token and the user; the other dialect wants the user's fields beside them."""
    beside = user.shown() if flat else {}
    return {**beside, "token": call.services.users.token(user), "user": user.shown()}


ENDPOINTS = (
    Endpoint("POST", "/user", sign_up, auth="none"),
    Endpoint("POST", "/user/auth", sign_in, auth="none"),
    Endpoint("GET", "/user", show),
)

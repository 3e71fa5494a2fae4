"""Sign-up, sign-in, who one is, and one's password."""

from typing import Any

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.password_resets import PasswordResets
from appmixer_mcp.sandbox.routes.endpoint import Call, Empty, Endpoint
from appmixer_mcp.sandbox.users import User, UserShown

_STRANGERS_MAX_BYTES = 65_536
"""Largest body of those who need no token (ours); some of it is stored."""


class SignedIn(TypedDict):
    """A token, and whose it is."""

    token: str
    user: UserShown


class SignedInFlat(UserShown):
    """The same in the other dialect, with the user's fields beside the token."""

    token: str
    user: UserShown


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


class _PasswordChange(BaseModel):
    oldPassword: str  # noqa: N815 - the API's name, as the next
    newPassword: str  # noqa: N815


class _Forgetful(BaseModel):
    email: str


class _Reset(BaseModel):
    password: str
    code: str


class _NewPassword(BaseModel):
    email: str
    password: str


async def create_user(call: Call) -> SignedIn | SignedInFlat:
    """Make a user and sign them in."""
    body = await call.body(_NewUser, _STRANGERS_MAX_BYTES)
    # A name alone is the e-mail address too: the SDK knows no other field (unconfirmed).
    email = body.email.strip() or body.name
    user = await call.services.users.sign_up(body.name, email, body.password, body.metadata)
    signed_in = _signed_in(call, user)
    if call.services.config.dialect == "openapi":
        flat: SignedInFlat = {**user.shown(), **signed_in}
        return flat
    return signed_in


async def authenticate_user(call: Call) -> SignedIn:
    """Give a token for a user name, or an e-mail address, and a password."""
    body = await call.body(_Credentials, _STRANGERS_MAX_BYTES)
    user = await call.services.users.sign_in(body.name, body.password)
    return _signed_in(call, user)


async def get_current_user(call: Call) -> UserShown:
    """Show the signed-in user."""
    return call.user.shown()


async def change_password(call: Call) -> Empty:
    """Change one's own password; one's tokens stay good."""
    body = await call.body(_PasswordChange)
    await call.services.users.change_password(call.user, body.oldPassword, body.newPassword)
    return {}


async def forgot_password(call: Call) -> Empty:
    """Mail a code for a new password into the user's outbox; 404 for an unknown address."""
    body = await call.body(_Forgetful, _STRANGERS_MAX_BYTES)
    _resets(call).offer(call.services.users.with_email(body.email.strip()))
    return {}


async def reset_forgotten_password(call: Call) -> Empty:
    """Set a new password by a code that was mailed."""
    body = await call.body(_Reset, _STRANGERS_MAX_BYTES)
    await _resets(call).use(body.code, body.password)
    return {}


async def reset_password(call: Call) -> Empty:
    """Set the password of the user with an e-mail address."""
    body = await call.body(_NewPassword)
    users = call.services.users
    await users.set_password(users.with_email(body.email.strip()).user_id, body.password)
    return {}


def _resets(call: Call) -> PasswordResets:
    services = call.services
    return PasswordResets(services.database, services.clock, services.users)


def _signed_in(call: Call, user: User) -> SignedIn:
    return {"token": call.services.users.token(user), "user": user.shown()}


ENDPOINTS = (
    Endpoint(
        "POST", "/user", create_user, auth="none",
        body=_NewUser, answer=SignedIn, answer_openapi=SignedInFlat, statuses=(403, 409),
    ),
    Endpoint(
        "POST", "/user/auth", authenticate_user, auth="none",
        body=_Credentials, answer=SignedIn, statuses=(401, 403),
    ),
    Endpoint("GET", "/user", get_current_user, answer=UserShown),
    Endpoint(
        "POST", "/user/change-password", change_password,
        body=_PasswordChange, answer=Empty, statuses=(403,),
    ),
    Endpoint(
        "POST", "/user/forgot-password", forgot_password, auth="none",
        body=_Forgetful, answer=Empty, statuses=(404,),
    ),
    *(
        Endpoint("POST", path, reset_forgotten_password, auth="none", body=_Reset, answer=Empty)
        for path in ("/forgot-password/reset", "/user/forgot-password/reset")
    ),
    Endpoint(
        "POST", "/user/reset-password", reset_password, admin=True,
        body=_NewPassword, answer=Empty, statuses=(404,),
    ),
)  # fmt: skip

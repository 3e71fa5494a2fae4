"""Who is signed in, where, and how to change that."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from anyio import move_on_after
from pydantic import Field, SecretStr
from pydantic.json_schema import SkipJsonSchema

from appmixer_mcp.errors import AppmixerError
from appmixer_mcp.results import Facts, Instant, Result, Text, Truth
from appmixer_mcp.toolset import CHANGE, CREATE, READ, ToolContext, Toolset

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient

TOOLSET = Toolset("session", "Sign in, and see who is signed in where.")

_SESSION = ("appmixer://session",)
_LONGEST_WAIT_S = 5.0  # for a tenant that does not answer, which is when get_session is asked

Username = Annotated[str, Field(description="Usually an e-mail address.", min_length=1)]
Password = Annotated[SecretStr, Field(description="Never shown again.", min_length=1)]


class User(Result):
    """A user of the tenant."""

    user_id: str
    username: Text = None
    email: Text = Field(default=None, description="People tasks are matched by it.")
    plan: Text = None
    scope: list[str] = Field(description="Roles, such as user or admin.")
    is_active: Truth = None
    created_at: Instant = None


class LastError(Facts):
    """What the tenant refused last."""

    message: str
    status: int | SkipJsonSchema[None] = Field(default=None, description="HTTP status.")


class SessionFacts(Result):
    """Where calls go and as whom."""

    base_url: str = Field(description="`sandbox` is the embedded, local tenant.")
    user: Text = Field(default=None, description="Name or id; absent if the tenant refuses.")
    signed_in_with: str
    how_to_sign_in: Text = Field(
        default=None, description="Where authenticate_user and configure_session refuse."
    )
    token_expires_at: Instant = None
    token_expired: Truth = None
    confirmation: str = Field(description="Policy for destructive calls: auto, flag or off.")
    protocol_version: str = Field(description="MCP revision of this call.")
    last_error: LastError | SkipJsonSchema[None] = Field(
        default=None, description="Last refused request since sign-in."
    )
    last_sign_in_error: LastError | SkipJsonSchema[None] = Field(
        default=None, description="When the tenant last did not accept the user."
    )


@TOOLSET.tool("Sign in", CHANGE, changes=_SESSION)
async def authenticate_user(ctx: ToolContext, username: Username, password: Password) -> User:
    """Sign in with user name and password; later calls act as this user.

    Ask the person for them only if get_session shows that nobody is signed in.
    """
    await ctx.session.sign_in(username, password)
    return await _current_user(ctx)


@TOOLSET.tool("Sign up", CREATE, changes=_SESSION)
async def signup_user(ctx: ToolContext, username: Username, password: Password) -> User:
    """Create a user and sign in as it; later calls act as this user."""
    await ctx.session.sign_in(username, password, new=True)
    return await _current_user(ctx)


@TOOLSET.tool("Get user", READ)
async def get_user(ctx: ToolContext) -> User:
    """Show the signed-in user."""
    return await _current_user(ctx)


@TOOLSET.tool("Configure session", CHANGE, changes=_SESSION)
async def configure_session(
    ctx: ToolContext,
    base_url: Annotated[str, Field(description="An allowed tenant, or `sandbox`.")] = "",
    access_token: Annotated[
        SecretStr | SkipJsonSchema[None], Field(description="A user's access token.")
    ] = None,
) -> SessionFacts:
    """Change the tenant or the access token for later calls.

    Another tenant drops all credentials of the present one. Only tenants the operator allowed.
    """
    await ctx.session.configure(base_url, access_token)
    return await _session_facts(ctx)


@TOOLSET.tool("Get session", READ)
async def get_session(ctx: ToolContext) -> SessionFacts:
    """Show tenant, user, how the session is signed in, when the token expires, and last errors.

    Call it first when calls are refused.
    """
    return await _session_facts(ctx)


@TOOLSET.resource("appmixer://session", "Session")
async def session(ctx: ToolContext) -> SessionFacts:
    """What get_session shows: tenant, user, how the session is signed in, and last errors."""
    return await _session_facts(ctx)


async def _current_user(ctx: ToolContext) -> User:
    user = await (await ctx.client()).users.get_user()
    return User(
        user_id=user.user_id,
        username=user.username,
        email=user.email,
        plan=user.plan,
        scope=user.scope or [],
        is_active=user.is_active,
        created_at=user.created_at,
    )


async def _session_facts(ctx: ToolContext) -> SessionFacts:
    client = await ctx.client()
    session = ctx.session
    user = await _user_name(client)
    expires_at = client.token_expires_at
    return SessionFacts(
        base_url=session.base_url,
        user=user,
        signed_in_with=client.signed_in_with,
        how_to_sign_in=session.how_to_sign_in or None,
        token_expires_at=expires_at,
        token_expired=expires_at and expires_at <= datetime.now(UTC),
        confirmation=ctx.confirmations.policy,
        protocol_version=ctx.protocol_version,
        last_error=_last(session.last_error),
        last_sign_in_error=_last(session.last_sign_in_error),
    )


async def _user_name(client: "AppmixerClient") -> str | None:
    if client.signed_in_with == "nothing":
        return None
    with move_on_after(_LONGEST_WAIT_S):
        try:
            user = await client.users.get_user()
        except AppmixerError:
            return None  # the session has noted why
        return user.username or user.user_id
    return None


def _last(error: AppmixerError | None) -> LastError | None:
    return LastError(message=str(error), status=error.status) if error else None

"""Users of the tenant, for its administrators, and the tenant itself."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, SecretStr
from pydantic.json_schema import SkipJsonSchema

from appmixer_mcp import ids
from appmixer_mcp.cleaning import quoted
from appmixer_mcp.confirmation import Impact
from appmixer_mcp.errors import InputError
from appmixer_mcp.results import Outcome, Result, Text
from appmixer_mcp.toolset import DESTROY, READ, ToolContext, Toolset

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient

TOOLSET = Toolset("users", "The tenant, and its users for administrators.")

UserId = Annotated[ids.UserId, Field(description="The user's id.", min_length=1)]
Words = list[str] | SkipJsonSchema[None]


class ApiFacts(Result):
    """The tenant's API."""

    base_url: str
    name: Text = None
    version: Text = None
    status: Text = None


class UserChanged(Outcome):
    """What became of a user."""

    user_id: Text = None


@TOOLSET.tool("Get API info", READ)
async def get_api_info(ctx: ToolContext) -> ApiFacts:
    """Show that the tenant's API answers, and its version; nobody need be signed in."""
    client = await ctx.client()
    info = await client.system.get_api_info()
    return ApiFacts(
        base_url=ctx.session.base_url, name=info.name, version=info.version, status=info.status
    )


async def _update_impact(
    ctx: ToolContext,
    user_id: ids.UserId,
    username: str,
    email: str,
    password: SecretStr | None,
    scope: list[str] | None,
    vendor: list[str] | None,
) -> Impact:
    """Ask always: it decides who can sign in as whom, and what they may do."""
    name, identity = await _who(await ctx.client(), user_id)
    changes = [
        f"The {what} becomes {quoted(new)}."
        for what, new in (("user name", username), ("e-mail address", email))
        if new
    ]
    if password is not None:
        changes.append("The password changes; the present one is no longer accepted.")
    for what, words in (("roles (scope)", scope), ("vendors", vendor)):
        if words is not None:
            listed = ", ".join(map(quoted, words)) or "none"  # all of them, for any may count most
            changes.append(f"All {what} are then: {listed}.")
    if not changes:
        raise InputError("Nothing to change: give username, email, password, scope or vendor.")
    return Impact(question=f"Change the user {name}?", losses=changes, identity=identity)


@TOOLSET.tool("Update user", DESTROY, preview=_update_impact)
async def update_user(
    ctx: ToolContext,
    user_id: UserId,
    username: Annotated[str, Field(description="A new user name.", max_length=254)] = "",
    email: Annotated[str, Field(description="A new e-mail address.", max_length=254)] = "",
    password: Annotated[
        SecretStr | SkipJsonSchema[None], Field(description="A new password; never shown.")
    ] = None,
    scope: Annotated[Words, Field(description="All roles from now on: user, admin.")] = None,
    vendor: Annotated[
        Words, Field(description="All vendors whose components the user may publish.")
    ] = None,
) -> UserChanged:
    """Change a user's name, password or rights. For administrators; needs the person's yes."""
    given: dict[str, Any] = {"username": username or None, "email": email or None}
    given |= {"scope": scope, "vendor": vendor}
    if password is not None:
        given["password"] = password.get_secret_value()
    changes = {name: value for name, value in given.items() if value is not None}
    await (await ctx.client()).users.update_user(user_id, changes)
    return UserChanged(
        done=True, message=f"Changed the user's {', '.join(changes)}.", user_id=user_id
    )


async def _delete_impact(ctx: ToolContext, user_id: ids.UserId) -> Impact:
    client = await ctx.client()
    name, identity = await _who(client, user_id)
    losses = [
        "All flows of the user, for good; those that run stop",
        "All accounts, stores, files, tasks and charts of the user, for good",
    ]
    if (await client.users.get_user()).user_id == user_id:
        losses.insert(0, "It is the user who is signed in here.")
    return Impact(question=f"Delete the user {name}?", losses=losses, identity=identity)


@TOOLSET.tool("Delete user", DESTROY, preview=_delete_impact)
async def delete_user(ctx: ToolContext, user_id: UserId) -> UserChanged:
    """Delete a user with everything of theirs for good. For administrators; asks first."""
    is_over = await (await ctx.client()).users.delete_user(user_id)
    user = f"the user {quoted(user_id)}"
    return UserChanged(
        done=True,
        message=f"Deleted {user}." if is_over else f"The tenant is deleting {user}.",
        user_id=user_id,
    )


async def _who(client: "AppmixerClient", user_id: ids.UserId) -> tuple[str, dict[str, str]]:
    """Return how to call a user in a question, and what must still hold when it is answered."""
    if client.dialect == "openapi":  # it has no call for one user
        return f"with the id {quoted(user_id)}", {"user_id": user_id}
    user = await client.users.get_user_by_id(user_id)
    identity = {
        "user_id": user_id,
        "username": user.username or "",
        "email": user.email or "",
        "scope": ",".join(user.scope or []),
    }
    return quoted(user.username or user.email or user_id), identity

"""Many messages from one call: the first hundred are sent at once, the others part by part.

A part is sent once the one before it is under way, so that neither other flows nor the tenant's
file have to take them all at once. Those that wait are kept in the component's state.
"""

from uuid import uuid4

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.context import Context, Json

MOST_MESSAGES = 100_000
"""Most messages that one call leads to (ours)."""

_AT_ONCE = 100


def send_in_parts(
    ctx: Context, port: str, contents: list[Json], *, at_the_end: tuple[str, Json] | None = None
) -> None:
    """Send one message for each content, in order; the component needs `on_parts` as on_timeout.

    Args:
        ctx: The context of the call.
        port: Where they are sent from.
        contents: May be empty.
        at_the_end: A port, and what is sent from it after all others.

    Raises:
        ComponentFailedError: There are more than `MOST_MESSAGES` (retry=False).
    """
    if len(contents) > MOST_MESSAGES:
        raise ComponentFailedError(
            f"This would lead to more than {MOST_MESSAGES:,} messages. Split the list or file into "
            "smaller ones.",
            retry=False,
        )
    key = f"parts:{uuid4()}"
    parts = [contents[at : at + _AT_ONCE] for at in range(0, len(contents), _AT_ONCE)]
    for number, part in enumerate(parts[1:], 1):
        ctx.state.set(f"{key}:{number}", part)
    _send(ctx, port, parts[0] if parts else [])
    waiting = {"key": key, "port": port, "number": 1, "count": len(parts)}
    _next(ctx, waiting | {"atTheEnd": at_the_end})


async def on_parts(ctx: Context) -> None:
    """Send the next part."""
    waiting = dict(ctx.content)
    key = f"{waiting['key']}:{waiting['number']}"
    _send(ctx, waiting["port"], ctx.state.get(key, []))
    ctx.state.unset(key)
    _next(ctx, {**waiting, "number": waiting["number"] + 1})


def _next(ctx: Context, waiting: dict[str, Json]) -> None:
    if waiting["number"] < waiting["count"]:
        ctx.set_timeout(waiting, ctx.now, exact=True)
    elif waiting["atTheEnd"]:
        port, content = waiting["atTheEnd"]
        ctx.send(port, content)


def _send(ctx: Context, port: str, contents: list[Json]) -> None:
    for content in contents:
        ctx.send(port, content)

"""Uptime: watches an address and tells when it goes down or comes up again."""

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.clock import to_ms
from appmixer_mcp.sandbox.component import Component, Field, OutPort
from appmixer_mcp.sandbox.context import Context
from appmixer_mcp.sandbox.javascript import to_text

_SERVER_ERROR = 500
_UNITS = {"day": 86_400, "hour": 3600, "minute": 60, "second": 1}


async def _on_tick(ctx: Context) -> None:
    target = to_text(ctx.properties["target"]).strip()
    status = await _status(ctx, target)
    is_up = status is not None and status < _SERVER_ERROR
    if ctx.state.get("isUp") is is_up:
        return
    now_ms = to_ms(ctx.now)
    ctx.state.set("isUp", is_up)
    if is_up:
        down_ms = now_ms - ctx.state.get("downSinceMs", now_ms)
        ctx.send("up", _up(target, down_ms, status))
    else:
        ctx.state.set("downSinceMs", now_ms)
        ctx.send("down", {"target": target, "statusCode": status})


async def _status(ctx: Context, target: str) -> int | None:
    """Return the status that the target answers with, or None when it does not answer."""
    try:
        return (await ctx.request("GET", target)).status
    except ComponentFailedError as error:
        if not error.retry:  # no address, or one that may not be reached
            raise
        return None


async def _sample(ctx: Context) -> None:
    ctx.send("up", _up(to_text(ctx.properties.get("target")), 0, 200))


def _up(target: str, down_ms: int, status: int | None) -> dict[str, str | int | None]:
    return {
        "target": target,
        "downTimeMs": down_ms,
        "downTimeText": _spoken(down_ms // 1000),
        "statusCode": status,
    }


def _spoken(seconds: int) -> str:
    """Return a length of time in its two largest units, such as `2 hours 5 minutes` (ours)."""
    parts: list[str] = []
    for unit, length in _UNITS.items():
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {unit}{'s' * (count > 1)}")
    return " ".join(parts[:2]) or "0 seconds"


COMPONENT = Component(
    type="appmixer.utils.http.Uptime",
    label="Uptime",
    description="Triggers when an address goes down and when it is up again.",
    properties=(Field(name="target", required=True, tooltip="URL that is called once a minute."),),
    out_ports=(
        OutPort(name="up", variables=("target", "downTimeMs", "downTimeText", "statusCode")),
        OutPort(name="down", variables=("target", "statusCode")),
    ),
    on_tick=_on_tick,
    sample=_sample,
)

"""AfterAll: waits until every link to it has brought something, and sends it all as one list.

With one component linked to it, it passes on whatever comes. A round of waiting begins with the
test run, or in a flow without BeforeAll with the first message, and ends with the last link or the
timeout. What comes later in the same test run is dropped (ours).
"""

from collections.abc import Mapping
from datetime import timedelta
from uuid import uuid4

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import number, whole
from appmixer_mcp.sandbox.components._test_run import collected, listen_for_runs, present_run
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.effects import merged

_DEFAULT_TIMEOUT_S = 180
_LONGEST_TIMEOUT_S = 31 * 24 * 3600  # documented as the longest timer


async def _start(ctx: Context) -> None:
    if _collects(ctx):
        listen_for_runs(ctx)


async def _on_event(ctx: Context, run: Json) -> None:
    """Begin the round with the test run, so that one which leads nowhere is told of, too."""
    if run["runId"] == present_run(ctx):
        found = collected(ctx, run["runId"])
        if not found.get("ended"):
            _wait(ctx, found, correlation_id=run["correlationId"])


async def _receive(ctx: Context) -> None:
    if not _collects(ctx):
        ctx.send("out", whole(ctx))
        return
    found = collected(ctx, present_run(ctx))
    if found.get("ended"):
        ctx.log("A message came after the end of the test run and was dropped.")
        return
    arrived: dict[str, Json] = found.setdefault("arrived", {})
    arrived[_key(ctx.sender_id, ctx.sender_port)] = whole(ctx)
    found["outputs"] = merged(found.get("outputs", {}), ctx.outputs)
    links = _links(ctx)
    if all(link in arrived for link in links):
        if "timer" in found:
            ctx.clear_timeout(found["timer"])
        ctx.send("out", [arrived[link] for link in links], outputs=found["outputs"])
        _end(ctx, found)
    else:
        _wait(ctx, found, correlation_id=ctx.correlation_id)


async def _on_timeout(ctx: Context) -> None:
    found = collected(ctx, present_run(ctx))
    if found.get("round") != ctx.content["round"]:  # another round is under way by now
        return
    arrived = found.get("arrived", {})
    timed_out = [name for link, name in _links(ctx).items() if link not in arrived]
    ctx.send(
        "out",
        {"message": "timed out", "timedOutLinks": timed_out},
        correlation_id=found["correlationId"],
        outputs=found.get("outputs", {}),
    )
    _end(ctx, found)


def _wait(ctx: Context, found: dict[str, Json], *, correlation_id: str) -> None:
    if "round" not in found:
        wait_s = min(number("timeout", ctx.properties["timeout"]), _LONGEST_TIMEOUT_S)
        round_id = str(uuid4())
        timer = ctx.set_timeout({"round": round_id}, ctx.now + timedelta(seconds=wait_s))
        found |= {"round": round_id, "timer": timer, "correlationId": correlation_id}
    ctx.state.set("collected", found)


def _end(ctx: Context, found: Mapping[str, Json]) -> None:
    if found["runId"]:
        ctx.state.set("collected", {"runId": found["runId"], "ended": True})
    else:
        ctx.state.unset("collected")


def _collects(ctx: Context) -> bool:
    return len({link.source_id for link in ctx.incoming}) > 1


def _links(ctx: Context) -> dict[str, str]:
    """Return what each link is called, by its key, in the order of the flow."""
    return {
        _key(link.source_id, link.out_port): f"{link.source_label}:{link.out_port}"
        for link in ctx.incoming
    }


def _key(source_id: str, out_port: str) -> str:
    return f"{source_id}:{out_port}"


def _check(properties: Mapping[str, Json]) -> list[str]:
    try:
        timeout_s = number("timeout", properties.get("timeout"))
    except ComponentFailedError as error:
        return [str(error)]
    return [] if timeout_s > 0 else ["timeout must be a number of seconds above 0."]


COMPONENT = Component(
    type="appmixer.utils.test.AfterAll",
    label="After All",
    description="Waits for every component linked to it, and sends what they sent as one list.",
    properties=(
        Field(
            name="timeout",
            type="number",
            required=True,
            default=_DEFAULT_TIMEOUT_S,
            tooltip="Seconds to wait for all of them.",
        ),
    ),
    in_ports=(InPort(),),
    out_ports=(OutPort(),),
    serial=True,
    check=_check,
    start=_start,
    receive=_receive,
    on_timeout=_on_timeout,
    on_event=_on_event,
)

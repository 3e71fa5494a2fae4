"""CallCount: waits for a number of messages and sends them as one list."""

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import number, unusable
from appmixer_mcp.sandbox.components._test_run import collected, present_run
from appmixer_mcp.sandbox.context import Context

_MOST_MESSAGES = 1_000


async def _receive(ctx: Context) -> None:
    wanted = number("callCount", ctx.content.get("callCount"))
    if wanted not in range(1, _MOST_MESSAGES + 1):
        raise unusable("callCount", f"must be a whole number from 1 to {_MOST_MESSAGES}")
    found = collected(ctx, present_run(ctx))
    contents = [*found.get("contents", []), ctx.original_content]
    if len(contents) < wanted:
        ctx.state.set("collected", {**found, "contents": contents})
    else:
        ctx.state.unset("collected")
        ctx.send("out", contents)


COMPONENT = Component(
    type="appmixer.utils.test.CallCount",
    label="Call Count",
    description="Waits for a number of messages and sends what they held as one list.",
    in_ports=(
        InPort(
            fields=(
                Field(
                    name="callCount",
                    type="number",
                    required=True,
                    tooltip="How many messages to wait for; counted anew in each test run.",
                ),
            )
        ),
    ),
    out_ports=(OutPort(),),
    serial=True,
    receive=_receive,
)

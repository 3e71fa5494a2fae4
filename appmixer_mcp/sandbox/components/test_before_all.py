"""BeforeAll: begins a test run."""

from uuid import uuid4

from appmixer_mcp.sandbox.clock import to_ms
from appmixer_mcp.sandbox.component import Component, InPort, OutPort
from appmixer_mcp.sandbox.components._test_run import begin_run
from appmixer_mcp.sandbox.context import Context


async def _receive(ctx: Context) -> None:
    run_id = str(uuid4())
    # Appmixer waits until the others have confirmed; here they see it in the flow's state.
    begin_run(ctx, run_id)
    ctx.send("out", {"now": to_ms(ctx.now), "runId": run_id})


COMPONENT = Component(
    type="appmixer.utils.test.BeforeAll",
    label="Before All",
    description="Begins a test run: After All and Call Count begin anew.",
    in_ports=(InPort(),),
    out_ports=(OutPort(variables=("now", "runId")),),
    receive=_receive,
)

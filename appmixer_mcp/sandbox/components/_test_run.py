"""The test runs that BeforeAll begins in a running flow; the components that collect notice them.

They have nothing to do with the test run of a stopped flow, which is a `TrialRun`.
"""

from appmixer_mcp.sandbox.context import Context, Json

_RUN = "test run"  # of the flow's own state: which run is the present one


def begin_run(ctx: Context, run_id: str) -> None:
    """Begin a test run; whatever is collected for another one is void from now on."""
    ctx.flow_state.set(_RUN, run_id)
    ctx.publish(_topic(ctx), {"runId": run_id, "correlationId": ctx.correlation_id})


def listen_for_runs(ctx: Context) -> None:
    """Have `on_event` called for each test run of the flow."""
    ctx.listen(_topic(ctx))


def present_run(ctx: Context) -> str:
    """Return the id of the present test run; empty in a flow without BeforeAll."""
    run_id: str = ctx.flow_state.get(_RUN, "")
    return run_id


def collected(ctx: Context, run_id: str) -> dict[str, Json]:
    """Return what this component keeps of a test run under the key `collected` of its state.

    It has `runId` and nothing else when there is nothing yet.
    """
    found: dict[str, Json] = ctx.state.get("collected", {})
    return found if found.get("runId") == run_id else {"runId": run_id}


def _topic(ctx: Context) -> str:
    return f"test:{ctx.flow_id}"

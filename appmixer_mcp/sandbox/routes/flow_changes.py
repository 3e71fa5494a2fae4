"""Saved flows changed and deleted with regard to the engine, which may be running them."""

import anyio

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.routes.endpoint import Services
from appmixer_mcp.sandbox.routes.flow_problems import refuse, start_problems
from appmixer_mcp.sandbox.user_flows import FlowChange, FlowShown, UserFlows


async def change_flow(
    services: Services, before: FlowShown, change: FlowChange, *, force: bool
) -> None:
    """Replace parts of a flow.

    A running flow needs force. It then goes on with a new descriptor by being stopped and started,
    so that what was on its way is dropped (ours; no document says what happens).

    Args:
        services: Of the tenant.
        before: The flow as it is.
        change: What is replaced.
        force: Whether a running flow is changed as well.

    Raises:
        InputError: It runs, and is not to be forced; or cannot run with its new descriptor.
    """
    running = before["stage"] == "running"
    if running and not force:
        raise InputError("The flow is running. Stop it first, or send forceUpdate=true.")
    flow_id, restarts = before["flowId"], running and change.descriptor is not None
    if restarts and change.descriptor is not None:
        refuse(start_problems(services, before["userId"], change.descriptor))
    with anyio.CancelScope(shield=True):  # a caller who leaves must not leave it half done
        if restarts:
            await services.engine.stop_flow(flow_id)
        UserFlows(services.database, services.clock, before["userId"]).update(flow_id, change)
        if restarts:
            await services.engine.start_flow(flow_id)


async def remove_flow(services: Services, flow: FlowShown) -> None:
    """Delete a flow with its messages, state, logs and versions; a running one is stopped first."""
    flow_id = flow["flowId"]
    with anyio.CancelScope(shield=True):
        await services.engine.stop_flow(flow_id)
        with services.database.transaction():
            services.engine.delete_flow_data(flow_id)
            UserFlows(services.database, services.clock, flow["userId"]).delete(flow_id)

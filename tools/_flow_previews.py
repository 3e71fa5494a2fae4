"""What changing and deleting a flow would do, said before it is done."""

from collections.abc import Mapping
from typing import Any

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.confirmation import Impact
from appmixer_mcp.descriptor import check_descriptor
from appmixer_mcp.editing import readable_diff
from appmixer_mcp.errors import FlowInvalidError, InputError
from appmixer_mcp.flow_diff import is_same
from appmixer_mcp.ids import FlowId
from appmixer_mcp.journal.states import json_size
from appmixer_mcp.toolset import ToolContext

from ._flow_reading import whole_flow
from ._flow_restoring import deleted_state
from ._flow_writing import RESTARTS, flow_identity, flow_losses
from ._keeping import undo_losses
from ._shared import plural

_MOST_DIFFERENCES = 12


async def update_impact(
    ctx: ToolContext,
    flow_id: FlowId,
    name: str,
    descriptor: dict[str, Any] | None,
    custom_fields: dict[str, Any] | None,
) -> Impact | None:
    """Ask when components go or change type, over half of them change, or the flow runs."""
    if not name and descriptor is None and custom_fields is None:
        raise InputError("Nothing to change: give name, descriptor or custom_fields.")
    if descriptor is not None:
        refuse_unsound(descriptor)
    flow = await whole_flow(await ctx.client(), flow_id)
    losses = await flow_losses(ctx, flow)
    if flow.stage == "running":
        changes = descriptor is not None and not is_same(descriptor, flow.flow)
        losses.append(RESTARTS if changes else "The flow is running, and goes on.")
    if descriptor is not None:
        losses += _descriptor_losses(flow.flow or {}, descriptor)
    if not losses:
        return None
    if descriptor is not None and flow.stage == "running":
        losses += readable_diff(flow.flow or {}, descriptor, most=_MOST_DIFFERENCES, whole=True)
    return Impact(
        question=f"Change the flow {quoted(flow.name)} ({flow.stage})?",
        losses=losses,
        identity=flow_identity(flow, losses),
    )


async def delete_impact(ctx: ToolContext, flow_id: FlowId) -> Impact:
    """Say what would be lost, and what undo_change brings back."""
    client = await ctx.client()
    flow = await client.flows.get_flow(flow_id)
    no_undo = await undo_losses(ctx, json_size(await deleted_state(client, flow)))
    unprocessed = await client.messages.count_unprocessed(flow_id)
    can_undo = ctx.journal is not None and not no_undo
    after = "undo_change brings them back, not its logs" if can_undo else "for good"
    size = plural(len(flow.flow or {}), "component")
    losses = [*no_undo, f"{size} and their configuration: {after}"]
    if flow.stage == "running":
        losses.append("The flow is running; it stops.")
    if unprocessed:
        losses.append(f"{plural(unprocessed, 'unprocessed message')} could not be retried any more")
    return Impact(
        question=f"Delete the flow {quoted(flow.name)} ({flow.stage})?",
        losses=losses,
        identity=flow_identity(flow, losses),
    )


def refuse_unsound(descriptor: dict[str, Any]) -> None:
    """Refuse a descriptor that breaks the rules.

    Raises:
        FlowInvalidError: Names every problem.
    """
    problems = check_descriptor(descriptor)
    if problems:
        raise FlowInvalidError([str(problem) for problem in problems])


def _descriptor_losses(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    def named(component_id: str) -> str:
        entry = before[component_id]
        return f"{quoted(entry.get('label') or entry.get('type'))} ({quoted(component_id)})"

    changed = [one for one in before if one in after and not is_same(before[one], after[one])]
    losses: list[str] = []  # what sums up comes first: of many lines a person sees the first ones
    if len(changed) * 2 > len(before):
        losses.append(f"Changes {len(changed)} of {plural(len(before), 'component')}")
    losses += [f"Removes the component {named(one)}" for one in before if one not in after]
    losses += [
        f"Puts a component of another type in the place of {named(one)}"
        for one in changed
        if before[one].get("type") != after[one].get("type")
    ]
    return losses

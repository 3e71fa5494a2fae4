"""Integrations: templates, and the instances that people have made of them.

Source: the calls are documented by name and shape; what they do in detail is ours. An instance is
made by cloning a template with `isTemplateInstance`, by its owner or by somebody whom it is shared
with for reading; from then on the template's owner can renew it, as long as it is shared.
"""

import logging
from typing import Literal

from pydantic import BaseModel

from appmixer_mcp.errors import AppmixerError, InputError
from appmixer_mcp.sandbox.cloning import clone
from appmixer_mcp.sandbox.jobs import Jobs, JobStatus, Ticket
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint
from appmixer_mcp.sandbox.routes.flow_changes import change_flow, remove_flow
from appmixer_mcp.sandbox.routes.sharing import owned_flow
from appmixer_mcp.sandbox.sharing import grants
from appmixer_mcp.sandbox.user_flows import FlowChange, FlowShown, UserFlows

logger = logging.getLogger(__name__)


class _Renewal(BaseModel):
    inProgressData: Literal["keep", "delete"] = "keep"  # noqa: N815 - the API's name


async def update_integration_instances(call: Call) -> Ticket:
    """Give the instances of a template its present descriptor; done when the ticket is given out.

    Components keep the ids that they have in the instance, and with them their accounts. A running
    instance is stopped and started. `inProgressData: delete` throws unprocessed messages away too.
    A running instance that could not go on so is left as it is; the status says how many there are.
    """
    body = await call.body(_Renewal)
    template = owned_flow(call)
    _require_integration(template)
    instances, failed = _instances(call, template), 0
    for instance in instances:
        try:
            await _renew(call, template, instance, forget=body.inProgressData == "delete")
        except AppmixerError:
            logger.warning("the instance %s was not renewed", instance["flowId"], exc_info=True)
            failed += 1
    # Nothing more is told: the instances may be other people's.
    error = f"{failed} of {len(instances)} instances could not be renewed." if failed else ""
    jobs = _jobs(call)
    ticket = jobs.done(template["flowId"], len(instances), failed=failed, error=error)
    return {"ticket": ticket}


async def delete_integration(call: Call) -> Ticket:
    """Delete an integration, and the caller's own instances of it; those of others stay theirs."""
    flow = owned_flow(call)
    _require_integration(flow)
    own = [one for one in _instances(call, flow) if one["userId"] == call.user.user_id]
    for one in (*own, flow):
        await remove_flow(call.services, one)
    return {"ticket": _jobs(call).done(flow["flowId"], len(own) + 1)}


async def get_integration_status(call: Call) -> JobStatus:
    """Show how far the work on an integration is: done."""
    return _jobs(call).status(call.path("ticket"))


def _require_integration(flow: FlowShown) -> None:
    if not flow.get("type", "").startswith("integration-"):
        raise InputError("The flow is no integration: its type has to begin with integration-.")


def _instances(call: Call, template: FlowShown) -> list[FlowShown]:
    """Return the instances whose owners may still read the template, the oldest first."""
    services, template_id = call.services, template["flowId"]
    rows = services.database.rows(
        "SELECT flow_id, user_id FROM flow"
        " WHERE json_extract(extra_json, '$.templateId') = ? ORDER BY rowid",
        (template_id,),
    )
    return [
        UserFlows(services.database, services.clock, row["user_id"]).one(row["flow_id"])
        for row in rows
        if row["user_id"] == template["userId"] or _reads(call, row["user_id"], template_id)
    ]


def _reads(call: Call, user_id: str, template_id: str) -> bool:
    user = call.services.users.one(user_id)
    found = grants(call.services.database.connection, user, flow_id=template_id)
    return any("read" in grant.permissions for grant in found.values())


async def _renew(call: Call, template: FlowShown, instance: FlowShown, *, forget: bool) -> None:
    known = {
        original: copy
        for original, copy in instance.get("componentIdMap", {}).items()
        if copy in instance["flow"]
    }
    descriptor, component_ids = clone(template["flow"], known)
    change = FlowChange(descriptor=descriptor, extra={"componentIdMap": component_ids})
    await change_flow(call.services, instance, change, force=True)
    if forget:
        with call.services.database.transaction() as connection:
            connection.execute("DELETE FROM unprocessed WHERE flow_id = ?", (instance["flowId"],))


def _jobs(call: Call) -> Jobs:
    return Jobs(call.services.database, call.services.clock, call.user.user_id)


ENDPOINTS = (
    Endpoint(
        "POST", "/integrations/{flowId}/update-integration-instances",
        update_integration_instances, body=_Renewal, answer=Ticket, statuses=(403,),
    ),
    Endpoint(
        "DELETE", "/integrations/{flowId}", delete_integration, answer=Ticket, statuses=(403,)
    ),
    Endpoint("GET", "/integrations/status/{ticket}", get_integration_status, answer=JobStatus),
)  # fmt: skip

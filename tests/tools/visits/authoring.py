"""Calls every tool that helps to write flows, and those about components."""

from tests.tools.conftest import ECHO
from tests.tools.touring import LONG, NAME

CRM = "acme.crm.contacts.Create"
MANIFEST = {
    "name": CRM,
    "label": NAME,
    "description": LONG,
    "inPorts": [
        {
            "name": "in",
            "inspector": {
                "inputs": {f"field{n}": {"type": "text", "label": LONG} for n in range(6)}
            },
        }
    ],
    "outPorts": ["out"],
    "auth": {"service": "acme:crm"},
}
CUT = [
    "get_component", "get_component_options", "get_flow_guide", "get_flow_variables", "list_apps",
    "list_components", "list_modifiers", "search_components", "test_flow", "test_modifier",
    "validate_flow",
]  # fmt: skip


async def visit(tour):
    await visit_components(tour)
    await visit_flow(tour)
    await visit_modifiers(tour)


async def visit_components(tour):
    for pattern in ("no such app", ""):
        await tour("list_apps", pattern=pattern)
    await tour("list_components", pattern="no such component")
    await tour.confirmed("publish_component", manifest=MANIFEST)
    await tour("list_components")
    await tour("list_components", app="acme.crm")
    for query in ("xyzzy", "make a contact"):
        await tour("search_components", query=query)
    await tour("get_component", component_type=CRM)
    scheduler = {"component_type": "appmixer.utils.timers.Scheduler", "field": "timezone"}
    await tour("get_component_options", **scheduler, pattern="no such zone")
    await tour("get_component_options", **scheduler)


async def visit_flow(tour):
    needy = {f"crm {number}": {"type": CRM, "label": NAME, "source": {}} for number in range(6)}
    flow_id = (await tour("create_flow", name="Needy", descriptor=needy))["flow_id"]
    await tour("validate_flow", flow_id=flow_id)
    await tour("get_flow_variables", flow_id=flow_id)
    account = await tour("create_account", service="acme:crm", token={"key": "k"})
    for account_id in (account["account_id"], ""):
        await tour("assign_account", flow_id=flow_id, component="crm 0", account_id=account_id)
    descriptor = ECHO | {"hook": ECHO["hook"] | {"label": NAME}}
    echo = (await tour("create_flow", name="Echo", descriptor=descriptor))["flow_id"]
    await tour("get_flow_variables", flow_id=echo)
    await tour("test_flow", flow_id=echo, payload={"text": LONG})
    await tour.confirmed("delete_component", selector="acme.crm")


async def visit_modifiers(tour):
    for pattern in ("no such modifier", ""):
        await tour("list_modifiers", pattern=pattern)
    await tour("test_modifier", name="g_uppercase", value=LONG)
    for section in ("", "webhooks"):
        await tour("get_flow_guide", section=section)

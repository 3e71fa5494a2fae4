"""Calls every tool of the group `transfer`."""

import httpx2

from appmixer_mcp.api import AppmixerClient
from tests.tools.conftest import BASE_URL, ECHO
from tests.tools.profiles import profiles_of
from tests.tools.touring import LONG

CUT = ["export_flow"]
EVE = {"username": "eve@example.com", "password": "secret-of-eve"}


def options(tenant, directory):
    return {"profiles": profiles_of(tenant, directory, base_url=BASE_URL, **EVE)}


async def visit(tour):
    async with AppmixerClient(
        BASE_URL, transport=httpx2.ASGITransport(app=tour.tenant.app)
    ) as client:
        await client.users.signup_user(EVE["username"], EVE["password"])
    made = await tour("create_flow", name="Echo", descriptor=ECHO, custom_fields={"text": LONG})
    flow_id = made["flow_id"]
    document = {"name": "Echo", "descriptor": ECHO}

    await tour("export_flow", flow_id=flow_id)
    await tour("import_flow", document=document)
    unanswered = {"name": "Echo", "descriptor": {"hook": ECHO["hook"]}}
    await tour.confirmed("import_flow", document=unanswered, flow_id=flow_id)
    await tour.confirmed("copy_flow_to", flow_id=flow_id, profile="there")

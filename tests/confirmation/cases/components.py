"""Publishing components, and uninstalling them."""

from typing import Any

from tests.confirmation.case import Api, Arguments, Case

CRM = "acme.crm.contacts.Create"
MANIFEST = {"name": CRM, "label": "Create", "outPorts": ["out"]}


async def _published(api: Api) -> Arguments:
    await api.post("/components", MANIFEST)
    return {"selector": "acme.crm"}


async def _manifest(api: Api) -> Arguments:
    await api.post("/components", MANIFEST)
    return {"manifest": MANIFEST | {"label": "Make"}}


async def _labels(api: Api, _arguments: Arguments) -> Any:
    return (await api.client.components.get_component(CRM)).label


CASES = (
    Case("publish_component", _manifest, _labels, "Create", "Make"),
    Case("delete_component", _published, _labels, "Create"),
)

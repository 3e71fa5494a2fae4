"""Documents over flows, and copies to another tenant, which here is another user's."""

from typing import Any
from uuid import uuid4

from appmixer_mcp.api import AppmixerClient
from appmixer_mcp.ids import FlowId
from appmixer_mcp.profiles import Profiles
from tests.confirmation.case import ON_START, Api, Arguments, Case
from tests.serving import PASSWORD

PROFILE = """\
[profiles.bob]
base_url = "{}"
access_token = "{}"
"""


async def _document(api: Api) -> Arguments:
    document = {"name": "Document", "descriptor": {"a": ON_START}}
    return await api.make_flow() | {"document": document}


async def _components(api: Api, arguments: Arguments) -> Any:
    return (await api.flow(FlowId(arguments["flow_id"])))[2]


async def _profile(api: Api) -> Arguments:
    """Make a flow, and a profile of Bob's where servers look for profiles."""
    profiles = Profiles()
    if "bob" not in profiles.names():
        async with AppmixerClient(api.url) as client:
            made = await client.users.signup_user(f"bob-{uuid4()}@example.com", PASSWORD)
        profiles.file.parent.mkdir()
        profiles.file.touch(mode=0o600)
        profiles.file.write_text(PROFILE.format(api.url, made.token.get_secret_value()))
    return await api.make_flow(f"Flow {uuid4()}") | {"profile": "bob"}


async def _copies(api: Api, arguments: Arguments) -> Any:
    name = (await api.flow(FlowId(arguments["flow_id"])))[0]
    async with await Profiles().open("bob") as client:
        return await client.flows.count_flows(pattern=name)


CASES = (
    Case("import_flow", _document, _components, ["a", "b"], ["a"]),
    Case("copy_flow_to", _profile, _copies, 0, 1),
)

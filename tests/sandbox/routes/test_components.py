"""The component types of the tenant."""

from dataclasses import replace

import httpx2

from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import Client

ON_START = "appmixer.utils.controls.OnStart"


async def test_the_types_are_listed_to_anybody(visitor: Client) -> None:
    types = (await visitor.get("/components")).json()

    assert ON_START in types
    assert "appmixer.utils.http.Get" in types


async def test_manifests_tell_ports_and_fields(visitor: Client) -> None:
    manifests = (await visitor.get("/components", params={"manifest": "yes"})).json()

    by_name = {manifest["name"]: manifest for manifest in manifests}
    condition = by_name["appmixer.utils.controls.Condition"]
    assert [port["name"] for port in condition["outPorts"]] == ["true", "false"]
    assert "expression" in condition["inPorts"][0]["inspector"]["inputs"]
    assert by_name[ON_START]["trigger"] is True


async def test_a_selector_narrows_the_list(visitor: Client) -> None:
    async def found(selector: str) -> list[str]:
        return list((await visitor.get("/components", params={"selector": selector})).json())

    assert await found(ON_START) == [ON_START]
    assert ON_START in await found("appmixer.utils.controls")
    assert await found("appmixer.utils.controls") == await found("appmixer.utils.controls.*")
    assert "appmixer.utils.http.Get" not in await found("appmixer.utils.controls")
    assert await found("appmixer.utils.cont") == []


async def test_the_other_dialect_lists_names_and_labels(
    config: TenantConfig, clock: ManualClock
) -> None:
    async with Tenant(replace(config, dialect="openapi"), clock) as tenant:
        transport = httpx2.ASGITransport(tenant.app)
        async with Client(transport=transport, base_url=config.public_url) as client:
            listed = (await client.get("/components", params={"selector": ON_START})).json()

    assert listed[0]["name"] == ON_START
    assert listed[0]["label"]

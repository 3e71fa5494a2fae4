"""Apps, component types and bundles of the tenant itself."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest

from appmixer_mcp import __version__
from appmixer_mcp.sandbox import components
from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import Client, problem

ON_START = "appmixer.utils.controls.OnStart"


@pytest.fixture
async def stranger(config: TenantConfig, clock: ManualClock) -> AsyncIterator[Client]:
    """A visitor of a tenant that speaks the other dialect."""
    async with Tenant(replace(config, dialect="openapi"), clock) as tenant:
        transport = httpx2.ASGITransport(tenant.app)
        async with Client(transport=transport, base_url=config.public_url) as client:
            yield client


async def test_the_types_are_listed_to_anybody(visitor: Client) -> None:
    types = (await visitor.get("/components")).json()

    assert ON_START in types
    assert "appmixer.utils.http.Get" in types
    assert types == sorted(types)


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


async def test_private_components_are_in_no_users_list(ann: Client) -> None:
    private = {one.type for one in components.every() if one.private}

    listed = set((await ann.get("/components")).json())

    assert listed == {one.type for one in components.every()} - private


async def test_the_apps_are_the_modules_with_a_component(visitor: Client) -> None:
    apps = (await visitor.get("/apps")).json()

    types = (await visitor.get("/components")).json()
    assert set(apps) == {one.rpartition(".")[0] for one in types}
    assert apps["appmixer.utils.controls"]["label"] == "Flow Controls"
    assert all(name == app["name"] and app["description"] for name, app in apps.items())


async def test_the_components_of_an_app_are_listed_with_their_manifests(ann: Client) -> None:
    async def found(app: str) -> list[str]:
        answer = await ann.get("/apps/components", params={"app": app})
        return [one["name"] for one in answer.raise_for_status().json()]

    everything = (await ann.get("/components")).json()
    controls = (await ann.get("/components?selector=appmixer.utils.controls")).json()
    utilities = [one for one in everything if one.startswith("appmixer.utils.")]
    assert await found("appmixer.utils") == utilities
    assert await found("appmixer.utils.controls") == controls


async def test_an_app_must_be_named_and_known(ann: Client, visitor: Client) -> None:
    assert problem(await ann.get("/apps/components"))[0] == 400
    assert problem(await ann.get("/apps/components?app=appmixer.slack"))[0] == 404
    assert problem(await visitor.get("/apps/components?app=appmixer.utils"))[0] == 401


async def test_each_module_of_the_tenants_own_components_is_a_bundle(ann: Client) -> None:
    bundles = {one["bundleId"]: one["version"] for one in (await ann.get("/bundles")).json()}

    # The command-line tool looks for each type there, without its last part, before a transfer.
    types = (await ann.get("/components")).json()
    assert set(bundles) == {one.rpartition(".")[0] for one in types}
    assert set(bundles.values()) == {__version__}


async def test_the_other_dialect_lists_names_and_labels(stranger: Client) -> None:
    listed = (await stranger.get("/components", params={"selector": ON_START})).json()
    manifests = await stranger.get("/components", params={"selector": ON_START, "manifest": "yes"})

    assert listed == [{"name": ON_START, "label": "On Flow Start", "type": ON_START}]
    assert manifests.json()[0]["outPorts"]


async def test_the_other_dialect_has_a_list_of_apps(stranger: Client) -> None:
    apps = (await stranger.get("/apps")).json()

    assert "appmixer.utils.http" in [app["name"] for app in apps]


@pytest.mark.parametrize("query", ["manifest=maybe", "private=maybe"])
async def test_what_is_neither_yes_nor_no_is_refused(ann: Client, query: str) -> None:
    # Who is no administrator is asked to send sense, too.
    assert problem(await ann.get(f"/components?{query}"))[0] == 400

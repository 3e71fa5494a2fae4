"""What the client knows of the gateways through which flows offer tools."""

from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from appmixer_mcp.api import AppmixerClient
from appmixer_mcp.api.models.gateways import Gateway
from appmixer_mcp.errors import InputError

if TYPE_CHECKING:
    from .conftest import Backend

WHERE = "/plugins/appmixer/ai/mcptools/gateways"


async def test_gateways_are_listed_with_what_they_offer(
    client: AppmixerClient, backend: "Backend"
) -> None:
    function = {"name": "ask", "description": "Asks.", "parameters": {"type": "object"}}
    told: list[Any] = [
        {"flowId": "f", "componentId": "c", "webhook": "https://a.example/x", "tools": [
            {"type": "function", "function": function}, {"type": "other"}
        ]},
        {},
    ]  # fmt: skip
    backend.will(httpx2.Response(200, json=told))

    found = await client.gateways.list_gateways()

    assert found is not None
    assert [(one.flow_id, one.component_id, one.webhook) for one in found] == [
        ("f", "c", "https://a.example/x"),
        (None, None, None),
    ]
    assert [one.function and one.function.model_dump() for one in found[0].tools] == [
        function,
        None,
    ]
    assert backend.requests[0].url.path == WHERE


async def test_a_tenant_without_the_plugin_has_no_gateways(
    client: AppmixerClient, backend: "Backend"
) -> None:
    backend.will(httpx2.Response(404, json={"statusCode": 404, "error": "x", "message": "y"}))

    assert await client.gateways.list_gateways() is None


async def test_the_openapi_dialect_has_no_gateways() -> None:
    async with AppmixerClient("https://tenant.example", dialect="openapi") as client:
        with pytest.raises(InputError, match="list_gateways"):
            await client.gateways.list_gateways()


OWN = "https://tenant.example/api/flows/f%201/components/c"


@pytest.mark.parametrize(
    "webhook", [OWN, "https://TENANT.example:443/api/flows/f%201/components/c"]
)
async def test_a_gateway_is_here_if_it_names_the_address_of_its_own_component(
    webhook: str,
) -> None:
    assert await is_here(webhook)


@pytest.mark.parametrize(
    "webhook",
    [
        OWN.replace("https", "http"),
        OWN.replace("tenant", "user@tenant"),
        OWN.replace("tenant", "evil"),
        OWN.replace("/api", ""),
        f"{OWN}?a=b",
        f"{OWN}/../d",
        "https://[/",
        "",
        None,
    ],
)
async def test_a_gateway_that_names_another_address_is_not_here(webhook: str | None) -> None:
    assert not await is_here(webhook)


async def is_here(webhook: str | None) -> bool:
    gateway = Gateway.model_validate({"flowId": "f 1", "componentId": "c", "webhook": webhook})
    async with AppmixerClient("https://tenant.example/api") as client:
        return client.gateways.is_of_this_tenant(gateway)

"""Component types, and what keeps a flow from starting: in both dialects."""

from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from appmixer_mcp.api import AppmixerClient, Dialect, FlowId
from appmixer_mcp.errors import ForbiddenError, NotFoundError, UnexpectedAnswerError

if TYPE_CHECKING:
    from .conftest import Backend

GET = "appmixer.utils.http.Get"
FLOW = FlowId("f1")


@pytest.mark.parametrize(
    ("dialect", "answer", "labels"),
    [
        ("appmixer", [GET, "acme.crm.contacts.Create"], [None, None]),
        (
            "openapi",
            [
                {"name": GET, "label": "GET", "type": GET},
                {"name": "Create", "type": "acme.crm.contacts.Create"},
            ],
            ["GET", None],
        ),
    ],
)
async def test_component_types_are_listed(
    dialect: Dialect, answer: Any, labels: list[str | None], backend: "Backend"
) -> None:
    backend.will(httpx2.Response(200, json=answer))

    found = await backend.client(dialect=dialect).components.list_components()

    assert backend.sent == ["GET /components"]
    assert [one.component_type for one in found] == [GET, "acme.crm.contacts.Create"]
    assert [one.label for one in found] == labels


async def test_a_component_is_read_with_all_that_its_manifest_says(
    backend: "Backend", client: AppmixerClient
) -> None:
    manifest = {"name": GET, "label": "GET", "inPorts": ["in", {"name": "x"}], "quota": {"a": None}}
    backend.will(httpx2.Response(200, json=[{"name": f"{GET}ter"}, manifest]))

    found = await client.components.get_component(GET)

    assert backend.sent == [f"GET /components?manifest=yes&selector={GET}"]
    assert found.label == "GET"
    assert found.model_dump(mode="json", by_alias=True, exclude_unset=True) == manifest


@pytest.mark.parametrize("status", [200, 404])
async def test_a_component_that_the_tenant_does_not_have_is_not_found(
    status: int, backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(httpx2.Response(status, json=[] if status == 200 else {"statusCode": 404}))

    with pytest.raises(NotFoundError, match=r"acme\.no\.such\.Thing.*get_flow"):
        await client.components.get_component("acme.no.such.Thing")


@pytest.mark.parametrize(
    "component_type", ["", "appmixer", "appmixer.*", "a.b.c", "a.b.c.*", "a.b.c.d.e"]
)
async def test_what_is_no_component_type_is_not_asked_for(
    component_type: str, backend: "Backend", client: AppmixerClient
) -> None:
    with pytest.raises(NotFoundError, match=r"vendor\.service\.module\.Component"):
        await client.components.get_component(component_type)

    assert backend.sent == []


async def test_what_keeps_a_flow_from_starting_is_told_by_component(
    backend: "Backend", client: AppmixerClient
) -> None:
    errors = [
        {"componentId": "c1", "errors": [{"message": "m", "keyword": "required", "x": 1}]},
        {"componentId": "", "errors": [{"message": "n"}]},
    ]
    backend.will(httpx2.Response(200, json={"errors": errors}))

    found = await client.flows.validate_flow(FLOW)

    assert backend.sent == ["GET /flows/f1/validate"]
    assert found is not None
    assert [(one.component_id, one.errors[0].message, one.errors[0].keyword) for one in found] == [
        ("c1", "m", "required"),
        ("", "n", None),
    ]


async def test_a_tenant_that_cannot_check_a_flow_is_no_failure(
    backend: "Backend", client: AppmixerClient
) -> None:
    failures: list[object] = []
    client.on("error", failures.append)
    backend.will(httpx2.Response(404, json={"statusCode": 404, "error": "Not Found"}))

    assert await client.flows.validate_flow(FLOW) is None
    assert failures == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx2.Response(403, json={"statusCode": 403}), ForbiddenError),
        (httpx2.Response(200, json={"valid": True}), UnexpectedAnswerError),
    ],
)
async def test_a_check_that_is_refused_or_not_understood_is_an_error(
    answer: httpx2.Response,
    error: type[Exception],
    backend: "Backend",
    client: AppmixerClient,
) -> None:
    backend.will(answer)

    with pytest.raises(error):
        await client.flows.validate_flow(FLOW)

"""Calls about components and flows in the making: what is sent, and what is understood."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from appmixer_mcp.api import AccountId, AppmixerClient, ComponentId, FlowId
from appmixer_mcp.errors import InputError, UnavailableError, UnexpectedAnswerError

if TYPE_CHECKING:
    from appmixer_mcp.api.models.authoring import RunEvent

    from .conftest import Backend

FLOW, COMPONENT = FlowId("f1"), ComponentId("c1")
RUN = (
    b": keep alive\r\n\r\nevent: test:start\ndata: {}\n\n"
    b'event: component:output\ndata: {"componentId": "c1", "port": "out", "data": {"a": 1}}\n\n'
    b"event: new:kind\ndata: no JSON\n\n"
    b'event: test:done\ndata: {"status": "completed"}\n\nevent: late\ndata: {}\n\n'
)
Method = Callable[[AppmixerClient], Awaitable[object]]

ROWS: list[tuple[Method, str, Any, Any, Any]] = [
    (
        lambda client: client.authoring.fetch_variables(FLOW, [COMPONENT]),
        "POST /variables/f1/fetch",
        {"flow": False, "components": {"IDs": ["c1"]}},
        {"components": {"c1": {"links": {}}}},
        ["c1"],
    ),
    (
        lambda client: client.authoring.list_modifiers(),
        "GET /modifiers",
        None,
        {"categories": {}, "modifiers": {"g_a": {"helperFn": "x", "new": 1}}},
        ["g_a"],
    ),
    (
        lambda client: client.authoring.test_modifier("g_add", [1, 2]),
        "POST /modifiers/test",
        {"helperFn": "g_add", "arguments": [1, 2]},
        3,
        3,
    ),
    (
        lambda client: client.components.call_component("a.b.c.D", "out", properties={"p": 1}),
        "POST /component/a/b/c/D?outPort=out",
        {"properties": {"p": 1}, "messages": {}},
        [1],
        [1],
    ),
    (
        lambda client: client.components.list_apps(),
        "GET /apps",
        None,
        {"a.b": {"label": "B"}},
        ["a.b"],
    ),
    (
        lambda client: client.components.publish_components({"name": "a.b.c.D"}, replace_all=True),
        "POST /components?replaceAll=true",
        {"name": "a.b.c.D"},
        {"ticket": "t1"},
        "t1",
    ),
    (
        lambda client: client.accounts.assign_account(COMPONENT, AccountId("a1")),
        "PUT /auth/component/c1/a1",
        {},
        {"accountId": "a1"},
        None,
    ),
    (
        lambda client: client.accounts.unassign_account(COMPONENT),
        "DELETE /auth/component/c1",
        None,
        {},
        None,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=[row[1] for row in ROWS])
async def test_a_call_sends_and_means_what_is_documented(
    row: tuple[Method, str, Any, Any, Any], backend: "Backend", client: AppmixerClient
) -> None:
    method, sent, body, answer, means = row
    backend.will(httpx2.Response(200, json=answer))

    found = await method(client)

    assert (backend.sent, backend.bodies) == ([sent], [body])
    assert _plain(found) == means


def _plain(found: Any) -> Any:
    """Return what tells an answer from another one: names instead of models."""
    if hasattr(found, "components"):
        return list(found.components)
    if isinstance(found, dict):
        return list(found)
    return [getattr(one, "name", one) for one in found] if isinstance(found, list) else found


async def test_a_test_run_is_heard_event_by_event_until_it_is_over(
    backend: "Backend", client: AppmixerClient
) -> None:
    heard: list[tuple[str, RunEvent]] = []
    backend.will(httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=RUN))

    there = await client.authoring.test_flow(
        FLOW, COMPONENT, lambda name, event: heard.append((name, event)), payload={}, timeout_s=5
    )

    assert there
    assert backend.bodies == [{"componentId": "c1", "options": {"timeout": 5000}, "payload": {}}]
    names = [name for name, _ in heard]
    assert names == ["test:start", "component:output", "new:kind", "test:done"]
    assert (heard[1][1].component_id, heard[1][1].data) == ("c1", {"a": 1})


async def test_a_tenant_without_test_runs_and_modifiers_is_no_failure(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(httpx2.Response(404, json={"statusCode": 404}))

    assert not await client.authoring.test_flow(FLOW, COMPONENT, lambda *_: None)
    assert await client.authoring.list_modifiers() is None


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx2.Response(200, json={}), UnexpectedAnswerError),
        (httpx2.Response(400, json={"statusCode": 400, "message": "No."}), InputError),
        (httpx2.ReadError("gone"), UnavailableError),
    ],
)
async def test_a_test_run_that_nobody_can_follow_is_an_error_and_not_repeated(
    answer: Any, error: type[Exception], backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(answer)

    with pytest.raises(error):
        await client.authoring.test_flow(FLOW, COMPONENT, lambda *_: None)

    assert len(backend.requests) == 1

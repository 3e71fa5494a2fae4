"""Transforms that are resolved off the event loop, as they come to pass in a running flow."""

import pytest

from appmixer_mcp.sandbox.context import Json
from tests.sandbox.harness import SOURCE, Library, Run, Sandbox, entry, library_of, passes, probe

PASS = "test.engine.probe.Pass"


@pytest.fixture
def library() -> Library:
    return library_of(probe("Pass", passes))


async def send(sandbox: Sandbox, text: str, data: Json) -> Run:
    """Run a flow whose second component has one field, with this text, and call its webhook."""
    flow = {"s": entry(SOURCE.type), "p": entry(PASS, "s", fields={"field": text})}
    run = await sandbox.run(flow)
    await run.call("s", data, enqueue_only=True)
    return run


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{{{jsonata $.s.out '$sum(n)'}}}", 6),
        ("{{{jsonPath $.s.out 'n[?(@ > 1)]'}}}", [2, 3]),
        ("{{{regex (flowName) '^T'}}}", ["T"]),
        ("{{{jsonata (customFields) '$count($keys($))'}}}", 0),
    ],
)
async def test_slow_modifiers_work_in_a_running_flow(
    sandbox: Sandbox, text: str, result: Json
) -> None:
    run = await send(sandbox, text, {"n": [1, 2, 3]})

    assert run.received("p") == [{"field": result}]


async def test_work_without_bounds_fails_the_message_for_good(sandbox: Sandbox) -> None:
    run = await send(sandbox, "{{{regex $.s.out '(a+)+$'}}}", "a" * 90_000 + "!")

    assert "takes too long" in run.errors("p")[0]["message"]
    assert len(run.unprocessed()) == 1
    assert run.queued() == []

"""Counter: a number that goes up with each message."""

import pytest

from appmixer_mcp.sandbox.context import Json
from tests.sandbox.harness import Library, Run, Sandbox, entry, library_of


@pytest.fixture
def library() -> Library:
    return library_of()


async def counting(sandbox: Sandbox, **properties: Json) -> Run:
    return await sandbox.run(
        {
            "item": entry("test.engine.probe.Source"),
            "again": entry("test.engine.probe.Source"),
            "counter": entry(
                "controls.Counter",
                ("item", "out", "item"),
                ("again", "out", "reset"),
                properties=properties,
            ),
        }
    )


async def send(run: Run, component_id: str, data: Json = None) -> None:
    await run.call(component_id, data, enqueue_only=True)


def counts(run: Run) -> list[float]:
    return [one["count"] for one in run.sent("counter", "count")]


async def test_the_counter_adds_its_increment_with_each_message(sandbox: Sandbox) -> None:
    run = await counting(sandbox, count=10, increment="-2.5")

    for _ in range(3):
        await send(run, "item")

    assert counts(run) == [7.5, 5, 2.5]


async def test_a_reset_sets_it_back_and_sends_nothing(sandbox: Sandbox) -> None:
    run = await counting(sandbox)

    for component_id, data in (
        ("item", None), ("again", {"count": 40}), ("item", None), ("again", {}), ("item", None),
    ):  # fmt: skip
        await send(run, component_id, data)

    assert counts(run) == [1, 41, 1]


async def test_a_new_start_counts_anew(sandbox: Sandbox) -> None:
    run = await counting(sandbox)
    await send(run, "item")

    await run.stop()
    await run.start()
    await send(run, "item")

    assert counts(run) == [1, 1]


@pytest.mark.parametrize("properties", [{"count": "many"}, {"increment": "x"}])
async def test_what_is_no_number_keeps_the_flow_from_starting(
    sandbox: Sandbox, properties: dict[str, Json]
) -> None:
    problems = sandbox.engine.validate(
        {
            "start": entry("controls.OnStart"),
            "counter": entry("controls.Counter", ("start", "out", "item"), properties=properties),
        }
    )

    assert "must be a number" in problems[0].message

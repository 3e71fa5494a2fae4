"""Digest: entries that are collected and sent together."""

import json
from datetime import timedelta

import pytest

from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.files import UserFiles
from tests.sandbox.harness import USER_ID, Library, Run, Sandbox, entry, library_of


@pytest.fixture
def library() -> Library:
    return library_of()


async def collecting(sandbox: Sandbox, *entries: Json, **properties: Json) -> Run:
    run = await sandbox.run(
        {
            "source": entry("test.engine.probe.Source"),
            "digest": entry(
                "controls.Digest",
                "source",
                properties=properties,
                fields={"entry": "{{{$.source.out}}}"},
            ),
        }
    )
    for one in entries:
        await run.call("source", one, enqueue_only=True)
    return run


async def test_entries_are_sent_when_there_are_enough_and_collected_anew(sandbox: Sandbox) -> None:
    run = await collecting(sandbox, "a", {"b": 1}, "c", threshold=2)

    assert run.sent("digest") == [{"entries": ["a", {"b": 1}], "count": 2}]
    assert run.state("digest") == {"entry:0": "c", "count": 1}


async def test_entries_are_sent_when_the_schedule_says_so(sandbox: Sandbox) -> None:
    run = await collecting(sandbox, "a", "b", minute="0", hour="9")

    await run.turn(timedelta(minutes=59).total_seconds())
    before = run.sent("digest")
    await run.turn(60)
    await run.turn(timedelta(days=1).total_seconds())

    assert before == []
    assert run.sent("digest") == [{"entries": ["a", "b"], "count": 2}]


async def test_a_schedule_waits_for_the_threshold(sandbox: Sandbox) -> None:
    run = await collecting(sandbox, "a", threshold=3, minute="0")

    await run.turn(3600)

    assert run.sent("digest") == []
    assert run.state("digest")["count"] == 1


async def test_a_call_of_its_webhook_sends_what_there_is(sandbox: Sandbox) -> None:
    run = await collecting(sandbox, "a", threshold=5)

    answer = await run.call("digest")
    await run.call("digest")

    assert json.loads(answer.body) == {"count": 1}
    assert run.sent("digest") == [{"entries": ["a"], "count": 1}]


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("first", [{"entry": "a", "index": 0, "count": 2}]),
        (
            "object",
            [{"entry": "a", "index": 0, "count": 2}, {"entry": "b", "index": 1, "count": 2}],
        ),
    ],
)
async def test_the_output_type_says_what_is_sent(
    sandbox: Sandbox, kind: str, sent: list[Json]
) -> None:
    run = await collecting(sandbox, "a", "b", threshold=2, outputType=kind)

    assert run.sent("digest") == sent


async def test_a_file_has_the_columns_of_the_first_entry(sandbox: Sandbox) -> None:
    rows = ({"tea": 'say "oolong"', "price": 2}, '{"price": 3, "tea": "sencha", "new": 1}')

    run = await collecting(sandbox, *rows, threshold=2, outputType="file")

    (told,) = run.sent("digest")
    content = UserFiles(sandbox.database, sandbox.clock, USER_ID).read(told["fileId"])
    assert told["count"] == 2
    assert content == b'"tea","price"\n"say ""oolong""","2"\n"sencha","3"\n'


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"threshold": 0}, "threshold"),
        ({"threshold": "many"}, "threshold"),
        ({"minute": "61"}, "cron expression"),
        ({"minute": "0", "timezone": "Europe/Atlantis"}, "Europe/Atlantis"),
        ({"outputType": "list"}, "outputType"),
    ],
)
async def test_a_digest_that_cannot_be_keeps_the_flow_from_starting(
    sandbox: Sandbox, properties: dict[str, Json], says: str
) -> None:
    problems = sandbox.engine.validate(
        {
            "start": entry("controls.OnStart"),
            "digest": entry("controls.Digest", "start", properties=properties),
        }
    )

    assert says in problems[0].message

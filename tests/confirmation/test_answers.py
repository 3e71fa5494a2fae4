"""Answers that come with a call of their own: each serves once, for the call it was given to."""

import anyio
import pytest
from mcp.server.request_state import RequestStateSecurity

from appmixer_mcp.state import MemoryState
from tests.confirmation.wire import NO, YES, outcome, wired

KEYS = RequestStateSecurity(keys=[b"k" * 32])
RECORDS = {"j": "1", "k": "2"}


@pytest.fixture
async def records(api):
    """Arguments that delete two records, and can delete them again once they are written anew."""
    return await api.make_store(**RECORDS) | {"keys": list(RECORDS)}


async def left(api, records):
    return (await api.store(records["store_id"]))[1]


async def test_a_yes_that_is_sent_again_does_nothing_more(api, connect, records):
    async with connect("today") as wire:
        asked = await wire.begin("delete_store_items", records)
        first = outcome(await asked.answered(YES))
        await api.write(records["store_id"], **RECORDS)
        second = outcome(await asked.answered(YES))

    assert [first["done"], second["done"]] == [True, False]
    assert "served already" in second["next_step"]
    assert await left(api, records) == RECORDS


async def test_of_many_yeses_at_the_same_instant_one_acts(connect, records):
    async with connect("today") as wire:
        asked = await wire.begin("delete_store_items", records)
        calls = [await asked.say(YES) for _ in range(8)]
        results = [outcome(await wire.answer_to(call)) for call in calls]

    assert [result["done"] for result in results].count(True) == 1


async def test_of_yeses_sent_to_two_workers_at_once_one_acts(serve, records):
    shared = {"state": MemoryState(), "request_state": KEYS, "owner": "ann"}
    results = []

    async with (
        serve(**shared) as one,
        serve(**shared) as another,
        wired(one, "today") as to_one,
        wired(another, "today") as to_another,
    ):
        asked = await to_one.begin("delete_store_items", records)

        async def say_yes(wire):
            call = await wire.request("tools/call", **asked.params(YES))
            results.append(outcome(await wire.answer_to(call)))

        async with anyio.create_task_group() as at_once:
            at_once.start_soon(say_yes, to_one)
            at_once.start_soon(say_yes, to_another)

    assert sorted(result["done"] for result in results) == [False, True]


async def test_any_worker_takes_the_answer_to_what_another_asked(api, serve, records):
    shared = {"state": MemoryState(), "request_state": KEYS, "owner": "ann"}

    async with serve(**shared) as one, wired(one, "today") as wire:
        asked = await wire.begin("delete_store_items", records)
    async with serve(**shared) as another, wired(another, "today") as wire:
        result = outcome(
            await wire.answer_to(await wire.request("tools/call", **asked.params(YES)))
        )

    assert result["done"] is True
    assert await left(api, records) == {}


async def test_a_yes_after_a_no_to_the_same_question_does_nothing(api, connect, records):
    async with connect("today") as wire:
        asked = await wire.begin("delete_store_items", records)
        no = outcome(await asked.answered(NO))
        yes = outcome(await asked.answered(YES))

    assert "said no" in no["next_step"]
    assert "served already" in yes["next_step"]
    assert await left(api, records) == RECORDS


async def test_a_yes_to_what_a_server_asked_before_it_started_again_does_nothing(
    api, serve, records
):
    kept = {"request_state": KEYS, "owner": "ann"}
    async with serve(**kept) as before, wired(before, "today") as wire:
        asked = await wire.begin("delete_store_items", records)

    async with serve(**kept) as after, wired(after, "today") as wire:
        result = outcome(
            await wire.answer_to(await wire.request("tools/call", **asked.params(YES)))
        )

    assert "before a restart" in result["next_step"]
    assert await left(api, records) == RECORDS


async def test_a_yes_that_comes_too_late_is_none_and_the_person_is_asked_anew(
    api, connect, clock, records
):
    async with connect("today") as wire:
        asked = await wire.begin("delete_store_items", records)
        clock.now += 601
        late = outcome(await asked.answered(YES))
        again = await wire.begin("delete_store_items", records)

        assert "Nobody answered in time (600 s)" in late["next_step"]
        assert await left(api, records) == RECORDS
        assert outcome(await again.answered(YES))["done"] is True


async def refused(wire, **params):
    """Return whether a call was refused before any tool heard of it."""
    answer = await wire.answer_to(await wire.request("tools/call", **params))
    return answer.get("error", {}).get("message") == "Invalid or expired requestState"


@pytest.mark.parametrize(
    "other", [{"keys": ["j"]}, {"keys": ["k", "j"]}, {"keys": "[]"}, {"confirm": True}]
)
async def test_a_yes_does_not_serve_other_arguments(api, connect, records, other):
    async with connect("today") as wire:
        params = (await wire.begin("delete_store_items", records)).params(YES)

        assert await refused(wire, **params | {"arguments": records | other})
    assert await left(api, records) == RECORDS


async def test_a_yes_to_one_flow_does_not_delete_another(api, connect):
    mine, other = await api.make_flow(), await api.make_flow()

    async with connect("today") as wire:
        params = (await wire.begin("delete_flow", mine)).params(YES)

        assert await refused(wire, **params | {"arguments": other})
    assert await api.flow(other["flow_id"])


async def test_a_yes_to_rejecting_approves_nothing(api, connect):
    task = await api.make_task()

    async with connect("today") as wire:
        params = (await wire.begin("reject_task", task)).params(YES)

        assert await refused(wire, **params | {"name": "approve_task"})
    assert await api.task(task["task_id"]) == "pending"


async def test_a_yes_of_one_person_does_not_serve_another(api, serve, records):
    shared = {"state": MemoryState(), "request_state": KEYS}

    async with (
        serve(**shared, owner="ann") as one,
        serve(**shared, owner="bob") as another,  # who may do what Ann may
        wired(one, "today") as anns,
        wired(another, "today") as bobs,
    ):
        asked = await anns.begin("delete_store_items", records)

        assert await refused(bobs, **asked.params(YES))
        assert await left(api, records) == RECORDS
        assert outcome(await asked.answered(YES))["done"] is True


def tampered(state):
    """Return a state with one character changed, for each of some places in it."""
    for place in range(0, len(state), 61):
        yield state[:place] + ("A" if state[place] != "A" else "B") + state[place + 1 :]


async def test_a_state_that_was_written_by_anybody_else_is_refused(api, connect, records):
    async with connect("today") as wire:
        params = (await wire.begin("delete_store_items", records)).params(YES)
        state = params["requestState"]
        invented = '{"question":{},"number":"1","asked_at":0}'

        for other in (*tampered(state), state[:-1], state + "A", "", "v1.", invented):
            assert await refused(wire, **params | {"requestState": other}), other
    assert await left(api, records) == RECORDS


async def test_what_was_overwritten_cannot_be_read_from_the_state(api, connect):
    store = await api.make_store(k="x" * 5_000)
    write = store | {"key": "k", "value": "new", "overwrite": True}

    async with connect("today") as wire:
        asked = await wire.begin("create_store_item", write)

    assert len(asked.state) < 2_000


@pytest.mark.parametrize("name", ["confirm", "yes", ""])
async def test_an_answer_to_what_was_never_asked_is_asked_for(api, connect, records, name):
    async with connect("today") as wire:
        answer = await wire.call("delete_store_items", records, inputResponses={name: YES})

    assert answer["result"]["resultType"] == "input_required"
    assert await left(api, records) == RECORDS


async def test_a_state_without_its_answer_is_asked_about_again(api, connect, records):
    async with connect("today") as wire:
        state = (await wire.begin("delete_store_items", records)).state
        alone = await wire.call("delete_store_items", records, requestState=state)
        astray = await wire.call(
            "delete_store_items", records, requestState=state, inputResponses={"yes": YES}
        )

    assert alone["result"]["resultType"] == astray["result"]["resultType"] == "input_required"
    assert await left(api, records) == RECORDS


async def test_a_client_that_stops_showing_forms_starts_over(api, serve, records):
    async with (
        serve() as server,
        wired(server, "today") as asking,
        wired(server, "today", {}) as plain,
    ):
        asked = await asking.begin("delete_store_items", records)
        confirmed = outcome(await plain.call("delete_store_items", records | {"confirm": True}))
        said_yes = await plain.request("tools/call", **asked.params(YES))
        agreed = outcome(await plain.answer_to(said_yes))

    assert confirmed["done"] is agreed["done"] is False
    assert await left(api, records) == RECORDS

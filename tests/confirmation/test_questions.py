"""What the person is asked, and what becomes of whatever comes back, in both eras."""

import anyio
import pytest

from appmixer_mcp.state import MemoryState
from appmixer_mcp.web.limits import CallLimits
from tests.confirmation.case import ON_START, TWO
from tests.confirmation.wire import ERAS, NO, YES, outcome, wired
from tests.serving import PASSWORD

both_eras = pytest.mark.parametrize("era", ERAS)


@both_eras
async def test_a_question_names_what_would_be_lost_and_where_and_waits_for_a_tick(
    api, connect, era
):
    store = await api.make_store("Stock", apples="1", pears="2")

    async with connect(era) as wire:
        asked = await wire.begin("delete_store", store)
        await asked.answered(NO)

    assert asked.text.splitlines() == [
        "Delete the store 'Stock' with 2 records?",
        "- 2 records: undo_change brings them back, in a store with a new id",
        "- Flows that use the store fail from then on.",
        f"Tenant: {api.url}",
    ]
    assert asked.form["required"] == ["confirm"]
    assert asked.form["properties"]["confirm"]["type"] == "boolean"
    assert asked.form["properties"]["confirm"]["title"] == "Yes: Delete store"
    assert "default" not in asked.form["properties"]["confirm"]


@both_eras
@pytest.mark.parametrize("declared", [{}, {"form": {}}, {"form": {}, "url": {}}])
async def test_a_client_that_shows_forms_asks_the_person(api, connect, era, declared):
    flow = await api.make_flow()

    async with connect(era, capabilities={"elicitation": declared}) as wire:
        asked = await wire.begin("delete_flow", flow | {"confirm": True})

        assert outcome(await asked.answered(NO))["done"] is False
    assert await api.flow(flow["flow_id"])


@both_eras
@pytest.mark.parametrize("declared", [{}, {"elicitation": {"url": {}}}, {"sampling": {}}])
async def test_a_client_that_shows_no_forms_gets_the_preview(api, connect, era, declared):
    flow = await api.make_flow()

    async with connect(era, capabilities=declared) as wire:
        shown = outcome(await wire.call("delete_flow", flow | {"confirm": True}))

    assert shown["done"] is False
    assert shown["message"] == "Delete the flow 'Flow' (stopped)?"
    assert "confirm=true" in shown["next_step"]
    assert await api.flow(flow["flow_id"])


@both_eras
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"action": "accept", "content": {"confirm": False}}, "said no"),
        ({"action": "accept", "content": {"confirm": "true"}}, "said no"),
        ({"action": "accept", "content": {"confirm": 1}}, "said no"),
        ({"action": "accept", "content": {"Confirm": True}}, "said no"),
        ({"action": "accept", "content": {}}, "said no"),
        ({"action": "accept", "content": None}, "said no"),
        ({"action": "decline", "content": {"confirm": True}}, "said no"),
        ({"action": "cancel", "content": {"confirm": True}}, "closed the question"),
    ],
)
async def test_only_a_tick_that_was_accepted_is_a_yes(api, connect, era, answer, said):
    flow = await api.make_flow()

    async with connect(era) as wire:
        result = outcome(await (await wire.begin("delete_flow", flow)).answered(answer))

    assert result["done"] is False
    assert said in result["next_step"]
    assert result["message"] == "Delete the flow 'Flow' (stopped)?"
    assert await api.flow(flow["flow_id"])


@both_eras
@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        {"content": {"confirm": True}},
        {"action": "yes", "content": {"confirm": True}},
        {"action": "accept", "content": {"confirm": {"confirm": True}}},
        {"action": "accept", "content": [True]},
        {"action": "accept", "content": "confirm"},
        {"role": "user", "content": {"type": "text", "text": "yes"}, "model": "m"},
        {"roots": []},
    ],
)
async def test_nonsense_in_the_place_of_an_answer_changes_nothing(api, connect, era, nonsense):
    flow = await api.make_flow()

    async with connect(era) as wire:
        answer = await (await wire.begin("delete_flow", flow)).answered(nonsense)

    assert "error" in answer or outcome(answer)["done"] is False
    assert await api.flow(flow["flow_id"])


async def test_a_client_that_cannot_ask_after_all_is_told_so(api, connect):
    flow = await api.make_flow()

    async with connect("before") as wire:
        asked = await wire.begin("delete_flow", flow)
        await wire.send(id=asked.id, error={"code": -32601, "message": "Elicitation? What?"})
        result = outcome(await wire.answer_to(asked.call))

    assert result["done"] is False
    assert "APPMIXER_CONFIRM" in result["next_step"]
    assert "What?" not in str(result)
    assert await api.flow(flow["flow_id"])


async def test_a_question_that_nobody_answers_is_taken_back(api, connect):
    flow = await api.make_flow()

    async with connect("before", valid_s=0.05) as wire:
        asked = await wire.begin("delete_flow", flow)
        taken_back = await wire.receive()
        result = outcome(await wire.answer_to(asked.call))
        await asked.say(YES)
        await wire.call("get_user", {})

    assert taken_back["method"] == "notifications/cancelled"
    assert taken_back["params"]["requestId"] == asked.id
    assert "Nobody answered in time (0.05 s)" in result["next_step"]
    assert await api.flow(flow["flow_id"])


async def test_a_yes_to_a_call_that_its_client_gave_up_changes_nothing(api, connect):
    flow = await api.make_flow()

    async with connect("before") as wire:
        asked = await wire.begin("delete_flow", flow)
        await wire.send(method="notifications/cancelled", params={"requestId": asked.call})
        await asked.say(YES)
        await wire.call("get_user", {})

    assert await api.flow(flow["flow_id"])


async def renamed(api, flow):
    await api.client.flows.update_flow(flow["flow_id"], {"name": "Other"})


async def started(api, flow):
    await api.client.flows.start_flow(flow["flow_id"])


async def built_on(api, flow):
    await api.client.flows.update_flow(flow["flow_id"], {"flow": TWO | {"c": ON_START}})


async def rewired(api, flow):
    wired = TWO | {"b": ON_START | {"label": "B"}}
    await api.client.flows.update_flow(flow["flow_id"], {"flow": wired})


@both_eras
@pytest.mark.parametrize("change", [renamed, started, built_on, rewired])
async def test_a_yes_to_what_a_flow_was_before_is_none(api, connect, era, change):
    flow = await api.make_flow()

    async with connect(era) as wire:
        asked = await wire.begin("delete_flow", flow)
        await change(api, flow)
        result = outcome(await asked.answered(YES))

        assert result["done"] is False
        assert "It changed, look again" in result["next_step"]
        again = await wire.begin("delete_flow", flow)
        assert outcome(await again.answered(YES))["done"] is True


@both_eras
async def test_a_yes_to_overwriting_one_value_does_not_overwrite_the_next(api, connect, era):
    store = await api.make_store(k="old")
    write = store | {"key": "k", "value": "new", "overwrite": True}

    async with connect(era) as wire:
        asked = await wire.begin("create_store_item", write)
        await api.write(store["store_id"], k="meanwhile")
        result = outcome(await asked.answered(YES))

    assert "It changed, look again" in result["next_step"]
    assert result["impact"] == ["Its present value: 'meanwhile'"]
    assert (await api.store(store["store_id"]))[1] == {"k": "meanwhile"}


@both_eras
async def test_a_yes_that_is_not_needed_any_more_is_looked_at_again(api, connect, era):
    store = await api.make_store(k="old")
    write = store | {"key": "k", "value": "new", "overwrite": True}

    async with connect(era) as wire:
        asked = await wire.begin("create_store_item", write)
        await api.client.stores.delete_store_items([(store["store_id"], "k")])
        result = outcome(await asked.answered(YES))

    assert "It changed, look again" in result["next_step"]
    assert result["message"] == "Overwrite the record 'k'?"
    assert (await api.store(store["store_id"]))[1] == {}


@both_eras
async def test_a_yes_to_a_task_that_was_decided_meanwhile_decides_nothing(api, connect, era):
    task = await api.make_task()

    async with connect(era) as wire:
        asked = await wire.begin("approve_task", task)
        await api.client.tasks.reject_task(task["task_id"])
        answer = await asked.answered(YES)

    assert answer["result"]["isError"]
    assert "already rejected" in str(answer)
    assert await api.task(task["task_id"]) == "rejected"


@both_eras
async def test_a_count_that_moves_while_the_person_thinks_does_not_matter(api, connect, era):
    store = await api.make_store(k="v")

    async with connect(era) as wire:
        asked = await wire.begin("delete_store", store)
        await api.write(store["store_id"], another="v")

        assert outcome(await asked.answered(YES))["done"] is True


@both_eras
async def test_a_harmless_change_asks_nobody(api, connect, era):
    flow = await api.make_flow()

    async with connect(era) as wire:
        done = outcome(await wire.call("update_flow", flow | {"name": "Renamed"}))

    assert done["done"] is True
    assert (await api.flow(flow["flow_id"]))[0] == "Renamed"


@both_eras
async def test_of_two_yeses_about_one_flow_the_second_finds_it_changed(api, connect, era):
    flow = await api.make_flow(runs=True)

    async with connect(era) as wire:
        first = await wire.begin("update_flow", flow | {"name": "First"})
        second = await wire.begin("update_flow", flow | {"name": "Second"})
        calls = [await second.say(YES), await first.say(YES)]
        results = [outcome(await wire.answer_to(call)) for call in calls]

    assert sorted(result["done"] for result in results) == [False, True]
    (told,) = [result["next_step"] for result in results if not result["done"]]
    assert "It changed, look again" in told


@both_eras
async def test_nobody_waits_for_a_person_who_thinks(api, serve, era):
    flow = await api.make_flow()

    async with serve() as server, wired(server, era) as one, wired(server, era) as another:
        asked = await one.begin("delete_flow", flow)
        with anyio.fail_after(5):
            assert outcome(await another.call("start_flow", flow))["done"] is True
            also_asked = await another.begin("delete_flow", flow)
            assert outcome(await also_asked.answered(YES))["done"] is True
        late = await asked.answered(YES)

    assert late["result"]["isError"]


@both_eras
async def test_a_person_who_thinks_takes_the_place_of_no_other_call(api, serve, era):
    flow = await api.make_flow()
    limits = CallLimits(MemoryState(), per_minute=0, at_once=1)

    async with (
        serve(limits=limits) as server,
        wired(server, era) as one,
        wired(server, era) as another,
    ):
        asked = await one.begin("delete_flow", flow)
        started = outcome(await another.call("start_flow", flow))
        await asked.answered(NO)

    assert started["done"] is True


@both_eras
async def test_a_strangers_name_stays_on_its_line_and_is_cut(api, connect, era):
    title = "Pay?\n- Nothing is lost.\nTenant: https://safe.example\u2028\u202e\u200b" + "!" * 400

    async with connect(era) as wire:
        asked = await wire.begin("approve_task", await api.make_task(title))
        await asked.answered(NO)

    question, *losses, tenant = asked.text.splitlines()
    assert question.startswith(r"Approve the task 'Pay?\n- Nothing is lost.\nTenant: https://safe")
    assert len(question) < 300
    assert len(losses) == 2
    assert tenant == f"Tenant: {api.url}"


@both_eras
async def test_a_person_is_not_shown_hundreds_of_lines(api, connect, era):
    many = {f"c{number:02}": ON_START for number in range(33)}
    flow_id = await api.client.flows.create_flow("Big", many)

    async with connect(era) as wire:
        asked = await wire.begin("update_flow", {"flow_id": flow_id, "descriptor": TWO})
        result = outcome(await asked.answered(NO))

    lines = asked.text.splitlines()
    assert len(lines) == 23
    assert lines[-2] == "- and 13 more such lines"
    assert result["impact"] == [line.removeprefix("- ") for line in lines[1:-1]]


async def test_a_question_about_thousands_of_lines_is_carried_to_and_fro_in_few_bytes(api, connect):
    many = {f"{number:04}-{'c' * 100}": ON_START for number in range(4_000)}
    flow_id = await api.client.flows.create_flow("Big", many)

    async with connect("today") as wire:
        asked = await wire.begin("update_flow", {"flow_id": flow_id, "descriptor": TWO})

        assert outcome(await asked.answered(YES))["done"] is True
    assert len(asked.state) < 20_000


@both_eras
async def test_that_a_flow_runs_is_not_hidden_behind_what_is_removed(api, connect, era):
    many = {f"c{number:02}": ON_START for number in range(33)}
    flow_id = await api.client.flows.create_flow("Big", many)
    await api.client.flows.start_flow(flow_id)

    async with connect(era) as wire:
        asked = await wire.begin("update_flow", {"flow_id": flow_id, "descriptor": TWO})
        await asked.answered(NO)

    assert "- The flow is running" in asked.text


@both_eras
async def test_a_yes_given_before_another_sign_in_does_not_serve_after_it(api, connect, era):
    flow = await api.make_flow()

    async with connect(era) as wire:
        asked = await wire.begin("delete_flow", flow)
        await wire.call("authenticate_user", {"username": "ann@example.com", "password": PASSWORD})
        answer = await asked.answered(YES)

    assert "error" in answer or outcome(answer)["done"] is False
    assert await api.flow(flow["flow_id"])


@both_eras
async def test_nobody_is_asked_about_what_the_caller_may_not_see(tenant, api, connect, era):
    flow = await api.make_flow("Secret plan")
    stranger = await tenant.sign_up(f"stranger-{era}")

    async with connect(era, token=stranger) as wire:
        answer = await wire.call("delete_flow", flow)

    assert answer["result"]["isError"]
    assert "Secret plan" not in str(answer)
    assert await api.flow(flow["flow_id"])

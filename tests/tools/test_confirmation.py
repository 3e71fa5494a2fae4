"""What a preview confirms, in a client that cannot ask."""

import anyio
import pytest
from pydantic import SecretStr

from appmixer_mcp.confirmation import Call, Confirmations, Impact
from appmixer_mcp.sandbox.config import LOCAL_USER
from appmixer_mcp.state import MemoryState
from tests.clock import Clock


def impact(**identity):
    return Impact(question="Delete?", losses=["all of it"], identity={"id": "f1"} | identity)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def auto(clock):
    return Confirmations("auto", MemoryState(clock=clock, max_entries=1_000))


async def decide(
    confirmations, *, confirm, principal="me", arguments=None, shown=None, began_at=None
):
    call = Call(
        principal=principal,
        base_url="https://tenant.example",
        tool="delete_flow",
        title="Delete flow",
        arguments={"flow_id": "f1"} if arguments is None else arguments,
        confirm=confirm,
        began_at=await confirmations.state.now() if began_at is None else began_at,
        can_ask=False,
    )
    return await confirmations.decide(call, shown or impact(), None)


async def test_confirming_without_a_preview_gives_the_preview(auto):
    assert not (await decide(auto, confirm=True)).act


async def test_confirming_after_the_preview_acts(auto):
    await decide(auto, confirm=False)

    assert (await decide(auto, confirm=True)).act


async def test_a_preview_serves_once(auto):
    await decide(auto, confirm=False)
    await decide(auto, confirm=True)

    assert not (await decide(auto, confirm=True)).act


async def test_a_call_that_began_before_the_preview_was_given_does_not_act(auto, clock):
    clock.now = 1
    await decide(auto, confirm=True)

    assert not (await decide(auto, confirm=True, began_at=0)).act


async def test_a_preview_of_another_secret_does_not_count(auto):
    await decide(auto, confirm=False, arguments={"secret": SecretStr("mine")})

    assert not (await decide(auto, confirm=True, arguments={"secret": SecretStr("yours")})).act
    assert (await decide(auto, confirm=True, arguments={"secret": SecretStr("mine")})).act


async def test_a_preview_of_other_arguments_does_not_count(auto):
    await decide(auto, confirm=False, arguments={"flow_id": "f2"})

    assert not (await decide(auto, confirm=True)).act


async def test_a_preview_given_to_somebody_else_does_not_count(auto):
    await decide(auto, confirm=False, principal="you")

    assert not (await decide(auto, confirm=True)).act


async def test_a_preview_is_good_for_ten_minutes(auto, clock):
    await decide(auto, confirm=False)
    clock.now = 601

    assert not (await decide(auto, confirm=True)).act


async def test_what_changed_since_the_preview_is_shown_again(auto):
    await decide(auto, confirm=False)

    changed = await decide(auto, confirm=True, shown=impact(stage="running"))

    assert not changed.act
    assert "changed" in changed.next_step
    assert (await decide(auto, confirm=True, shown=impact(stage="running"))).act


async def test_previews_that_nobody_answers_do_not_pile_up(auto):
    for number in range(3_000):
        await decide(auto, confirm=False, arguments={"flow_id": str(number)})

    assert not (await decide(auto, confirm=True, arguments={"flow_id": "0"})).act
    assert (await decide(auto, confirm=True, arguments={"flow_id": "2999"})).act


async def test_confirmations_sent_before_anybody_saw_the_preview_change_nothing(
    tools, webhook_flow
):
    answers = []

    async def delete():
        answers.append(await tools("delete_flow", flow_id=webhook_flow, confirm=True))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as at_once:
            for _ in range(5):
                at_once.start_soon(delete)

    assert [answer["done"] for answer in answers] == [False] * 5
    assert (await tools("delete_flow", flow_id=webhook_flow, confirm=True))["done"] is True


async def test_two_confirmations_at_once_act_once(tools, webhook_flow):
    await tools("delete_flow", flow_id=webhook_flow)
    answers = []

    async def delete():
        result = await tools.client.call_tool(
            "delete_flow", {"flow_id": webhook_flow, "confirm": True}
        )
        answers.append((result.structured_content or {}).get("done"))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as at_once:
            for _ in range(2):
                at_once.start_soon(delete)

    assert answers.count(True) == 1


async def test_a_preview_given_to_one_user_does_not_serve_the_next(tools, webhook_flow):
    await tools("delete_flow", flow_id=webhook_flow)

    await tools("authenticate_user", username=LOCAL_USER, password="local-key")

    assert (await tools("delete_flow", flow_id=webhook_flow, confirm=True))["done"] is False


async def test_an_overwrite_is_asked_again_when_the_value_changed_since_the_preview(tools):
    store_id = (await tools("create_store", name="Stock"))["store_id"]
    record = {"store_id": store_id, "key": "k"}
    await tools("create_store_item", **record, value="old")
    await tools("create_store_item", **record, value="new", overwrite=True)
    await tools.confirmed("create_store_item", **record, value="meanwhile", overwrite=True)

    asked = await tools("create_store_item", **record, value="new", overwrite=True, confirm=True)

    assert asked["done"] is False
    assert asked["impact"] == ["Its present value: 'meanwhile'"]


async def test_another_type_under_the_same_id_is_asked_for_like_a_removal(tools):
    def component(kind):
        return {"type": f"appmixer.utils.controls.{kind}", "source": {}}

    before = {"a": component("OnStart"), "b": component("OnStart"), "c": component("OnStart")}
    created = await tools("create_flow", name="F", descriptor=before)

    preview = await tools(
        "update_flow",
        flow_id=created["flow_id"],
        descriptor=before | {"a": component("OnError")},
    )

    assert preview["done"] is False
    assert "another type in the place of" in preview["impact"][0]

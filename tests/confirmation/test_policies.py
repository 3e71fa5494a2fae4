"""When a call acts is the operator's to say, in clients that show forms and in others."""

import json

import pytest
from pydantic import SecretStr

from appmixer_mcp.state import MemoryState
from tests.confirmation.wire import ERAS, FORM, NO, YES, outcome, wired
from tests.processes import call
from tests.serving import client_of, mcp_server

RECORDS = {"j": "1", "k": "2"}
every_client = pytest.mark.parametrize("declared", [FORM, {}], ids=["forms", "no forms"])
both_eras = pytest.mark.parametrize("era", ERAS)


@pytest.fixture
async def records(api):
    """Arguments that delete two records, and can delete them again once they are written anew."""
    return await api.make_store(**RECORDS) | {"keys": list(RECORDS)}


async def left(api, records):
    return (await api.store(records["store_id"]))[1]


@both_eras
@every_client
async def test_off_acts_at_once(api, connect, records, era, declared):
    async with connect(era, "off", capabilities=declared) as wire:
        assert outcome(await wire.call("delete_store_items", records))["done"] is True

    assert await left(api, records) == {}


@both_eras
@every_client
async def test_flag_acts_on_the_flag_alone(api, connect, records, era, declared):
    async with connect(era, "flag", capabilities=declared) as wire:
        shown = outcome(await wire.call("delete_store_items", records))
        assert await left(api, records) == RECORDS
        done = outcome(await wire.call("delete_store_items", records | {"confirm": True}))

    assert shown["done"] is False
    assert "confirm=true" in shown["next_step"]
    assert done["done"] is True
    assert await left(api, records) == {}


@both_eras
@pytest.mark.parametrize("policy", ["auto", "token"])
async def test_a_client_that_shows_forms_asks_whatever_is_sent_along(
    api, connect, records, era, policy
):
    along = {"confirm": True} if policy == "auto" else {"confirm_token": "x" * 22}

    async with connect(era, policy) as wire:
        asked = await wire.begin("delete_store_items", records | along)
        assert outcome(await asked.answered(NO))["done"] is False
        assert await left(api, records) == RECORDS
        asked = await wire.begin("delete_store_items", records | along)
        assert outcome(await asked.answered(YES))["done"] is True


class Tokens:
    """Calls a tool under the policy `token` in a client without forms."""

    def __init__(self, wire, arguments):
        self.wire = wire
        self.arguments = arguments

    async def __call__(self, token="", **arguments):
        sent = self.arguments | arguments | ({"confirm_token": token} if token else {})
        answer = await self.wire.call("delete_store_items", sent)
        assert json.loads(answer["result"]["content"][0]["text"]) == outcome(answer)
        return outcome(answer)


@both_eras
async def test_a_token_confirms_the_call_it_was_given_for_once(api, connect, records, era):
    async with connect(era, "token", capabilities={}) as wire:
        delete = Tokens(wire, records)
        shown = await delete()
        assert await left(api, records) == RECORDS
        first = await delete(shown["confirm_token"])
        await api.write(records["store_id"], **RECORDS)
        second = await delete(shown["confirm_token"])

    assert shown["message"] == "Delete 2 records of the store 'Store'?"
    assert shown["impact"] == ["The records 'j', 'k': undo_change brings them back"]
    assert [first["done"], second["done"]] == [True, False]
    assert "does not confirm this" in second["next_step"]
    assert second["confirm_token"] != shown["confirm_token"]
    assert await left(api, records) == RECORDS


@pytest.mark.parametrize("token", ["x", "x" * 22, "\u2028", "../../"])
async def test_a_token_that_was_never_given_confirms_nothing(api, connect, records, token):
    async with connect("today", "token", capabilities={}) as wire:
        delete = Tokens(wire, records)
        await delete()

        assert (await delete(token))["done"] is False
    assert await left(api, records) == RECORDS


async def test_a_token_does_not_confirm_other_arguments_and_is_used_up(api, connect, records):
    async with connect("today", "token", capabilities={}) as wire:
        delete = Tokens(wire, records)
        token = (await delete())["confirm_token"]
        other = await delete(token, keys=["j"])
        same = await delete(token)

    assert [other["done"], same["done"]] == [False, False]
    assert await left(api, records) == RECORDS


async def test_a_token_does_not_confirm_another_tool(api, connect):
    task = await api.make_task()

    async with connect("today", "token", capabilities={}) as wire:
        token = outcome(await wire.call("reject_task", task))["confirm_token"]
        answer = await wire.call("approve_task", task | {"confirm_token": token})

    assert outcome(answer)["done"] is False
    assert await api.task(task["task_id"]) == "pending"


async def test_a_token_of_one_person_does_not_serve_another(api, serve, records):
    state = MemoryState()

    async with (
        serve("token", state=state, owner="ann") as one,
        serve("token", state=state, owner="bob") as another,  # who may do what Ann may
        wired(one, "today", {}) as anns,
        wired(another, "today", {}) as bobs,
    ):
        token = (await Tokens(anns, records)())["confirm_token"]

        assert (await Tokens(bobs, records)(token))["done"] is False
    assert await left(api, records) == RECORDS


async def test_a_token_waits_no_longer_than_the_operator_says(api, connect, clock, records):
    async with connect("today", "token", capabilities={}) as wire:
        delete = Tokens(wire, records)
        token = (await delete())["confirm_token"]
        clock.now += 601

        assert (await delete(token))["done"] is False
    assert await left(api, records) == RECORDS


async def test_a_token_for_what_changed_meanwhile_shows_it_again(api, connect, records):
    async with connect("today", "token", capabilities={}) as wire:
        delete = Tokens(wire, records)
        token = (await delete())["confirm_token"]
        await api.client.stores.rename_store(records["store_id"], "Other")
        changed = await delete(token)
        again = await delete(changed["confirm_token"])

    assert "It changed, look again" in changed["next_step"]
    assert changed["message"] == "Delete 2 records of the store 'Other'?"
    assert again["done"] is True


@pytest.mark.parametrize(
    ("policy", "along"),
    [
        ("auto", {"confirm_token": "x"}),
        ("token", {"confirm": True}),
        ("auto", {"policy": "off"}),
        ("auto", {"APPMIXER_CONFIRM": "off"}),
    ],
)
async def test_an_argument_of_another_policy_is_refused(api, connect, records, policy, along):
    async with connect("today", policy, capabilities={}) as wire:
        answer = await wire.call("delete_store_items", records | along)

    assert answer["result"]["isError"]
    assert await left(api, records) == RECORDS


async def test_no_header_and_no_tool_changes_the_policy(api, records, tmp_path):
    names = ("X-Appmixer-Confirm", "Appmixer-Confirm", "APPMIXER_CONFIRM", "X-Confirm")
    headers: dict[str, str] = dict.fromkeys(names, "off")
    settings = {"access_token": SecretStr(api.token)}

    async with (
        mcp_server(tmp_path, api.url, **settings) as url,
        client_of(url, "legacy", headers=headers) as client,
    ):
        asked = await client.call_tool("configure_session", {"confirm": "off"})
        shown = await call(client, "delete_store_items", **records)
        session = await call(client, "get_session")

    assert asked.is_error
    assert shown["done"] is False
    assert session["confirmation"] == "auto"
    assert await left(api, records) == RECORDS

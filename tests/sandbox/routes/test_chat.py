"""The chat plugin."""

import json
from typing import Any

import pytest

from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.event_stream import listening
from tests.sandbox.routes.conftest import Client, problem

MOUNT = "/plugins/appmixer/utils/chat"


async def made(client: Client, kind: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{MOUNT}/{kind}", json=body)
    shown: dict[str, Any] = answer.raise_for_status().json()
    return shown


async def say(client: Client, thread_id: str, content: str, role: str = "user") -> dict[str, Any]:
    return await made(client, f"messages/{thread_id}", content=content, role=role)


def token_of(client: Client) -> str:
    return client.headers["authorization"].removeprefix("Bearer ")


async def test_messages_come_back_in_the_order_in_which_they_were_said(ann: Client) -> None:
    thread = await made(ann, "threads", theme="dark")
    said = [await say(ann, thread["id"], text) for text in ("Hello", "Hi", "Bye")]

    heard = (await ann.get(f"{MOUNT}/messages/{thread['id']}")).json()
    since = (await ann.get(f"{MOUNT}/messages/{thread['id']}?sinceId={said[0]['id']}")).json()

    assert heard == said
    assert since == said[1:]
    assert [one["id"] for one in said] == sorted(one["id"] for one in said)
    assert said[0]["id"][14] == "6"


async def test_a_session_knows_its_threads(ann: Client) -> None:
    session = await made(ann, "sessions", flowId="f", componentId="c")
    first = await made(ann, "threads", sessionId=session["id"], agentId="a")
    second = await made(ann, "threads", sessionId=session["id"])
    await made(ann, "threads")

    shown = (await ann.get(f"{MOUNT}/sessions/{session['id']}")).json()

    assert shown == {**session, "threads": [first, second]}
    assert (shown["flowId"], shown["componentId"], first["agentId"]) == ("f", "c", "a")


async def test_a_deleted_thread_takes_its_messages_with_it(ann: Client) -> None:
    thread = await made(ann, "threads", id="mine")
    await say(ann, "mine", "Hello")

    await ann.delete(f"{MOUNT}/threads/mine")

    assert problem(await ann.get(f"{MOUNT}/threads/mine"))[0] == 404
    assert problem(await ann.get(f"{MOUNT}/messages/mine"))[0] == 404
    assert (await made(ann, "threads", id="mine")) == thread
    assert (await ann.get(f"{MOUNT}/messages/mine")).json() == []


async def test_a_thread_can_be_emptied(ann: Client) -> None:
    thread = await made(ann, "threads")
    await say(ann, thread["id"], "Hello")

    assert (await ann.delete(f"{MOUNT}/messages/{thread['id']}")).json() == {}

    assert (await ann.get(f"{MOUNT}/messages/{thread['id']}")).json() == []


async def test_agents_are_made_changed_listed_and_deleted(ann: Client) -> None:
    agent = await made(ann, "agents", name="Ada", message="Hello!", flowId="f", componentId="c")
    other = await made(ann, "agents", name="Bea", flowId="g")

    changed = (await ann.put(f"{MOUNT}/agents/{agent['id']}", json={"avatar": "A"})).json()

    assert changed == {**agent, "avatar": "A"}
    assert (await ann.get(f"{MOUNT}/agents/{agent['id']}")).json() == changed
    assert (await ann.get(f"{MOUNT}/agents")).json() == [changed, other]
    assert (await ann.get(f"{MOUNT}/agents?flowId=f&componentId=c")).json() == [changed]

    await ann.delete(f"{MOUNT}/agents/{agent['id']}")

    assert (await ann.get(f"{MOUNT}/agents")).json() == [other]


@pytest.mark.parametrize("kind", ["agents", "sessions", "threads"])
async def test_an_id_that_is_taken_is_a_conflict_for_its_user_alone(
    ann: Client, bob: Client, kind: str
) -> None:
    await made(ann, kind, id="one")

    assert problem(await ann.post(f"{MOUNT}/{kind}", json={"id": "one"}))[0] == 409
    assert (await made(bob, kind, id="one"))["id"] == "one"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("messages/t", {"content": "x", "role": "boss"}),
        ("messages/t", {"role": "user"}),
        ("messages/t", {"content": 5, "role": "user"}),
        ("agents", {"id": "a/b"}),
        ("agents", {"name": ["Ada"]}),
        ("sessions", []),
    ],
)
async def test_what_is_no_message_or_agent_is_refused(ann: Client, kind: str, body: Any) -> None:
    await made(ann, "threads", id="t")

    assert problem(await ann.post(f"{MOUNT}/{kind}", json=body))[0] == 400


async def test_whoever_listens_hears_each_new_message(ann: Client, tenant: Tenant) -> None:
    await made(ann, "threads", id="t")
    await say(ann, "t", "Too early")

    async with listening(tenant.app, f"{MOUNT}/events/t", token_of(ann)) as events:
        begun = await events.next()
        said = await say(ann, "t", "Hello", role="agent")
        heard = await events.next()

    assert events.status == 200
    assert events.content_type.startswith("text/event-stream")
    assert begun == ": init"
    assert json.loads(heard.removeprefix("data: ")) == {"type": "message", "data": said}


async def test_nobody_hears_another_users_thread_of_the_same_name(
    ann: Client, bob: Client, tenant: Tenant
) -> None:
    await made(ann, "threads", id="t")
    await made(bob, "threads", id="t")

    async with listening(tenant.app, f"{MOUNT}/events/t", token_of(bob)) as events:
        await events.next()
        await say(ann, "t", "Secret")
        await say(bob, "t", "Mine")
        heard = await events.next()

    assert '"content":"Mine"' in heard


async def test_another_users_chats_are_not_there(ann: Client, bob: Client) -> None:
    session = await made(ann, "sessions")
    thread = await made(ann, "threads", sessionId=session["id"])
    agent = await made(ann, "agents")
    message = {"content": "x", "role": "user"}

    answers = [
        await bob.get(f"{MOUNT}/sessions/{session['id']}"),
        await bob.get(f"{MOUNT}/threads/{thread['id']}"),
        await bob.delete(f"{MOUNT}/threads/{thread['id']}"),
        await bob.get(f"{MOUNT}/messages/{thread['id']}"),
        await bob.post(f"{MOUNT}/messages/{thread['id']}", json=message),
        await bob.delete(f"{MOUNT}/messages/{thread['id']}"),
        await bob.get(f"{MOUNT}/events/{thread['id']}"),
        await bob.get(f"{MOUNT}/agents/{agent['id']}"),
        await bob.put(f"{MOUNT}/agents/{agent['id']}", json={}),
        await bob.delete(f"{MOUNT}/agents/{agent['id']}"),
    ]

    assert [problem(answer)[0] for answer in answers] == [404] * 10
    assert (await bob.get(f"{MOUNT}/agents")).json() == []


async def test_visitors_are_asked_to_sign_in(visitor: Client) -> None:
    assert problem(await visitor.get(f"{MOUNT}/agents"))[0] == 401
    assert problem(await visitor.get(f"{MOUNT}/events/t"))[0] == 401


async def test_the_widgets_files_say_that_there_is_no_widget(visitor: Client) -> None:
    answer = await visitor.get(f"{MOUNT}/assets/chat.widget.js")

    assert "has no chat widget" in answer.text
    assert problem(await visitor.get(f"{MOUNT}/assets/other.js"))[0] == 404

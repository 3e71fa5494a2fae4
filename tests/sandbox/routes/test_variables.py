"""What the components of a flow can refer to, and what is wrong with what they do refer to."""

import json
from typing import Any

from tests.sandbox.harness import entry
from tests.sandbox.routes.conftest import STEP, TRIGGER, Client, echo_flow, problem, saved

LAST = "33333333-3333-4333-8333-333333333333"


def chain() -> dict[str, Any]:
    """Return a webhook, a data store that is written, and a condition after it."""
    return {
        TRIGGER: entry("http.WebhookTrigger"),
        STEP: entry("storage.Set", (TRIGGER, "request"), fields={"key": "k"}),
        LAST: entry("controls.Condition", STEP),
    }


async def fetched(client: Client, descriptor: dict[str, Any], **body: Any) -> dict[str, Any]:
    flow_id = await saved(client, descriptor)
    answer = await client.post(f"/variables/{flow_id}/fetch", json=body)
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


async def complaints(client: Client, descriptor: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return (component id, keyword, message) of everything that validation finds."""
    answer = await client.get(f"/flows/{await saved(client, descriptor)}/validate")
    return [
        (found["componentId"], one["keyword"], one["message"])
        for found in answer.raise_for_status().json()["errors"]
        for one in found["errors"]
    ]


def values(link: dict[str, Any]) -> list[str]:
    return [one["value"] for one in link["variables"]["dynamic"]]


async def test_a_component_refers_to_everything_that_comes_before_it(ann: Client) -> None:
    found = await fetched(ann, chain())

    link = found["components"][LAST]["links"]["in"][STEP]["out"]
    assert [value for value in values(link) if STEP in value] == [
        f"{{{{{{$.{STEP}.out{path}}}}}}}"
        for path in (".key", ".oldValue", ".newValue", ".createdAt", ".updatedAt", "")
    ]
    assert f"{{{{{{$.{TRIGGER}.request.data}}}}}}" in values(link)
    assert f"{{{{{{$.{TRIGGER}.request}}}}}}" in values(link)
    assert found["components"][TRIGGER]["links"] == {}


async def test_a_variable_says_where_it_comes_from(ann: Client) -> None:
    found = await fetched(ann, chain())

    link = found["components"][LAST]["links"]["in"][STEP]["out"]
    raw = [one for one in link["variables"]["dynamic"] if one["label"] == "Raw Output"]
    assert [(one["componentId"], one["port"], one["hardwired"]) for one in raw] == [
        (STEP, "out", True), (TRIGGER, "request", False)
    ]  # fmt: skip


async def test_only_the_ports_that_lead_to_a_component_are_told(ann: Client) -> None:
    descriptor = {
        TRIGGER: entry("controls.OnStart"),
        STEP: entry("controls.Each", TRIGGER),
        LAST: entry("controls.Condition", (STEP, "item")),
        "d": entry("controls.Condition", (STEP, "error")),
    }

    found = (await fetched(ann, descriptor))["components"]

    after_item = values(found[LAST]["links"]["in"][STEP]["item"])
    after_error = values(found["d"]["links"]["in"][STEP]["error"])
    assert f"{{{{{{$.{STEP}.item.value}}}}}}" in after_item
    assert not any(".done" in value for value in (*after_item, *after_error))
    assert f"{{{{{{$.{STEP}.error.error}}}}}}" in after_error


async def test_an_example_of_an_event_is_told_as_a_schema(ann: Client) -> None:
    example = json.dumps({"msg": "hi", "user": {"name": "Ann"}})
    properties = {"event": "e", "eventDataExample": example}
    descriptor = {
        TRIGGER: entry("appevents.OnAppEvent", properties=properties),
        STEP: entry("controls.Condition", TRIGGER),
    }

    found = await fetched(ann, descriptor)

    dynamic = found["components"][STEP]["links"]["in"][TRIGGER]["out"]["variables"]["dynamic"]
    [data] = [one for one in dynamic if one["value"].endswith(".out.data}}}")]
    assert set(data["schema"]["properties"]) == {"msg", "user"}
    assert set(data["schema"]["properties"]["user"]["properties"]) == {"name"}


async def test_fields_and_properties_are_told_with_their_choices(ann: Client) -> None:
    found = (await fetched(ann, chain()))["components"]

    properties = found[TRIGGER]["properties"]
    assert set(properties) == {"inspector", "variables", "schema"}
    assert set(properties["inspector"]) == {"inputs", "groups", "errors"}
    inspector = found[STEP]["links"]["in"][TRIGGER]["request"]["inspector"]
    assert {"storeId", "key", "value"} <= set(inspector["inputs"])


async def test_flow_variables_are_told_unless_one_does_not_want_them(ann: Client) -> None:
    everything = await fetched(ann, echo_flow())
    less = await fetched(ann, echo_flow(), flow=False)

    names = {one["name"] for one in everything["flow"]}
    assert {"g_flowId", "g_now", "g_uuid4", "g_pi"} <= names
    assert len(names) == 10
    assert all(one["label"] and one["category"] for one in everything["flow"])
    assert "flow" not in less


async def test_one_asks_for_some_components_and_parts(ann: Client) -> None:
    wanted = {"IDs": [LAST, "none"], "properties": False}

    found = await fetched(ann, chain(), components=wanted)

    assert {name: set(parts) for name, parts in found["components"].items()} == {LAST: {"links"}}


async def test_a_loop_and_an_unknown_component_are_told_about_too(ann: Client) -> None:
    descriptor = {
        TRIGGER: {"type": "acme.a.b.C"},
        STEP: entry("controls.Condition", TRIGGER, (LAST, "true")),
        LAST: entry("controls.Condition", (STEP, "true"), "nobody"),
    }

    found = (await fetched(ann, descriptor))["components"]

    assert values(found[STEP]["links"]["in"][TRIGGER]["out"]) == [f"{{{{{{$.{TRIGGER}.out}}}}}}"]
    assert len(values(found[LAST]["links"]["in"][STEP]["true"])) == 3
    assert found[LAST]["links"]["in"]["nobody"]["out"]["variables"]["dynamic"] == []


async def test_a_flow_with_too_much_to_tell_is_told_in_parts(ann: Client) -> None:
    descriptor: dict[str, Any] = {TRIGGER: entry("http.WebhookTrigger")}
    previous = (TRIGGER, "request")
    for number in range(300):
        descriptor[f"step-{number}"] = entry("storage.Set", previous)
        previous = (f"step-{number}", "out")
    flow_id = await saved(ann, descriptor)
    path = f"/variables/{flow_id}/fetch"

    everything = await ann.post(path, json={})
    some = await ann.post(path, json={"components": {"IDs": ["step-299"]}})

    assert "components.IDs" in problem(everything)[1]
    assert len(values(some.json()["components"]["step-299"]["links"]["in"]["step-298"]["out"])) > 9


async def test_a_variable_that_leads_to_nothing_is_found(ann: Client) -> None:
    descriptor = chain()
    fields = {
        "storeId": "s", "value": f"{{{{{{$.{TRIGGER}.request.data.any.thing}}}}}}",
        "key": f"{{{{{{$.{TRIGGER}.request.nothing}}}}}}",
    }  # fmt: skip
    descriptor[STEP] = entry("storage.Set", (TRIGGER, "request"), fields=fields)

    found = [one for one in await complaints(ann, descriptor) if one[1] == "variable"]

    [(component_id, _, message)] = found
    assert component_id == STEP
    assert message.startswith("Input field key contains invalid variable")


async def test_a_component_of_unknown_output_may_send_anything(ann: Client) -> None:
    fields = {"storeId": "s", "key": f"{{{{{{$.{STEP}.out.mine}}}}}}", "value": "v"}
    variables = {"ADD": [{"name": "mine", "type": "text", "text": "x"}]}
    descriptor = {
        TRIGGER: entry("controls.OnStart"),
        STEP: entry("controls.SetVariable", TRIGGER, fields={"variables": variables}),
        LAST: entry("storage.Set", STEP, fields=fields),
    }

    assert await complaints(ann, descriptor) == []


async def test_the_webhook_of_a_component_is_told(ann: Client, bob: Client) -> None:
    flow_id = await saved(ann, chain())

    answer = await ann.get(f"/triggers/{TRIGGER}/url")

    assert answer.json()["url"] == f"http://127.0.0.1:2200/flows/{flow_id}/components/{TRIGGER}"
    assert problem(await ann.get(f"/triggers/{LAST}/url"))[0] == 404
    assert problem(await bob.get(f"/triggers/{TRIGGER}/url"))[0] == 404

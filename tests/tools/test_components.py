"""What flows are built of: found by what it does, shown as far as flows need it, published."""

import base64
import io
import json
import zipfile

from .conftest import ECHO

ERAS = ("auto",)
"""The tour of test_same_facts calls each of these tools in both eras."""

CRM = "acme.crm.contacts.Create"
ICON = "data:image/png;base64," + "A" * 50_000
MANIFEST = {
    "name": CRM,
    "label": "Create Contact",
    "description": "Adds a customer to the address book.",
    "icon": ICON,
    "auth": {"service": "acme:crm"},
    "inPorts": [
        {
            "name": "in",
            "maxConnections": 1,
            "schema": {"properties": {"email": {"type": "string"}}, "required": ["email"]},
            "inspector": {
                "inputs": {
                    "email": {"type": "text", "label": "E-mail", "tooltip": "x" * 5_000},
                    "kind": {"type": "select", "options": [{"label": "Lead", "value": "lead"}]},
                    "rules": {"type": "expression", "levels": ["AND", "OR"], "fields": {"a": {}}},
                    "list": {
                        "type": "select",
                        "source": {
                            "url": "/component/appmixer/utils/controls/MockValue?outPort=out",
                            "data": {"messages": {"in": {"value": "inputs/in/book"}}},
                        },
                    },
                    "evil": {"type": "select", "source": {"url": "/users/me/../delete"}},
                }
            },
        }
    ],
    "outPorts": [{"name": "out", "options": [{"label": "Id", "value": "id"}]}],
}


def archive(*manifests):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for one in manifests:
            folder = one["name"].replace(".", "/")
            file.writestr(f"{folder}/component.json", json.dumps(one))
    return base64.b64encode(content.getvalue()).decode()


def archive_of_much():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(6):
            file.writestr(f"{number}/component.json", "[" * 1_900_000)
    return base64.b64encode(content.getvalue()).decode()


def broken_archive(packing):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", packing) as file:
        file.writestr("component.json", json.dumps(MANIFEST) * 9)
    packed = bytearray(content.getvalue())
    start = 30 + len("component.json")  # behind the header of the file
    packed[start : start + 40] = b"\xff" * 40
    return base64.b64encode(packed).decode()


async def test_a_component_is_among_the_first_three_for_what_it_does(tools):
    wanted = {
        "ask a person for approval": "tasks.RequestApproval",
        "loop over a list": "controls.Each",
        "run every day at 9": "timers.Scheduler",
        "if the amount is over 1000": "controls.Condition",
        "write a record to a data store": "storage.Set",
    }

    found = {
        query: [one["component_type"] for one in page["items"]]
        for query in wanted
        if (page := await tools("search_components", query=query, limit=3))
    }

    assert {query: f"appmixer.utils.{best}" in found[query] for query, best in wanted.items()} == (
        dict.fromkeys(wanted, True)
    )


async def test_a_published_component_is_found_at_once_and_shown_without_ballast(tools):
    assert (await tools("search_components", query="xyzzy"))["items"] == []
    await tools.confirmed("publish_component", manifest=MANIFEST)

    found = await tools("search_components", query="address book of customers", limit=1)
    shown = await tools("get_component", component_type=CRM)

    assert found["items"][0]["component_type"] == CRM
    assert len(json.dumps(shown)) < 2_500
    assert shown["in_ports"] == [{"name": "in", "one_link": True}]
    fields = {one["name"]: one for one in shown["fields"]}
    assert (fields["email"]["port"], fields["email"]["required"]) == ("in", True)
    assert fields["kind"]["options"] == ["lead"]
    assert json.loads(fields["rules"]["shape"]) == {"AND": [{"OR": [{"a": ""}]}]}
    assert shown["account_service"] == "acme:crm"
    assert shown["out_ports"] == [{"name": "out", "variables": ["id"]}]


async def test_the_example_of_a_component_is_an_entry_that_can_be_saved_and_run(tools):
    types = ("storage.Set", "controls.Condition", "http.WebhookTrigger", "tasks.RequestApproval")
    descriptor = dict(ECHO)
    for one in types:
        shown = await tools("get_component", component_type=f"appmixer.utils.{one}")
        entry = json.dumps(shown["example"]).replace("SENDER_ID", "hook")
        entry = entry.replace("OUT_PORT.path", "request.data").replace("OUT_PORT", "request")
        descriptor[one.partition(".")[2]] = json.loads(entry)

    made = await tools("create_flow", name="f", descriptor=descriptor)

    found = await tools("validate_flow", flow_id=made["flow_id"])
    assert found["problems"] == []


async def test_values_of_a_field_come_from_the_manifest_or_from_what_lists_them(tools):
    await tools.confirmed("publish_component", manifest=MANIFEST)
    store = await tools("create_store", name="Orders")
    field = {"component_type": "appmixer.utils.storage.Set", "field": "storeId"}
    book = {"component_type": CRM, "field": "list"}

    stores = await tools("get_component_options", **field)
    kinds = await tools("get_component_options", component_type=CRM, field="kind")
    people = await tools(
        "get_component_options", **book, values={"book": [{"id": 1, "name": "Al"}]}
    )

    assert stores["items"] == [{"value": store["store_id"], "label": "Orders"}]
    assert kinds["items"] == [{"value": "lead", "label": "Lead"}]
    assert people["items"] == [{"value": "1", "label": "Al"}]
    assert "depends on book" in await tools.refused("get_component_options", **book)
    assert "takes any value" in await tools.refused(
        "get_component_options", component_type=CRM, field="email"
    )
    # A stranger's manifest does not decide what else of the API is called.
    assert "no component" in await tools.refused(
        "get_component_options", component_type=CRM, field="evil"
    )


async def test_publishing_says_what_it_replaces_and_uninstalling_which_flows_suffer(tools):
    other = MANIFEST | {"name": "acme.crm.contacts.Find"}
    await tools.confirmed("publish_component", manifest=MANIFEST)
    await tools("create_flow", name="Uses it", descriptor={"c": {"type": CRM, "source": {}}})

    publishing = await tools("publish_component", archive_base64=archive(MANIFEST, other))
    await tools.confirmed("publish_component", archive_base64=archive(MANIFEST, other))
    removing = await tools("delete_component", selector="acme.crm")

    assert publishing["impact"] == [
        "Publishes acme.crm.contacts.Find for the users of this tenant",
        f"Replaces {CRM}; flows that use them run with the new ones",
    ]
    assert any("'Uses it'" in one for one in removing["impact"])
    assert (await tools("list_components", app="acme.crm"))["total"] == 2


async def test_what_cannot_be_published_is_refused_before_anybody_is_asked(tools):
    unfit = [
        ({}, "exactly one"),
        ({"archive_base64": "?"}, "not base64"),
        ({"archive_base64": "UEsDBA=="}, "no zip archive"),
        ({"archive_base64": archive()}, "no component.json"),
        ({"archive_base64": broken_archive(zipfile.ZIP_DEFLATED)}, "no zip archive"),
        ({"archive_base64": broken_archive(zipfile.ZIP_LZMA)}, "no zip archive"),
        # Small while it is packed, and a minute's work to read.
        ({"archive_base64": archive_of_much()}, "fewer components"),
        ({"from_file": "../crm.zip"}, "APPMIXER_FILES_DIR"),
        ({"manifest": {"label": "Nameless"}}, "needs a name"),
    ]

    for arguments, says in unfit:
        assert says in await tools.refused("publish_component", **arguments)

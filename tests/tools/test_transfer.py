"""Flows as documents, and from one tenant to another."""

import json
from typing import Any

import pytest

from appmixer_mcp.file_directory import FileDirectory
from appmixer_mcp.journal import Journal
from appmixer_mcp.session import Session

from .conftest import BASE_URL, ECHO, FAILING, as_user, tenant_in, tools_on
from .profiles import THERE, profiles_of

CRM = "acme.crm.contacts.Create"
TOOLSETS = ("flows", "stores", "accounts", "changes", "transfer")
TODAY = pytest.mark.parametrize("mode", ["auto"])
"""What says the same in both eras."""


@pytest.fixture
async def there(tmp_path):
    """The other tenant."""
    (tmp_path / "there").mkdir()
    async with tenant_in(tmp_path / "there") as tenant:
        yield tenant


@pytest.fixture(params=["auto", "legacy"])
async def mode(request):
    return request.param


@pytest.fixture
async def tools(tenant, there, tmp_path, mode):
    """Tools with a journal, a directory for files, and a profile named `there`."""
    (tmp_path / "files").mkdir()
    profiles = profiles_of(there, tmp_path)
    journal = Journal(tmp_path / "journal.db")
    files = FileDirectory(tmp_path / "files")
    kept = {"profiles": profiles, "journal": journal, "files": files}
    async with tools_on(tenant, *TOOLSETS, mode=mode, **kept) as tools:
        yield tools
    await profiles.aclose()
    await journal.aclose()


@pytest.fixture
async def tools_there(there, tmp_path):
    """Tools of a process that serves the profile, on the journal of the same data directory."""
    profiles = profiles_of(there, tmp_path)
    session = Session(THERE, lambda _: profiles.open("there"))
    journal = Journal(tmp_path / "journal.db")
    async with tools_on(there, *TOOLSETS, session=session, journal=journal) as tools:
        yield tools
    await journal.aclose()


async def flow_of(tools, name="Echo", descriptor=ECHO, **more):
    made = await tools("create_flow", name=name, descriptor=descriptor, **more)
    return made["flow_id"]


async def descriptor_of(tools, flow_id):
    return (await tools("get_flow", flow_id=flow_id, detail="descriptor"))["descriptor"]


def by_label(descriptor):
    return {entry["label"]: component_id for component_id, entry in descriptor.items()}


async def test_a_document_makes_the_same_flow_again_with_ids_of_its_own(tools, tmp_path):
    flow_id = await flow_of(tools, custom_fields={"team": "sales"})

    document = (await tools("export_flow", flow_id=flow_id))["document"]
    await tools("export_flow", flow_id=flow_id, to_file="echo.json")
    imported = await tools("import_flow", document=document)
    again = await tools("import_flow", from_file="echo.json", name="Again")

    copy = await descriptor_of(tools, imported["flow_id"])
    ids = by_label(copy)
    reply = copy[ids["Reply"]]
    transform = reply["config"]["transform"]["in"][ids["Hook"]]["request"]
    shown = await tools("get_flow", flow_id=again["flow_id"])
    assert json.loads((tmp_path / "files" / "echo.json").read_text()) == document
    assert document["references"]["component_types"] == [
        "appmixer.utils.http.WebhookTrigger",
        "appmixer.utils.http.Response",
    ]
    assert not copy.keys() & ECHO.keys()
    assert reply["source"] == {"in": {ids["Hook"]: ["request"]}}
    assert transform["modifiers"]["body"]["b1"]["variable"] == f"$.{ids['Hook']}.request.data"
    assert (shown["name"], shown["custom_fields"]) == ("Again", {"team": "sales"})
    assert shown["version"] == again["version"]
    outside = await tools.refused("export_flow", flow_id=flow_id, to_file="../echo.json")
    assert "must be relative" in outside
    undone = await tools.confirmed("undo_change", change_id=imported["change_id"])
    assert undone["done"]
    assert "no flow" in (await tools.refused("get_flow", flow_id=imported["flow_id"])).lower()


@TODAY
async def test_importing_over_a_flow_shows_the_diff_and_keeps_ids_and_can_be_undone(tools):
    flow_id = await flow_of(tools)
    document = (await tools("export_flow", flow_id=flow_id))["document"]
    document["descriptor"]["reply"]["config"]["transform"]["in"]["hook"]["request"]["lambda"][
        "statusCode"
    ] = 202
    same_elsewhere = json.loads(json.dumps(document).replace('"reply"', '"another id"'))

    preview = await tools("import_flow", document=same_elsewhere, flow_id=flow_id)
    done = await tools("import_flow", document=same_elsewhere, flow_id=flow_id, confirm=True)
    after = await descriptor_of(tools, flow_id)
    assert done["version"] == (await tools("get_flow", flow_id=flow_id))["version"]
    await tools.confirmed("undo_change", change_id=done["change_id"])

    assert preview["done"] is False
    assert [line for line in preview["impact"] if "statusCode" in line and "200 -> 202" in line]
    assert len(preview["impact"]) == 1
    assert after == document["descriptor"]
    assert await descriptor_of(tools, flow_id) == ECHO


@TODAY
async def test_importing_what_is_there_already_asks_nothing_and_changes_nothing(tools):
    flow_id = await flow_of(tools)
    await tools("start_flow", flow_id=flow_id)
    document = (await tools("export_flow", flow_id=flow_id))["document"]

    done = await tools("import_flow", document=document, flow_id=flow_id)

    assert done["done"]
    assert "same already" in done["message"]
    assert "change_id" not in done


@TODAY
async def test_a_running_flow_is_replaced_and_runs_on(tools):
    flow_id = await flow_of(tools)
    await tools("start_flow", flow_id=flow_id)
    document = (await tools("export_flow", flow_id=flow_id))["document"]
    document["descriptor"]["reply"]["label"] = "Answer"

    done = await tools.confirmed("import_flow", document=document, flow_id=flow_id)

    assert done["stage"] == "running"
    assert (await descriptor_of(tools, flow_id))["reply"]["label"] == "Answer"


@TODAY
async def test_what_is_no_document_is_refused_and_nothing_is_made(tools, tmp_path):
    (tmp_path / "files" / "no.json").write_text("{")
    refused: dict[str, Any] = {
        "Give either document": {},
        "no `descriptor`": {"document": {"name": "x"}},
        "`name`": {"document": {"descriptor": {}}},
        "`format`": {"document": {"name": "x", "descriptor": {}, "format": "n8n"}},
        "`customFields`": {"document": {"name": "x", "descriptor": {}, "customFields": 1}},
        "vendor.service": {"document": {"name": "x", "descriptor": {"a": {"type": "b"}}}},
        "no name of a file": {"from_file": "../secrets.json"},
        "missing.json": {"from_file": "missing.json"},
        "no JSON document": {"from_file": "no.json"},
    }

    said = {part: await tools.refused("import_flow", **one) for part, one in refused.items()}

    assert [part for part, text in said.items() if part not in text] == []
    assert (await tools("count_flows"))["count"] == 0


@TODAY
async def test_what_does_not_travel_is_named_before_and_after(tools, tools_there, tenant):
    store_id = (await tools("create_store", name="Orders"))["store_id"]
    there_id = (await tools_there("create_store", name="Orders"))["store_id"]
    old_id = (await tools("create_store", name="Old orders"))["store_id"]
    further = {
        "crm": {"type": CRM, "label": "Add contact", "source": {"in": {"save": ["out"]}}},
        "old": {
            "type": "appmixer.utils.storage.Clear",
            "label": "Clear",
            "source": {},
            "config": {"properties": {"storeId": old_id}},
        },
    }
    descriptor = json.loads(json.dumps(FAILING).replace("no-such-store", store_id)) | further
    flow_id = await flow_of(tools, "Intake", descriptor)
    account = {"service": "acme:crm", "token": {"key": "k"}}
    account_id = (await tools("create_account", **account))["account_id"]
    await as_user(tenant, "PUT", f"/auth/component/crm/{account_id}", {})

    preview = await tools("copy_flow_to", flow_id=flow_id, profile="there")
    done = await tools("copy_flow_to", flow_id=flow_id, profile="there", confirm=True)

    copied = await descriptor_of(tools_there, done["copy_id"])
    assert "new there" in preview["impact"][0]
    assert preview["impact"][1:] == done["to_mend"]
    assert done["to_mend"] == [
        f"There is no component '{CRM}' there, for 'Add contact'.",
        "The store 'Orders' becomes the one of that name there; records do not travel.",
        f"The store 'Old orders' ('{old_id}') does not travel; name one there in 'Clear'.",
        "Accounts do not travel; one is needed there for 'Add contact'.",
    ]
    assert store_id not in json.dumps(copied)
    assert json.dumps(copied).count(there_id) == 1
    assert (await tools_there("get_flow", flow_id=done["copy_id"]))["stage"] == "stopped"


async def test_a_copy_over_the_flow_of_its_name_shows_the_diff_and_is_undone_there(
    tools, tools_there
):
    flow_id = await flow_of(tools)
    first = await tools.confirmed("copy_flow_to", flow_id=flow_id, profile="there")
    before = await descriptor_of(tools_there, first["copy_id"])
    changed = json.loads(json.dumps(ECHO).replace("200", "204"))
    await tools("update_flow", flow_id=flow_id, descriptor=changed)
    await tools_there("start_flow", flow_id=first["copy_id"])

    preview = await tools("copy_flow_to", flow_id=flow_id, profile="there")
    second = await tools("copy_flow_to", flow_id=flow_id, profile="there", confirm=True)

    after = await descriptor_of(tools_there, first["copy_id"])
    assert second["copy_id"] == first["copy_id"]
    assert "over the one there (running)?" in preview["message"]
    assert [line for line in preview["impact"] if "200 -> 204" in line]
    assert after.keys() == before.keys()
    assert "It is running there." in second["message"]
    assert "only with that profile signed in" in second["message"]
    assert (await tools("list_changes"))["total"] == 2  # made and updated here
    await tools_there.confirmed("undo_change", change_id=second["change_id"])
    assert await descriptor_of(tools_there, first["copy_id"]) == before


@TODAY
async def test_two_flows_of_the_name_there_are_both_left_alone(tools, tools_there):
    flow_id = await flow_of(tools)
    for _ in range(2):
        await flow_of(tools_there)

    refused = await tools.refused("copy_flow_to", flow_id=flow_id, profile="there")

    assert "2 flows of the name 'Echo'" in refused


@TODAY
async def test_who_may_not_copy_is_told_what_to_do_instead(tools, tenant, there, tmp_path):
    flow_id = await flow_of(tools)
    unknown = await tools.refused("copy_flow_to", flow_id=flow_id, profile="elsewhere")
    async with tools_on(tenant, *TOOLSETS) as without:
        none = await without.refused("copy_flow_to", flow_id=flow_id, profile="there")
    wrong = profiles_of(there, tmp_path, password="wrong")
    async with tools_on(tenant, *TOOLSETS, profiles=wrong) as signed_out:
        refused = await signed_out.refused("copy_flow_to", flow_id=flow_id, profile="there")
    here = profiles_of(tenant, tmp_path, base_url=BASE_URL)
    async with tools_on(tenant, *TOOLSETS, profiles=here) as circling:
        itself = await circling.refused("copy_flow_to", flow_id=flow_id, profile="there")

    assert "There are there." in unknown
    assert "appmixer-mcp profile add" in unknown
    assert "export_flow" in none
    assert "set-token there" in refused
    assert "clone_flow" in itself

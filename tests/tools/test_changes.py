"""Changes that tools make are listed, shown and taken back."""

import json

import anyio
import httpx2
import pytest

from appmixer_mcp.journal import USUAL_MAX_BYTES, Journal
from appmixer_mcp.sandbox.clock import RealClock
from appmixer_mcp.sandbox.stores import UserStores

from .conftest import ECHO, as_user, tools_on

ERAS = ("auto",)

BROKEN = {"a": {"type": "appmixer.utils.controls.Teleport", "label": "Beam", "source": {}}}


class Wire(httpx2.AsyncBaseTransport):
    """The way to a tenant, on which a test can stand."""

    def __init__(self, tenant, answer=None):
        self._below = httpx2.ASGITransport(app=tenant.app)
        self.answer = answer

    async def handle_async_request(self, request):
        answered = self.answer(request) if self.answer else None
        return answered or await self._below.handle_async_request(request)


@pytest.fixture
async def wire(tenant):
    return Wire(tenant)


@pytest.fixture
async def other_session(tenant, wire, journal):
    """The tools of another session of the same user, on a journal of the same directory."""
    theirs = Journal(journal._path)
    async with tools_on(tenant, transport=wire, journal=theirs) as tools:
        yield tools
    await theirs.aclose()


async def flow_of(tenant, flow_id):
    return await as_user(tenant, "GET", f"/flows/{flow_id}", None)


async def text_of(tenant, flow_id):
    """Return a flow's descriptor as the tenant spells it."""
    return json.dumps((await flow_of(tenant, flow_id))["flow"])


async def filled(tenant, store_id, count):
    """Write records into a store, every other one a text."""
    user = await as_user(tenant, "GET", "/user", None)
    stores = UserStores(tenant.database, RealClock(), user["id"])
    with tenant.database.transaction():
        for number in range(count):
            stores.set(store_id, f"k{number}", {"n": number} if number % 2 else f"{number}")


def relabelled(label):
    return ECHO | {"hook": ECHO["hook"] | {"label": label}}


async def undo(tools, result):
    return await tools.confirmed("undo_change", change_id=result["change_id"])


async def test_changes_are_listed_with_the_last_one_first(tools, webhook_flow):
    store_id = (await tools("create_store", name="Orders"))["store_id"]
    renamed = await tools("update_flow", flow_id=webhook_flow, name="Echo 2")

    page = await tools("list_changes")
    of_flow = await tools("list_changes", object_id=webhook_flow)

    assert [one["tool"] for one in page["items"]] == ["update_flow", "create_store", "create_flow"]
    assert page["items"][0]["change_id"] == renamed["change_id"]
    assert page["items"][1]["store_id"] == store_id
    assert [one["name"] for one in of_flow["items"]] == ["Echo", "Echo"]


async def test_changes_undone_one_by_one_give_the_descriptor_back_byte_for_byte(
    tools, tenant, webhook_flow
):
    original = await text_of(tenant, webhook_flow)
    reordered = dict(reversed(ECHO.items()))
    changes = [
        await tools("update_flow", flow_id=webhook_flow, descriptor=descriptor)
        for descriptor in (relabelled("New"), reordered, reordered | {"x": BROKEN["a"]})
    ]

    undone = [await undo(tools, change) for change in reversed(changes)]

    assert await text_of(tenant, webhook_flow) == original
    assert undone[-1]["message"] == "Undid update_flow: the flow 'Echo' is as it was before."


async def test_the_undo_of_an_undo_is_a_redo(tools, tenant, webhook_flow):
    change = await tools("update_flow", flow_id=webhook_flow, name="Two", custom_fields={"a": 1})
    preview = await tools("undo_change", change_id=change["change_id"])
    undone = await tools("undo_change", change_id=change["change_id"], confirm=True)
    before = await flow_of(tenant, webhook_flow)

    again = await tools.refused("undo_change", change_id=change["change_id"])
    await undo(tools, undone)

    after = await flow_of(tenant, webhook_flow)
    assert preview["message"] == "Undo update_flow on the flow 'Echo'?"
    assert preview["impact"] == ["name: 'Two' -> 'Echo'", "customFields.a removed, was 1"]
    assert (before["name"], before["customFields"]) == ("Echo", {})
    assert undone["change_id"] in again
    assert (after["name"], after["customFields"]) == ("Two", {"a": 1})


async def test_a_change_is_shown_as_a_readable_difference(tools, webhook_flow):
    without_reply = {"hook": ECHO["hook"] | {"label": "Orders come in"}}
    change = await tools.confirmed("update_flow", flow_id=webhook_flow, descriptor=without_reply)

    shown = await tools("show_change", change_id=change["change_id"])

    assert shown["differences"] == [
        "- removed 'Reply', 'appmixer.utils.http.Response'",
        "~ 'Orders come in': label: 'Hook' -> 'Orders come in'",
    ]
    assert shown["undo"] == "undo_change takes it back."


async def test_what_another_session_of_ours_changed_since_is_named_and_not_lost(
    tools, other_session, webhook_flow
):
    first = await tools("update_flow", flow_id=webhook_flow, name="First")
    second = await other_session("update_flow", flow_id=webhook_flow, name="Second")

    said = await tools.refused("undo_change", change_id=first["change_id"])

    assert f"change {second['change_id']}" in said
    assert (await tools("get_flow", flow_id=webhook_flow))["name"] == "Second"


async def test_what_somebody_else_changed_or_deleted_since_is_not_lost(tools, tenant):
    changes = []
    for number in range(2):
        made = await tools("create_flow", name=f"Flow {number}", descriptor=ECHO)
        changes.append(await tools("update_flow", flow_id=made["flow_id"], name="Ours"))
    edited, deleted = changes
    await as_user(tenant, "PUT", f"/flows/{edited['flow_id']}", {"name": "Theirs"})
    await as_user(tenant, "DELETE", f"/flows/{deleted['flow_id']}", None)
    modified_at = (await tools("get_flow", flow_id=edited["flow_id"]))["modified_at"]

    about_edited = await tools.refused("undo_change", change_id=edited["change_id"])
    about_deleted = await tools.refused("undo_change", change_id=deleted["change_id"])

    assert f"somebody else has changed the flow 'Flow 0' at {modified_at[:19]}" in about_edited
    assert "somebody else has deleted" in about_deleted
    assert (await tools("get_flow", flow_id=edited["flow_id"]))["name"] == "Theirs"


async def test_a_flow_that_changes_between_the_preview_and_the_yes_is_not_undone(
    tools, tenant, webhook_flow
):
    change = await tools("update_flow", flow_id=webhook_flow, name="Ours")
    await tools("undo_change", change_id=change["change_id"])
    await tools("start_flow", flow_id=webhook_flow)

    answer = await tools("undo_change", change_id=change["change_id"], confirm=True)

    assert "It changed" in answer["next_step"]
    assert (await flow_of(tenant, webhook_flow))["name"] == "Ours"


async def test_a_deleted_flow_is_back_whole_under_its_id_and_stopped(tools, tenant):
    crm = {"crm 1": {"type": "acme.crm.contacts.Create", "source": {}}}
    flow_id = (await tools("create_flow", name="Leads", descriptor=ECHO | crm))["flow_id"]
    account = await tools("create_account", service="acme:crm", token={"key": "k"})
    await as_user(tenant, "PUT", f"/auth/component/crm 1/{account['account_id']}", {})
    shared = [{"email": "bob@example.com", "permissions": ["read"]}]
    more = {"thumbnail": "data:,x", "sharedWith": shared, "notes": {"n": 1}, "categories": ["c"]}
    await as_user(tenant, "PUT", f"/flows/{flow_id}", more)
    before = await flow_of(tenant, flow_id)

    deleted = await tools.confirmed("delete_flow", flow_id=flow_id)
    undone = await undo(tools, deleted)

    after = await flow_of(tenant, flow_id)
    accounts = await tools("get_flow_authentication", flow_id=flow_id)
    moving = {"btime", "mtime"}
    assert (undone["flow_id"], undone["stage"]) == (flow_id, "stopped")
    assert {k: v for k, v in after.items() if k not in moving} == {
        k: v for k, v in before.items() if k not in moving
    }
    assert accounts["components"]["crm 1"]["accountId"] == account["account_id"]

    await undo(tools, undone)

    assert (await tools("count_flows"))["count"] == 0


async def test_a_tenant_that_chooses_ids_itself_gives_a_deleted_flow_another_one(
    tools, tenant, wire, other_session, webhook_flow
):
    renamed = await other_session("update_flow", flow_id=webhook_flow, name="Renamed")
    deleted = await other_session.confirmed("delete_flow", flow_id=webhook_flow)
    wire.answer = lambda request: httpx2.Response(404) if request.method == "PUT" else None

    undone = await undo(other_session, deleted)
    wire.answer = None
    await undo(other_session, renamed)

    new_id = undone["flow_id"]
    assert new_id != webhook_flow
    assert new_id in undone["message"]
    assert (await flow_of(tenant, new_id))["name"] == "Echo"


async def test_what_was_made_is_deleted_again_while_it_is_as_it_was_made(tools, webhook_flow):
    clone = await tools("clone_flow", flow_id=webhook_flow)
    store = await tools("create_store", name="Orders")
    used = await tools("create_store", name="Used")
    record = await tools("create_store_item", store_id=used["store_id"], key="k", value="v")

    renamed = await tools("rename_store", store_id=store["store_id"], name="Old orders")
    await undo(tools, clone)
    await undo(tools, renamed)
    await undo(tools, store)
    said = await tools.refused("undo_change", change_id=used["change_id"])

    assert [one["flow_id"] for one in (await tools("list_flows"))["items"]] == [webhook_flow]
    assert [one["name"] for one in (await tools("list_stores"))["items"]] == ["Used"]
    assert f"change {record['change_id']}" in said
    assert "somebody else" not in said


async def test_a_deleted_store_is_back_with_its_records_under_another_id(tools, tenant):
    store_id = (await tools("create_store", name="Orders"))["store_id"]
    await filled(tenant, store_id, 150)
    asked = {"sort": "key:1", "limit": 100, "offset": 60}
    before = await tools("list_store_records", store_id=store_id, fields=["value"], **asked)

    deleted = await tools.confirmed("delete_store", store_id=store_id)
    undone = await undo(tools, deleted)

    new_id = undone["store_id"]
    after = await tools("list_store_records", store_id=new_id, fields=["value"], **asked)
    assert new_id in undone["message"]
    assert after == before
    assert (await tools("get_store", store_id=new_id))["name"] == "Orders"


async def test_records_that_were_deleted_overwritten_and_renamed_are_as_they_were(tools):
    store_id = (await tools("create_store", name="Orders"))["store_id"]
    for key in ("a", "b"):
        await tools("create_store_item", store_id=store_id, key=key, value=f"old {key}")
    overwritten = await tools.confirmed(
        "create_store_item", store_id=store_id, key="a", value="5", value_is_json=True,
        overwrite=True,
    )  # fmt: skip
    moved = await tools.confirmed(
        "update_store_item", store_id=store_id, key="b", value="new b", new_key="c"
    )
    deleted = await tools.confirmed("delete_store_items", store_id=store_id, keys=["a", "c"])
    said = await tools.refused("undo_change", change_id=moved["change_id"])

    for change in (deleted, moved, overwritten):
        await undo(tools, change)

    page = await tools("list_store_records", store_id=store_id, sort="key:1")
    assert f"change {deleted['change_id']}" in said
    assert [(one["key"], one["value"]) for one in page["items"]] == [("a", "old a"), ("b", "old b")]


async def test_a_running_flow_that_would_not_start_any_more_runs_on_as_it_was(
    tools, tenant, webhook_flow
):
    await tools("start_flow", flow_id=webhook_flow)
    before = await text_of(tenant, webhook_flow)
    broken = {"flow_id": webhook_flow, "descriptor": ECHO | BROKEN}

    preview = await tools("update_flow", **broken)
    said = await tools.refused("update_flow", **broken, confirm=True)

    assert "stopped, changed and started again" in preview["impact"][0]
    assert "runs again as it was" in said
    assert "appmixer.utils.controls.Teleport" in said
    assert (await flow_of(tenant, webhook_flow))["stage"] == "running"
    assert await text_of(tenant, webhook_flow) == before
    assert [one["tool"] for one in (await tools("list_changes"))["items"]] == ["create_flow"]


async def test_a_running_flow_runs_on_with_a_change_and_with_its_undo(tools, tenant, webhook_flow):
    await tools("start_flow", flow_id=webhook_flow)
    change = await tools.confirmed(
        "update_flow", flow_id=webhook_flow, descriptor=relabelled("New")
    )

    undone = await undo(tools, change)

    flow = await flow_of(tenant, webhook_flow)
    assert (change["stage"], undone["stage"], flow["stage"]) == ("running",) * 3
    assert flow["flow"]["hook"]["label"] == "Hook"


@pytest.mark.parametrize("journal", ["full", "read-only", "off"], indirect=True)
async def test_a_write_that_cannot_be_undone_says_so_and_asks_before_it_acts(
    tools, tenant, webhook_flow
):
    renamed = {"flow_id": webhook_flow, "name": "Echo 2"}

    preview = await tools("update_flow", **renamed)
    meanwhile = (await flow_of(tenant, webhook_flow))["name"]
    done = await tools("update_flow", **renamed, confirm=True)

    assert preview["done"] is False
    assert preview["impact"][0].startswith("undo_change cannot take this back: ")
    assert meanwhile == "Echo"
    assert (done["done"], "change_id" in done) == (True, False)
    assert (await flow_of(tenant, webhook_flow))["name"] == "Echo 2"


@pytest.mark.parametrize("journal", ["read-only"], indirect=True)
async def test_whatever_writes_says_that_it_cannot_be_undone_and_asks_before_it_acts(
    tools, webhook_flow
):
    store_id = (await tools("create_store", name="Orders"))["store_id"]
    of_store, of_flow = {"store_id": store_id}, {"flow_id": webhook_flow}
    version_id = (await tools("save_flow_version", **of_flow))["version"]["version_id"]
    document = (await tools("export_flow", **of_flow))["document"]
    item = {"key": "k", "value": "1"}
    asked, done = [], []

    async def write(tool, **arguments):
        asked.append((await tools(tool, **arguments))["impact"])
        done.append(await tools(tool, **arguments, confirm=True))

    new = await tools("create_store_item", **of_store, **item)
    await write("create_store_item", **of_store, **item | {"value": "2"}, overwrite=True)
    await write("update_store_item", **of_store, key="k", new_key="l")
    await write("import_store_items", **of_store, items=[item])
    await write("delete_store_items", **of_store, keys=["k"])
    await write("delete_store", **of_store)
    base = (await tools("get_flow", **of_flow))["version"]
    label = {"op": "rename", "component": "Hook", "label": "New"}
    await write("edit_flow", **of_flow, base_version=base, operations=[label])
    await write("restore_flow_version", **of_flow, version_id=version_id)
    await write("update_flow", **of_flow, name="Renamed", descriptor=relabelled("Newer"))
    await write("import_flow", **of_flow, document=document)
    await write("delete_flow", **of_flow)

    assert (new["done"], "change_id" in new) == (True, False)  # nothing is lost by that
    said = "undo_change cannot take this back: the journal of changes cannot be written"
    assert [lines for lines in asked if not any(one.startswith(said) for one in lines)] == []
    assert [one["done"] for one in done] == [True] * len(asked)
    assert not any("change_id" in one for one in done)
    assert "restore_flow_version with" in done[5]["message"]


@pytest.mark.parametrize("journal", ["small"], indirect=True)
async def test_what_is_just_too_large_to_be_kept_is_told_once_and_then_written(tools, tenant):
    made = await tools("create_flow", name="Echo", descriptor={})
    picture = {"thumbnail": f"data:,{'x' * 2_000}"}
    await as_user(tenant, "PUT", f"/flows/{made['flow_id']}", picture)
    store_id = (await tools("create_store", name="Orders"))["store_id"]
    value = "x" * 1_975  # with the new key, too much
    await tools("create_store_item", store_id=store_id, key="k", value=value)
    renamed = {"store_id": store_id, "key": "k", "new_key": "new"}

    previews = [
        await tools("undo_change", change_id=made["change_id"]),
        await tools("update_store_item", **renamed),
    ]
    results = [
        await tools("undo_change", change_id=made["change_id"], confirm=True),
        await tools("update_store_item", **renamed, confirm=True),
    ]

    assert all("keeps at most 2,000" in one["impact"][0] for one in previews)
    assert [one["done"] for one in results] == [True, True]


@pytest.fixture
async def journal(tmp_path, request):
    """A journal; one that keeps nothing where a test asks for that."""
    how = getattr(request, "param", "")
    (tmp_path / "file").write_text("no directory")
    path = tmp_path / ("file" if how == "read-only" else "data") / "journal.db"
    journal = Journal(
        path, max_bytes={"full": 300, "off": 0, "small": 2_000}.get(how, USUAL_MAX_BYTES)
    )
    yield journal
    await journal.aclose()


async def test_a_store_with_more_records_than_are_kept_says_so_before_it_is_deleted(tools, tenant):
    store_id = (await tools("create_store", name="Orders"))["store_id"]
    await filled(tenant, store_id, 1_001)

    preview = await tools("delete_store", store_id=store_id)

    assert "more than 1,000 records are not kept" in preview["impact"][0]
    assert preview["impact"][1] == "1,001 records: for good"


async def test_changes_of_a_tenant_without_versions_can_be_undone(
    tools, tenant, wire, other_session, webhook_flow
):
    wire.answer = lambda one: httpx2.Response(404) if "/versions" in one.url.path else None

    change = await other_session("update_flow", flow_id=webhook_flow, descriptor=relabelled("New"))
    await undo(other_session, change)

    assert (await flow_of(tenant, webhook_flow))["flow"] == ECHO


@pytest.mark.long
async def test_a_flow_of_two_megabytes_can_be_undone(tools, tenant):
    large = {
        f"c{n}": {"type": "appmixer.utils.controls.OnStart", "label": "x" * 2_000, "source": {}}
        for n in range(950)
    }
    flow_id = (await tools("create_flow", name="Large", descriptor=large))["flow_id"]
    before = await text_of(tenant, flow_id)

    change = await tools.confirmed("update_flow", flow_id=flow_id, descriptor={})
    await undo(tools, change)

    assert len(before) > 1_900_000
    assert await text_of(tenant, flow_id) == before


async def test_a_write_whose_answer_was_lost_is_listed_as_interrupted_and_can_be_undone(
    tools, tenant, wire, other_session, webhook_flow
):
    real = wire._below

    class Deaf(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request):
            answer = await real.handle_async_request(request)
            if request.method == "PUT":
                raise httpx2.ReadError("lost", request=request)
            return answer

    wire._below = Deaf()
    await other_session.refused("update_flow", flow_id=webhook_flow, name="Maybe")
    wire._below = real
    listed = (await tools("list_changes"))["items"][0]

    undone = await undo(tools, listed)

    assert listed["interrupted"] is True
    assert undone["done"] is True
    assert (await flow_of(tenant, webhook_flow))["name"] == "Echo"


@pytest.mark.parametrize("is_running", [False, True])
async def test_what_somebody_changes_while_a_write_is_under_way_is_not_overwritten(
    is_running, tenant, wire, other_session, webhook_flow
):
    if is_running:
        await other_session("start_flow", flow_id=webhook_flow)
    inside = wire._below
    write = {"flow_id": webhook_flow, "descriptor": relabelled("Ours")}
    theirs = {"flow": relabelled("Theirs")}

    class Meddler(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request):
            if request.url.path.endswith("/versions"):  # which are kept after the flow is read
                forced = "?forceUpdate=true" if is_running else ""
                await as_user(tenant, "PUT", f"/flows/{webhook_flow}{forced}", theirs)
            return await inside.handle_async_request(request)

    if is_running:
        await other_session("update_flow", **write)
    wire._below = Meddler()
    said = await other_session.refused(
        "update_flow", **write, **({"confirm": True} if is_running else {})
    )

    flow = await flow_of(tenant, webhook_flow)
    assert "changed by somebody else while update_flow was at work" in said
    assert "call update_flow again" in said
    assert flow["flow"]["hook"]["label"] == "Theirs"
    assert flow["stage"] == ("running" if is_running else "stopped")
    assert (await other_session("list_changes"))["total"] == 1  # that it was made


async def test_of_two_edits_at_once_each_is_one_change_that_can_be_undone(
    tools, tenant, webhook_flow
):
    changes = []

    async def edit(label):
        arguments = {"flow_id": webhook_flow, "descriptor": relabelled(label)}
        changes.append(await tools("update_flow", **arguments))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as at_once:
            for label in ("one", "two"):
                at_once.start_soon(edit, label)
    for change in reversed(changes):
        await undo(tools, change)

    assert (await flow_of(tenant, webhook_flow))["flow"] == ECHO


async def test_nobody_sees_or_undoes_the_changes_of_another_user(tools, other_tools, webhook_flow):
    change = await tools("update_flow", flow_id=webhook_flow, name="Mine")

    said = await other_tools.refused("undo_change", change_id=change["change_id"])

    assert "no such change" in said
    assert (await other_tools("list_changes")) == {"items": [], "total": 0}

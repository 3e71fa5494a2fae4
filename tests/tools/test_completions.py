"""Completions: what arguments of resources and prompts can be, by a part of a name or an id."""

from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.types import PromptReference, ResourceTemplateReference

from appmixer_mcp.options import ServerOptions
from appmixer_mcp.sandbox.config import LOCAL_USER
from appmixer_mcp.server import build_server
from tests.listings import named

from .conftest import as_user, session_on, tenant_in

TEMPLATES = {
    "flow_id": "appmixer://flows/{flow_id}",
    "store_id": "appmixer://stores/{store_id}",
    "task_id": "appmixer://tasks/{task_id}",
    "account_id": "appmixer://accounts/{account_id}",
    "component_type": "appmixer://components/{component_type}",
}


async def of_template(client, argument, text, uri=None):
    """Return how a client completes what varies in an address."""
    ref = ResourceTemplateReference(type="ref/resource", uri=uri or TEMPLATES[argument])
    return (await client.complete(ref, {"name": argument, "value": text})).completion


async def of_prompt(client, prompt, argument, text):
    ref = PromptReference(type="ref/prompt", name=prompt)
    return (await client.complete(ref, {"name": argument, "value": text})).completion


async def flow(tenant, name):
    return (await as_user(tenant, "POST", "/flows", {"name": name}))["flowId"]


async def task(tenant, title):
    task = {"title": title, "description": "Why", "requester": "ann@example.com"}
    task |= {"approver": LOCAL_USER, "decisionBy": "2099-01-01T00:00:00Z"}
    return (await as_user(tenant, "POST", "/people-task/tasks", task))["taskId"]


class Counting(httpx2.AsyncBaseTransport):
    """Carries requests to a tenant and keeps all but the sign-in."""

    def __init__(self, tenant):
        self.to_app = httpx2.ASGITransport(app=tenant.app)
        self.requests = []

    async def handle_async_request(self, request):
        if request.url.path != "/user/auth":
            self.requests.append(str(request.url))
        return await self.to_app.handle_async_request(request)


@pytest.fixture
async def transport(tenant):
    return Counting(tenant)


@pytest.fixture(params=["auto", "legacy"])
async def client(tenant, transport, request):
    """A client of either era."""
    session = session_on(tenant, transport=transport)
    async with Client(build_server(ServerOptions(session=session)), mode=request.param) as client:
        yield client
    await session.aclose()


@pytest.fixture
async def objects(tenant):
    """For each argument an object with `Invoice` in its name: its id, and its name."""
    account = {"service": "acme:crm", "token": {"key": "k"}, "displayName": "My Invoices"}
    for name in ("Orders", "News"):
        await flow(tenant, name)
        await task(tenant, name)
        await as_user(tenant, "POST", "/stores", {"name": name})
        await as_user(tenant, "POST", "/accounts", {**account, "name": name, "displayName": name})
    made = await as_user(tenant, "POST", "/accounts", account)
    store = await as_user(tenant, "POST", "/stores", {"name": "All invoices"})
    return {
        "flow_id": (await flow(tenant, "New invoice"), "New invoice"),
        "store_id": (store["storeId"], "All invoices"),
        "task_id": (await task(tenant, "Pay this INVOICE?"), "Pay this INVOICE?"),
        "account_id": (made["accountId"], "My Invoices"),
    }


@pytest.mark.parametrize("argument", ["flow_id", "store_id", "task_id", "account_id"])
async def test_an_id_is_found_by_a_part_of_the_name_or_of_itself(
    client, transport, objects, argument
):
    wanted, name = objects[argument]

    for text in ("invoice", "INVO", name, wanted, wanted[3:20]):
        transport.requests.clear()
        found = await of_template(client, argument, text)

        assert found.values == [wanted], text
        assert (found.total, found.has_more) == (1, False)
        assert len(transport.requests) == 1


async def test_a_component_type_is_found_by_any_part_of_it(client):
    found = await of_template(client, "component_type", "HTTP.g")

    assert found.values == ["appmixer.utils.http.Get"]


async def test_a_prompt_is_given_names_instead_of_ids(client, objects):
    flows = await of_prompt(client, "explain_flow", "flow", "voice")
    tasks = await of_prompt(client, "clear_approvals", "task", "voice")

    assert flows.values == ["New invoice"]
    assert tasks.values == ["Pay this INVOICE?"]


async def test_to_decide_only_a_task_that_waits_is_offered(tenant, client):
    decided = await task(tenant, "Pay invoice 1")
    await task(tenant, "Pay invoice 2")
    await as_user(tenant, "PUT", f"/people-task/tasks/{decided}/approve", {})

    offered = await of_prompt(client, "clear_approvals", "task", "invoice")

    assert offered.values == ["Pay invoice 2"]


@pytest.mark.parametrize("name", ["Twin", "in\u200bvisible", "two\nlines", "n" * 201, " "])
async def test_a_prompt_is_given_the_id_where_the_name_would_not_find_the_flow(
    tenant, client, name
):
    ids = {await flow(tenant, name)}
    if name == "Twin":
        ids.add(await flow(tenant, name))

    found = await of_prompt(client, "explain_flow", "flow", "")

    assert set(found.values) == ids


async def test_nothing_that_was_typed_is_more_than_a_text(tenant, client):
    signs = [
        ".*", "(", ")", "[a", "a{9}", "^", "$", "\\", "\\d", "|", "?", "+", '"x" OR "y"', "name:x",
        "%", "_", "*", "&limit=1", "#", "../user", "'; --", "{{x}}", "🚀", "ÄÖ",
    ]  # fmt: skip
    await flow(tenant, "plain name")
    ids = {sign: await flow(tenant, f"before {sign} after") for sign in signs}

    for sign in signs:
        found = await of_template(client, "flow_id", sign.swapcase())
        like_it = {ids[other] for other in signs if sign.casefold() in other.casefold()}
        assert set(found.values) == like_it, sign


async def test_a_hundred_are_shown_of_more_and_older_ones_are_found_by_name(tenant, client):
    oldest = await flow(tenant, "Rare one")
    for number in range(103):
        await flow(tenant, f"Flow {number}")
    newest = await flow(tenant, "Newest")

    every = await of_template(client, "flow_id", "")
    rare = await of_template(client, "flow_id", "rare ON")

    assert len(every.values) == 100
    assert every.values[0] == newest
    assert (every.has_more, every.total) == (True, None)
    assert rare.values == [oldest]


async def test_an_empty_text_is_completed_by_everything(client, objects):
    for argument, (wanted, _) in objects.items():
        found = await of_template(client, argument, "")

        assert wanted in found.values
        assert found.total == 3


async def test_what_is_unknown_has_no_completion_and_is_no_error(client, objects):
    unknown = [
        await of_template(client, "flow_id", "", uri="appmixer://ghosts/{flow_id}"),
        await of_template(client, "flow_id", "", uri="appmixer://flows"),
        await of_template(client, "store_id", "", uri=TEMPLATES["flow_id"]),
        await of_template(client, "ghost", "", uri=TEMPLATES["flow_id"]),
        await of_prompt(client, "no_such_prompt", "flow", ""),
        await of_prompt(client, "explain_flow", "ghost", ""),
        await of_prompt(client, "explain_flow", "colleague", ""),
        await of_template(client, "flow_id", "no such name"),
        await of_template(client, "flow_id", "very long " * 10_000),
    ]

    assert [one.values for one in unknown] == [[]] * 9


async def test_what_belongs_to_another_user_is_not_found(other_tools, objects):
    for argument in objects:
        assert (await of_template(other_tools.client, argument, "")).values == []


@pytest.mark.parametrize("how", ["settings", "request"])
async def test_what_is_not_served_is_not_completed(tenant, objects, how):
    options: dict[str, dict[str, Any]] = {
        "settings": {"toolsets": ("stores",)},
        "request": {"served_to": lambda _, served: served.within(named("stores"))},
    }
    transport = Counting(tenant)
    session = session_on(tenant, transport=transport)

    async with Client(build_server(ServerOptions(session=session, **options[how]))) as client:
        hidden = [await of_template(client, one, "") for one in TEMPLATES if one != "store_id"]
        hidden.append(await of_prompt(client, "explain_flow", "flow", ""))
        assert transport.requests == []
        served = await of_template(client, "store_id", "invoice")

    await session.aclose()
    assert [one.values for one in hidden] == [[]] * 5
    assert served.values == [objects["store_id"][0]]


async def test_read_only_mode_completes_what_is_read_and_no_prompt_that_needs_to_write(
    tenant, objects
):
    session = session_on(tenant)

    async with Client(build_server(ServerOptions(session=session, read_only=True))) as client:
        read = await of_template(client, "task_id", "invoice")
        asked = await of_prompt(client, "clear_approvals", "task", "invoice")

    await session.aclose()
    assert read.values == [objects["task_id"][0]]
    assert asked.values == []


async def test_the_other_dialect_is_completed_too(tmp_path):
    async with tenant_in(tmp_path, dialect="openapi") as tenant:
        ids = {
            "flow_id": await flow(tenant, "New invoice"),
            "task_id": await task(tenant, "Pay this INVOICE?"),
            "component_type": "appmixer.utils.http.Get",
        }
        session = session_on(tenant, dialect="openapi")
        async with Client(build_server(ServerOptions(session=session))) as client:
            texts = {"component_type": "http.get"}
            found = {
                one: (await of_template(client, one, texts.get(one, "invoice"))).values
                for one in ids
            }
            stores = await of_template(client, "store_id", "")
        await session.aclose()

    assert found == {argument: [wanted] for argument, wanted in ids.items()}
    assert stores.values == []

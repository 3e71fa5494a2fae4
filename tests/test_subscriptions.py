"""What clients that listen hear of changes, whoever made them."""

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from appmixer_mcp.api import AppmixerClient
from appmixer_mcp.sandbox.clock import RealClock, to_ms
from appmixer_mcp.sandbox.logs import LogRecord, write
from tests.hearing import Front, ear, listening, noting
from tests.processes import PROGRAM, call, stdio_server
from tests.serving import PASSWORD, client_of, mcp_server, people, plain_http, serving

pytestmark = pytest.mark.filterwarnings(
    "ignore:resources/:mcp.shared.exceptions.MCPDeprecationWarning"
)

FLOW = {"start": {"type": "appmixer.utils.controls.OnStart", "source": {}}}
FLOWS = "appmixer://flows"


def rarely(*ways):
    """Return ways whose like is tried each time, too."""
    return [pytest.param(way, marks=pytest.mark.long) for way in ways]


SOON_S = 0.02


@pytest.fixture
async def tenant(tmp_path):
    async with people(tmp_path / "tenant") as tenant:
        yield tenant


@pytest.fixture
async def front(tenant):
    """The tenant as the server sees it."""
    front = Front(tenant.tenant.app)
    async with serving(lambda _url: front, lifespan=False) as front.url:
        yield front


@pytest.fixture
def serve(tmp_path, tenant):
    """What serves MCP for the tenant."""

    def serve(interval_s=SOON_S, front=tenant, **settings):
        settings = {"auth": "bearer", "watch_interval_s": interval_s} | settings
        return mcp_server(tmp_path / "server", front.url, **settings)

    return serve


@pytest.fixture
async def ann(tenant):
    """Ann's own client of the tenant, past our server."""
    token = await tenant.sign_up("ann")
    async with AppmixerClient(tenant.url, access_token=token) as client:
        yield client


def token_of(client):
    return client.get("access_token")


def flow_uri(flow_id, rest=""):
    return f"appmixer://flows/{flow_id}{rest}"


async def made_task(tenant, client):
    """Have somebody ask Ann for something; returns the task's id."""
    task = {"title": "May I?", "requester": "ann@example.com", "approver": "ann@example.com"}
    headers = {"Authorization": f"Bearer {token_of(client)}"}
    async with plain_http(headers) as http:
        answer = await http.post(f"{tenant.url}/people-task/tasks", json=task)
    return answer.json()["taskId"]


@pytest.mark.parametrize("way", ["modern", "legacy", *rarely("sse", "sse of today")])
async def test_a_flow_started_by_one_client_is_heard_by_another_within_two_seconds(serve, ann, way):
    flow_id = await ann.flows.create_flow("one", FLOW)

    async with (
        serve(1.0, auth="none", access_token=token_of(ann)) as url,
        ear(url, way, flow_uri(flow_id)) as listener,
        client_of(url, "legacy") as another,
    ):
        await call(another, "start_flow", flow_id=flow_id)
        with anyio.fail_after(2):
            heard = await listener.next()

    assert heard == flow_uri(flow_id)


@pytest.mark.parametrize("way", ["modern", *rarely("legacy")])
async def test_what_is_changed_through_the_server_is_heard_without_a_look_at_the_tenant(
    serve, tenant, ann, way
):
    flow_id = await ann.flows.create_flow("one", FLOW)
    store_id = await ann.stores.create_store("s")
    task_id = await made_task(tenant, ann)
    flow, store = flow_uri(flow_id), f"appmixer://stores/{store_id}"
    task, flows = f"appmixer://tasks/{task_id}", FLOWS
    never_s, token, heard = 1_000.0, token_of(ann), {}

    async with (
        serve(never_s, confirm="off") as url,
        client_of(url, "modern", token) as another,
        ear(
            url, way, flow, flow_uri(flow_id, "/descriptor"), store, task, flows, token=token
        ) as it,
    ):

        async def hears(tool, count, **arguments):
            await call(another, tool, **arguments)
            heard[tool] = {await it.next() for _ in range(count)}

        await hears("create_store_item", 1, store_id=store_id, key="k", value="v")
        await hears("approve_task", 1, task_id=task_id)
        await hears("create_flow", 1, name="two")
        await hears("start_flow", 2, flow_id=flow_id)
        await hears("stop_flow", 2, flow_id=flow_id)
        await hears("update_flow", 3, flow_id=flow_id, descriptor=FLOW | {"more": FLOW["start"]})

    assert heard == {
        "create_store_item": {store},
        "approve_task": {task},
        "create_flow": {flows},
        "start_flow": {flow, flows},
        "stop_flow": {flow, flows},
        "update_flow": {flow, flows, flow_uri(flow_id, "/descriptor")},
    }


async def log(tenant, user, flow_id, severity):
    user_id, at_ms = (await user.users.get_user()).user_id, to_ms(RealClock().now())
    record = LogRecord(user_id=user_id, flow_id=flow_id, at_ms=at_ms, severity=severity)
    with tenant.tenant.database.transaction():
        write(tenant.tenant.database, record)


@pytest.mark.parametrize("others", [0, *rarely(5)])
async def test_what_is_changed_past_the_server_is_heard_by_whom_it_concerns(
    serve, tenant, ann, others
):
    flow_id = await ann.flows.create_flow("one", FLOW)
    task_id = await made_task(tenant, ann)
    more = [flow_uri(await ann.flows.create_flow("other")) for _ in range(others)]
    more += [f"appmixer://tasks/{await made_task(tenant, ann)}" for _ in range(others)]
    last = await ann.flows.create_flow("last")
    names = {
        flow_uri(flow_id): "flow",
        flow_uri(flow_id, "/descriptor"): "descriptor",
        flow_uri(flow_id, "/logs"): "logs",
        f"appmixer://tasks/{task_id}": "task",
    }
    changes = {
        "working": lambda: log(tenant, ann, flow_id, "info"),
        "failing": lambda: log(tenant, ann, flow_id, "error"),
        "renaming": lambda: ann.flows.update_flow(flow_id, {"name": "changed"}),
        "editing": lambda: ann.flows.update_flow(flow_id, {"flow": FLOW | {"more": FLOW["start"]}}),
        "deciding": lambda: ann.tasks.approve_task(task_id),
        "starting": lambda: ann.flows.start_flow(flow_id),
        "deleting": lambda: ann.flows.delete_flow(flow_id),
    }
    told = {}

    async with (
        serve() as url,
        ear(url, "modern", *names, *more, flow_uri(last), token=token_of(ann)) as listener,
    ):
        for change, make in changes.items():
            await make()
            told[change] = {await listener.next()}
            for again in range(2):  # the first may be told in one breath with the change
                await ann.flows.update_flow(last, {"name": f"{change} {again}"})
                told[change].update(await listener.hears(flow_uri(last)))

    assert {change: {names[uri] for uri in uris} for change, uris in told.items()} == {
        "working": {"logs"},
        "failing": {"flow", "logs"},
        "renaming": {"flow"},
        "editing": {"flow", "descriptor"},
        "deciding": {"task"},
        "starting": {"flow", "logs"},
        "deleting": {"flow", "descriptor"},
    }


@pytest.mark.long
async def test_the_list_of_flows_is_told_of_every_flow_that_comes_changes_and_goes(serve, ann):
    flow_id = await ann.flows.create_flow("one", FLOW)
    heard = []

    async with serve() as url, ear(url, "modern", FLOWS, token=token_of(ann)) as listener:
        for change in (
            ann.flows.create_flow("two"),
            ann.flows.start_flow(flow_id),
            ann.flows.delete_flow(flow_id),
        ):
            await change
            heard.append(await listener.next())

    assert heard == [FLOWS] * 3


@pytest.mark.parametrize("way", ["legacy", *rarely("sse")])
async def test_who_has_unsubscribed_hears_nothing_more(serve, ann, way):
    one, two = [await ann.flows.create_flow(name) for name in ("one", "two")]

    async with (
        serve() as url,
        ear(url, way, flow_uri(one), flow_uri(two), token=token_of(ann)) as listener,
    ):
        await listener.unsubscribe(flow_uri(one))
        await ann.flows.update_flow(one, {"name": "changed"})
        heard = []
        for name in ("changed", "changed again"):
            await ann.flows.update_flow(two, {"name": name})
            heard += await listener.hears(flow_uri(two))

    assert heard == []


@pytest.mark.parametrize("way", ["legacy", *rarely("modern")])
async def test_another_user_hears_nothing(serve, tenant, ann, way):
    theirs = await ann.flows.create_flow("of Ann", FLOW)
    token = await tenant.sign_up("bob")
    own = await tenant.own_flow(token, "of Bob")

    async with (
        serve() as url,
        client_of(url, "modern", token_of(ann)) as hers,
        ear(url, way, flow_uri(theirs), FLOWS, flow_uri(own), token=token) as his,
        AppmixerClient(tenant.url, access_token=token) as bob,
    ):
        await call(hers, "start_flow", flow_id=theirs)
        await ann.flows.update_flow(theirs, {"name": "changed"}, force=True)
        await bob.flows.update_flow(own, {"name": "changed"})
        heard = {await his.next() for _ in range(2)}

    assert heard == {FLOWS, flow_uri(own)}


@pytest.mark.parametrize("way", ["modern", *rarely("legacy", "sse")])
async def test_nobody_asks_the_tenant_when_nobody_listens(serve, front, tenant, ann, way):
    token, flow_id = await tenant.sign_up("bob"), await ann.flows.create_flow("one")
    own = await tenant.own_flow(token, "of Bob")

    async with serve(front=front) as url, ear(url, "modern", flow_uri(own), token=token):
        async with ear(url, way, flow_uri(flow_id), token=token_of(ann)) as listener:
            await ann.flows.update_flow(flow_id, {"name": "changed"})
            await listener.next()
        await front.hears(token, 4)  # whoever left may have been in the middle of a look
        before = front.asked[token_of(ann)]
        with anyio.fail_after(10):
            await front.hears(token, 10)

    assert front.asked[token_of(ann)] == before


@pytest.mark.long
@pytest.mark.parametrize("way", ["modern", "legacy"])
async def test_who_is_signed_in_no_more_is_not_asked_for(serve, front, tenant, ann, way):
    token, flow_id = await tenant.sign_up("bob"), await ann.flows.create_flow("one")
    own = await tenant.own_flow(token, "of Bob")

    async with (
        serve(front=front) as url,
        ear(url, "modern", flow_uri(own), token=token),
        ear(url, way, flow_uri(flow_id), token=token_of(ann)),
    ):
        await tenant.remove(token_of(ann))
        await front.hears(token, 12)
        before = front.asked[token_of(ann)]
        await front.hears(token, 10)

        assert front.asked[token_of(ann)] == before


async def test_who_signs_in_as_somebody_else_goes_on_to_hear_as_they(serve, tenant, ann):
    token = await tenant.sign_up("bob")
    await tenant.own_flow(token, "of Bob")

    async with (
        serve(1_000.0, auth="none", access_token=token_of(ann)) as url,
        ear(url, "legacy", "appmixer://session", FLOWS) as listener,
    ):
        bob = {"username": "bob@example.com", "password": PASSWORD}
        await call(listener.client, "authenticate_user", **bob)
        heard = [await listener.next() for _ in range(2)]
        await call(listener.client, "create_flow", name="another")
        heard.append(await listener.next())

    assert heard == ["appmixer://session", FLOWS, FLOWS]


@pytest.mark.long
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_what_one_process_changes_in_the_sandbox_is_heard_in_another_over_stdio(
    tmp_path, mode
):
    said, heard = anyio.create_memory_object_stream[str](1_000)
    server = StdioServerParameters(
        command=PROGRAM[0],
        args=list(PROGRAM[1:]),
        env={"APPMIXER_DATA_DIR": str(tmp_path / "data")},
    )
    with (tmp_path / "errors").open("a+") as errors:
        async with (
            said,
            heard,
            stdio_server(tmp_path / "data", errors) as another,
            Client(
                stdio_client(server, errlog=errors), mode=mode, message_handler=noting(said)
            ) as client,
        ):
            flow_id = (await call(another, "create_flow", name="one", descriptor=FLOW))["flow_id"]
            async with listening(client, flow_uri(flow_id)):
                await call(another, "start_flow", flow_id=flow_id)
                with anyio.fail_after(2):
                    uri = await heard.receive()

    assert uri == flow_uri(flow_id)

"""What the tenant is asked about resources that somebody listens to, and what it tells of them."""

import httpx2
import pytest
from pydantic import SecretStr

from appmixer_mcp.api import AppmixerClient, Dialect
from appmixer_mcp.looking import Look, facts_of, topic_of
from appmixer_mcp.sandbox.clock import RealClock, to_ms
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.logs import LogRecord, write
from appmixer_mcp.sandbox.tenant import Tenant
from tests.blank_tenant import blank

EDITED = {"start": {"type": "appmixer.utils.controls.OnStart", "source": {}}}
URL = "http://127.0.0.1:2200"
FLOWS = "appmixer://flows"
FLOW = "appmixer://flows/{flow_id}"
DESCRIPTOR = f"{FLOW}/descriptor"
LOGS = f"{FLOW}/logs"
TASK = "appmixer://tasks/{task_id}"


class Measured(httpx2.ASGITransport):
    """Knows how long the longest answer was."""

    longest = 0

    async def handle_async_request(self, request):
        answer = await super().handle_async_request(request)
        self.longest = max(self.longest, len(await answer.aread()))
        return answer


class Onlooker:
    """A user of a tenant, who looks at it."""

    def __init__(self, tenant, dialect):
        self.tenant = tenant
        transport = self.transport = Measured(tenant.app)
        self.author = AppmixerClient(URL, transport=transport)
        self.client = AppmixerClient(URL, transport=transport, dialect=dialect)
        self.known = {}

    async def sign_up(self):
        made = await self.author.users.signup_user("ann@example.com", "password of Ann")
        self.client.set("access_token", made.token.get_secret_value())
        assert made.user
        self.user_id = made.user.user_id

    async def asked(self):
        """Create a task, and return its id."""
        headers = {"Authorization": f"Bearer {self.client.get('access_token')}"}
        ann = "ann@example.com"
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(self.tenant.app)) as http:
            task = {"title": "May I?", "requester": ann, "approver": ann}
            answer = await http.post(f"{URL}/people-task/tasks", json=task, headers=headers)
        return answer.json()["taskId"]

    def logged(self, flow_id, severity, **more):
        at_ms = to_ms(RealClock().now())
        record = LogRecord(
            user_id=self.user_id, flow_id=flow_id, at_ms=at_ms, severity=severity, **more
        )
        with self.tenant.database.transaction():
            write(self.tenant.database, record)

    async def changed(self, *resources):
        """Look; returns which facts are others than before, and how many requests it took."""
        listened = [topic_of("any", template, {"id": one}) for template, one in resources]
        look = Look(self.client, facts_of(filter(None, listened)), self.known)
        await look.run()
        assert look.failure is None
        before, self.known = self.known, self.known | look.found
        return {one for one, now in look.found.items() if before.get(one) != now}, look.requests


@pytest.fixture
async def onlooker(tmp_path, request):
    dialect: Dialect = getattr(request, "param", "appmixer")
    config = TenantConfig(
        data_dir=blank(tmp_path / "tenant"),
        public_url=URL,
        jwt_key=SecretStr("k" * 32),
        local_key=SecretStr("local-key"),
        demo=False,
        egress="off",
        dialect=dialect,
    )
    async with Tenant(config) as tenant:
        onlooker = Onlooker(tenant, dialect)
        await onlooker.sign_up()
        yield onlooker


@pytest.mark.parametrize("onlooker", ["appmixer", "openapi"], indirect=True)
@pytest.mark.parametrize("count", [1, 5])
async def test_each_change_changes_the_facts_that_are_about_it(onlooker, count):
    flows = [await onlooker.author.flows.create_flow("one") for _ in range(count)]
    tasks = [await onlooker.asked() for _ in range(count)]
    listened = [(FLOWS, ""), *((TASK, task) for task in tasks)]
    listened += [(template, flow) for flow in flows for template in (FLOW, DESCRIPTOR, LOGS)]
    flow, task = flows[0], tasks[0]

    await onlooker.changed(*listened)
    told = [(await onlooker.changed(*listened))[0]]
    onlooker.logged(flow, "error")
    told.append((await onlooker.changed(*listened))[0])
    onlooker.logged(flow, "info")
    told.append((await onlooker.changed(*listened))[0])
    await onlooker.author.flows.update_flow(flow, {"flow": EDITED})
    told.append((await onlooker.changed(*listened))[0])
    await onlooker.author.tasks.approve_task(task)
    told.append((await onlooker.changed(*listened))[0])
    await onlooker.author.flows.delete_flow(flow)
    told.append((await onlooker.changed(*listened))[0])

    head, descriptor = ("flow", flow), {("descriptor", flow), ("described", flow)}
    assert told == [
        set(),
        {("error", flow), ("log", flow)},
        {("log", flow)},
        {head, ("flows", ""), *descriptor},
        {("task", task)},
        {head, ("flows", ""), *descriptor},
    ]


@pytest.mark.parametrize(
    ("listened", "first", "later"),
    [
        ([FLOWS], 1, 1),
        ([FLOW], 2, 2),
        ([FLOWS, FLOW], 2, 2),
        ([FLOW] * 4, 2, 2),
        ([DESCRIPTOR], 2, 1),
        ([FLOW, DESCRIPTOR, LOGS], 4, 3),
        ([TASK], 1, 1),
        ([TASK] * 4, 1, 1),
    ],
)
async def test_a_look_takes_as_few_requests_as_it_can(onlooker, listened, first, later):
    flows = [await onlooker.author.flows.create_flow("one") for _ in range(4)]
    tasks = [await onlooker.asked() for _ in range(4)]
    same = set(listened) > {FLOW}
    named = [
        (one, tasks[at] if one == TASK else flows[0 if same else at])
        for at, one in enumerate(listened)
    ]

    requests = [(await onlooker.changed(*named))[1] for _ in range(2)]

    assert requests == [first, later]


async def test_a_task_that_is_decided_is_not_asked_for_again(onlooker):
    task = await onlooker.asked()
    await onlooker.author.tasks.reject_task(task)

    requests = [(await onlooker.changed((TASK, task)))[1] for _ in range(2)]

    assert requests == [1, 0]


async def test_a_flow_that_is_not_there_does_not_keep_others_from_being_looked_at(onlooker):
    flow = await onlooker.author.flows.create_flow("one")
    listened = [(FLOW, ".."), (FLOW, "none"), (FLOW, flow), (TASK, "none")]
    await onlooker.changed(*listened)

    onlooker.logged(flow, "error")

    assert (await onlooker.changed(*listened))[0] == {("error", flow)}


@pytest.mark.parametrize("count", [1, 2])
async def test_of_large_log_records_little_is_fetched(onlooker, count):
    flows = [await onlooker.author.flows.create_flow("one") for _ in range(count)]
    for flow in flows * 3:
        onlooker.logged(flow, "error", err="x" * 50_000)

    changed, _ = await onlooker.changed(*((LOGS, flow) for flow in flows))

    assert changed == {("log", flow) for flow in flows}
    assert onlooker.transport.longest < 5_000

"""How often a tenant is asked about what its users listen to, and when not."""

from collections import Counter
from contextlib import asynccontextmanager

import anyio
import httpx2
import pytest

from appmixer_mcp.api import AppmixerClient
from appmixer_mcp.looking import topic_of
from appmixer_mcp.session import Session
from appmixer_mcp.watching import Pace, Watching

URL = "https://tenant.example"
FLOWS = "appmixer://flows"
BUSY = httpx2.Response(429, headers={"Retry-After": "60"})
BROKEN = httpx2.Response(500)
NEVER_S, SOON_S = 1_000.0, 0.005


class Tenant:
    """A tenant whose flows are there when their id begins with `own`."""

    def __init__(self):
        self.asked = Counter[str]()
        """Requests by user."""
        self.of_path = Counter[str]()
        self.fails = {}
        """What a user is answered instead."""
        self.stage = "stopped"
        self._changed = anyio.Event()

    def answer(self, request):
        user = request.headers["Authorization"].removeprefix("Bearer ")
        self.asked[user] += 1
        self.of_path[request.url.path] += 1
        self._changed.set()
        self._changed = anyio.Event()
        if user in self.fails:
            return self.fails[user]
        *_, last = request.url.path.split("/")
        if last in ("flows", "logs"):
            return httpx2.Response(200, json=[] if last == "flows" else {"hits": []})
        if not last.startswith("own"):
            return httpx2.Response(404)
        return httpx2.Response(200, json={"flowId": last, "name": last, "stage": self.stage})

    def user(self, name, **options):
        transport = httpx2.MockTransport(self.answer)
        client = AppmixerClient(URL, access_token=name, transport=transport, sleep=at_once)

        async def open_client(_base_url):
            return client

        return Session(URL, open_client, owner=name, **options)

    async def is_asked(self, user, more):
        """Wait until so many more requests of a user were made."""
        wanted = self.asked[user] + more
        with anyio.fail_after(10):
            while self.asked[user] < wanted:
                await self._changed.wait()

    async def is_asked_for(self, flow_id, more):
        path = f"/flows/{flow_id}"
        wanted = self.of_path[path] + more
        with anyio.fail_after(10):
            while self.of_path[path] < wanted:
                await self._changed.wait()


async def at_once(_wait_s):
    await anyio.lowlevel.checkpoint()


@pytest.fixture
async def tenant():
    return Tenant()


@asynccontextmanager
async def watching(pace, told=None):
    def tell(audience, uri):
        if told is not None:
            told.send_nowait((audience, uri))

    async with anyio.create_task_group() as tasks:
        yield Watching(tell, tasks.start_soon, pace)
        tasks.cancel_scope.cancel()


async def listen(watching, session, *flow_ids, can_hear=lambda: True):
    """Listen to flows; to the list of them if none is named."""
    topics = [
        topic_of(f"{FLOWS}/{one}", f"{FLOWS}/{{flow_id}}", {"flow_id": one}) for one in flow_ids
    ] or [topic_of(FLOWS, FLOWS, {})]
    listener = watching.listen(session, topics, can_hear)
    await listener.looked()
    return listener


async def test_whoever_joins_has_the_tenant_asked_about_what_is_new_alone(tenant):
    ann = tenant.user("ann")

    async with watching(Pace(NEVER_S)) as watch:
        await listen(watch, ann, "own-1")
        before = tenant.of_path.copy()
        await listen(watch, ann, "own-2")

    assert tenant.of_path - before == {"/flows/own-2": 1, "/logs": 1}


async def test_many_who_join_cost_a_bounded_number_of_requests_until_the_next_look(tenant):
    ann = tenant.user("ann")

    async with watching(Pace(NEVER_S)) as watch:
        for number in range(60):
            await listen(watch, ann, f"gone-{number}")

    assert tenant.asked["ann"] <= 22


async def test_to_come_and_go_again_costs_nothing(tenant):
    ann = tenant.user("ann")
    flows = [f"gone-{number}" for number in range(199)]

    async with watching(Pace(NEVER_S)) as watch:
        (await listen(watch, ann, *flows)).leave()
        before = tenant.asked["ann"]
        for _ in range(5):
            (await listen(watch, ann, *flows)).leave()

        assert tenant.asked["ann"] == before <= 15


async def test_to_come_and_go_does_not_have_what_is_gone_asked_for_more_often(tenant):
    ann = tenant.user("ann")

    async with watching(Pace(SOON_S)) as watch:
        await listen(watch, tenant.user("bob"))
        for _ in range(12):
            (await listen(watch, ann, "gone")).leave()
            await tenant.is_asked("bob", 3)

    assert tenant.of_path["/flows/gone"] <= 8


@pytest.mark.parametrize("stays", [True, False])
async def test_nobody_who_joins_has_a_tenant_asked_that_wants_to_be_left_alone(tenant, stays):
    ann = tenant.user("ann")
    tenant.fails["ann"] = BUSY

    async with watching(Pace(SOON_S, remembers_s=SOON_S)) as watch, watching(Pace(SOON_S)) as other:
        await listen(other, tenant.user("bob"), "own")
        listener = await listen(watch, ann, "own-1")
        before = tenant.asked["ann"]
        if not stays:
            listener.leave()
        tenant.fails.clear()
        await listen(other, tenant.user("cid"), "own")
        await tenant.is_asked("cid", 20)
        for number in range(10):
            await listen(watch, ann, f"own-{number}")

        assert tenant.asked["ann"] == before


async def test_a_look_that_fails_delays_the_next_ones_and_ends_nothing(tenant):
    said, told = anyio.create_memory_object_stream[tuple[str, str]](1_000)

    async with said, told, watching(Pace(SOON_S), said) as watch:
        await listen(watch, tenant.user("ann"))
        await listen(watch, tenant.user("bob"), "own")
        tenant.fails["bob"] = BROKEN
        before = tenant.asked["bob"]
        await tenant.is_asked("ann", 40)
        tries = tenant.asked["bob"] - before
        tenant.fails.clear()
        tenant.stage = "running"

        with anyio.fail_after(10):
            assert (await told.receive())[1] == f"{FLOWS}/own"

    assert 2 <= tries < 40


async def test_who_listens_while_the_tenant_fails_hears_when_it_answers_again(tenant):
    said, told = anyio.create_memory_object_stream[tuple[str, str]](1_000)
    ann = tenant.user("ann")
    tenant.fails["ann"] = BROKEN

    async with said, told, watching(Pace(SOON_S), said) as watch:
        await listen(watch, ann, "own")
        tenant.fails.clear()

        with anyio.fail_after(10):
            assert await told.receive() == (ann.audience, f"{FLOWS}/own")


async def test_a_flow_that_is_gone_is_asked_for_ever_more_rarely(tenant):
    async with watching(Pace(SOON_S)) as watch:
        await listen(watch, tenant.user("ann"), "own", "gone")
        await tenant.is_asked_for("own", 40)

    assert tenant.of_path["/flows/gone"] <= 10


async def test_of_many_flows_each_is_asked_for_in_its_turn(tenant):
    flows = [f"own-{number}" for number in range(25)]

    async with watching(Pace(SOON_S)) as watch:
        await listen(watch, tenant.user("ann"), *flows)
        await tenant.is_asked_for(flows[0], 3)
        await tenant.is_asked_for(flows[0], 3)

    asked = [tenant.of_path[f"/flows/{one}"] for one in flows]
    assert max(asked) - min(asked) <= 1


async def test_a_client_that_cannot_be_told_is_not_asked_for_until_it_can(tenant):
    hears = [False]

    async with watching(Pace(SOON_S, unheard_s=5 * SOON_S)) as watch:
        await listen(watch, tenant.user("ann"), "own", can_hear=lambda: hears[0])
        await listen(watch, tenant.user("bob"), "own")
        await tenant.is_asked("bob", 40)
        before = tenant.asked["ann"]
        await tenant.is_asked("bob", 20)
        after = tenant.asked["ann"]
        hears[0] = True
        await tenant.is_asked("ann", 2)

    assert after == before


async def test_when_many_users_listen_each_is_looked_at_less_often(tenant):
    pace = Pace(2 * SOON_S, watches=2)
    users = [f"user-{number}" for number in range(10)]

    async with watching(pace) as few, watching(pace) as many:
        for name in users:
            await listen(many, tenant.user(name))
        before = tenant.asked.copy()
        await listen(few, tenant.user("ann"))
        await tenant.is_asked("ann", 20)

    assert (tenant.asked - before).total() - tenant.asked["ann"] < 5 * 20


async def test_who_is_signed_in_no_more_is_not_asked_for(tenant):
    is_good = [True]

    async def is_signed_in():
        return is_good[0]

    async with watching(Pace(SOON_S)) as watch:
        await listen(watch, tenant.user("ann", is_signed_in=is_signed_in))
        await listen(watch, tenant.user("bob"))
        await tenant.is_asked("ann", 1)
        is_good[0] = False
        await tenant.is_asked("bob", 5)
        before = tenant.asked["ann"]
        await tenant.is_asked("bob", 10)

    assert tenant.asked["ann"] == before


async def test_what_a_look_was_refused_is_not_the_last_error_of_a_caller(tenant):
    ann = tenant.user("ann")

    async with watching(Pace(SOON_S)) as watch:
        await listen(watch, ann, "gone")

    assert tenant.of_path["/flows/gone"]
    assert ann.last_error is None

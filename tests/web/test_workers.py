"""Two workers with Redis are one server: whichever answers, and when one of them is killed.

Everything here is a process of its own: the tenant, Redis and the workers.
"""

import os
import signal
import subprocess
import sys
from functools import partial

import anyio
import pytest
from mcp.client.subscriptions import ResourceUpdated
from mcp.server.request_state import InvalidRequestState
from pydantic import SecretStr
from uvicorn.config import STARTUP_FAILURE

from appmixer_mcp.state import open_state
from appmixer_mcp.web.sealing import sealing
from tests.processes import call, environment, sandbox
from tests.redis_server import needs_redis, running_redis
from tests.serving import HELLO, client_of
from tests.workers import (
    answers_well,
    children_of,
    modern,
    pair,
    status_of,
    supervised,
    text_of,
    until,
    web,
)

pytestmark = [
    pytest.mark.long,
    needs_redis,
    pytest.mark.xdist_group("workers"),
]  # which share processes

START = {"start": {"type": "appmixer.utils.controls.OnStart", "source": {}, "config": {}}}
KEY = "another-encryption-key-of-32-chars-or-more"


@pytest.fixture(scope="module")
def redis():
    with running_redis("watched-password-of-redis") as server:
        yield server


@pytest.fixture(scope="module")
def tenant(home):
    with sandbox(home / "tenant", "--no-demo") as (_, url):
        yield url


@pytest.fixture(scope="module")
def bearer(home, tenant, redis):
    with pair(home / "bearer", tenant, "bearer", redis.url.get_secret_value()) as two:
        yield two


@pytest.fixture(scope="module")
def oauth(home, tenant, redis):
    with pair(home / "oauth", tenant, "oauth", redis.url.get_secret_value()) as two:
        yield two


@pytest.fixture(params=["bearer", "oauth"])
def either(request):
    return request.getfixturevalue(request.param)


async def test_any_worker_answers_any_call(either):
    token = await either.sign_in()

    async with (
        client_of(either.a.url, "modern", token) as a,
        client_of(either.b.url, "modern", token) as b,
    ):
        for one, other in ((a, b), (b, a)):
            flow_id = (await call(one, "create_flow", name="f"))["flow_id"]
            assert (await call(other, "get_flow", flow_id=flow_id))["name"] == "f"
            await call(other, "update_flow", flow_id=flow_id, name="g")
            assert (await call(one, "get_flow", flow_id=flow_id))["name"] == "g"


async def test_a_preview_of_one_worker_is_confirmed_at_another_and_acts_once(bearer):
    token = await bearer.sign_in()
    async with (
        client_of(bearer.a.url, "modern", token) as a,
        client_of(bearer.b.url, "modern", token) as b,
    ):
        store = (await call(a, "create_store", name="s"))["store_id"]
        item = {"store_id": store, "key": "k", "overwrite": True}
        await call(a, "create_store_item", **item, value="old")

        asked = await call(a, "create_store_item", **item, value="new")
        done = await call(b, "create_store_item", **item, value="new", confirm=True)
        again = await call(a, "create_store_item", **item, value="new", confirm=True)

    assert [one["done"] for one in (asked, done, again)] == [False, True, False]


async def test_of_two_confirmations_at_the_same_instant_one_acts(bearer):
    token = await bearer.sign_in()
    done = []

    async def confirm(client, item):
        done.append((await call(client, "create_store_item", **item, confirm=True))["done"])

    async with (
        client_of(bearer.a.url, "modern", token) as a,
        client_of(bearer.b.url, "modern", token) as b,
    ):
        store = (await call(a, "create_store", name="s"))["store_id"]
        item = {"store_id": store, "key": "k", "overwrite": True, "value": "v"}
        await call(a, "create_store_item", **item)
        for _ in range(5):
            await call(a, "create_store_item", **item)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(confirm, a, item)
                tasks.start_soon(confirm, b, item)

    assert sorted(done) == [False] * 5 + [True] * 5


async def test_a_listener_hears_its_own_user_at_any_worker_and_nobody_else(either):
    ann, bob = await either.sign_in(), await either.sign_in()
    async with (
        client_of(either.a.url, "modern", ann) as listening,
        client_of(either.b.url, "modern", ann) as acting,
        client_of(either.a.url, "modern", bob) as stranger,
        client_of(either.b.url, "modern", bob) as strangers_own,
    ):
        anns, bobs = [
            (await call(client, "create_flow", name="f", descriptor=START))["flow_id"]
            for client in (acting, strangers_own)
        ]
        uris = [f"appmixer://flows/{flow_id}" for flow_id in (anns, bobs)]
        async with (
            listening.listen(resource_subscriptions=uris) as hers,
            stranger.listen(resource_subscriptions=uris) as his,
        ):
            await call(acting, "start_flow", flow_id=anns)
            await call(strangers_own, "start_flow", flow_id=bobs)
            with anyio.fail_after(5):
                heard = await anext(hers)
                heard_by_stranger = await anext(his)

    assert heard == ResourceUpdated(uri=uris[0])
    assert heard_by_stranger == ResourceUpdated(uri=uris[1])


@pytest.mark.parametrize(
    "key", [SecretStr(f"{KEY},an-older-one-of-32-characters-too"), None], ids=["given", "shared"]
)
async def test_what_one_worker_seals_another_opens_and_nobody_else(redis, key):
    async with (
        open_state(redis_url=redis.url, file=None) as one_end,
        open_state(redis_url=redis.url, file=None) as other_end,
    ):
        one, other = [await sealing(key, shared) for shared in (one_end, other_end)]
    stranger = await sealing(SecretStr("a-key-that-nobody-gave-the-workers"), None)
    assert one is not None
    assert other is not None
    assert stranger is not None

    sealed = one.codec.seal(b"state")

    assert other.codec.unseal(sealed) == b"state"
    with pytest.raises(InvalidRequestState):
        stranger.codec.unseal(sealed)


async def test_an_older_clients_session_lives_in_its_own_worker(bearer):
    async with web(await bearer.sign_in()) as http:
        opened = await http.post(f"{bearer.a.url}/mcp", json=HELLO)
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
        ask = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
        elsewhere = await http.post(f"{bearer.b.url}/mcp", json=ask, headers=session)
        at_home = await http.post(f"{bearer.a.url}/mcp", json=ask, headers=session)

    assert (elsewhere.status_code, at_home.status_code) == (404, 200)


async def test_a_sign_in_goes_on_at_whichever_worker_answers(oauth):
    name, _ = await oauth.join()
    async with web() as http:
        browser = await oauth.browser(http)
        form = await browser.open_page(oauth.a.url)
        code = await browser.code(oauth.b.url, form, name)
        tokens = (await browser.redeem(oauth.a.url, code)).json()
        before = await status_of(oauth.b.url, tokens["access_token"])

        replayed = await browser.redeem(oauth.b.url, code)

        assert before == 200
        assert replayed.json()["error"] == "invalid_grant"
        assert await status_of(oauth.a.url, tokens["access_token"]) == 401


async def test_a_sign_out_at_one_worker_counts_at_once_at_all(oauth):
    name, _ = await oauth.join()
    async with web() as http:
        browser = await oauth.browser(http)
        code = await browser.code(oauth.a.url, await browser.open_page(oauth.a.url), name)
        first = (await browser.redeem(oauth.a.url, code)).json()
        second = (await browser.refresh(oauth.b.url, first["refresh_token"])).json()
        good = await status_of(oauth.a.url, second["access_token"])

        stolen = await browser.refresh(oauth.a.url, first["refresh_token"])

        assert good == 200
        assert stolen.json()["error"] == "invalid_grant"
        assert await status_of(oauth.b.url, second["access_token"]) == 401


async def test_killing_a_worker_loses_no_signed_in_user(oauth):
    name, _ = await oauth.join()
    async with web() as http:
        browser = await oauth.browser(http)
        code = await browser.code(oauth.a.url, await browser.open_page(oauth.a.url), name)
        tokens = (await browser.redeem(oauth.a.url, code)).json()

        oauth.a.kill()
        survived = await status_of(oauth.b.url, tokens["access_token"])
        renewed = await browser.refresh(oauth.b.url, tokens["refresh_token"])
        await anyio.to_thread.run_sync(oauth.a.start_again)

        assert survived == 200
        assert await status_of(oauth.a.url, renewed.json()["access_token"]) == 200


async def test_calls_a_minute_are_counted_together(bearer):
    answers = []
    async with web(await bearer.sign_in()) as http:
        for number in range(2 * 40):  # as many as both would take, each for itself
            url = (bearer.a.url, bearer.b.url)[number % 2]
            answers.append(await http.post(f"{url}/mcp", **modern("get_session")))
            if answers[-1].json()["result"]["isError"]:
                break

    assert "more than 40 calls within a minute. Wait " in answers[-1].text


async def test_sign_in_attempts_are_counted_together(oauth):
    statuses = []

    async def attempt(url, browser, form):
        answer = await browser.send(url, form, **{"with": "token", "token": "no-such-token"})
        statuses.append(answer.status_code)

    async with web() as http:
        browser = await oauth.browser(http)
        form = await browser.open_page(oauth.a.url)
        async with anyio.create_task_group() as tasks:
            for number in range(2 * 60):  # as many as both would take, each for itself
                url = (oauth.a.url, oauth.b.url)[number % 2]
                tasks.start_soon(attempt, url, browser, form)

    assert set(statuses) == {403, 429}


async def test_while_redis_is_lost_nothing_is_destroyed_and_afterwards_all_goes_on(bearer, redis):
    token = await bearer.sign_in()
    _, unknown = await bearer.join()
    async with (
        web() as http,
        client_of(bearer.a.url, "modern", token) as a,
        client_of(bearer.b.url, "modern", token) as b,
    ):
        store = (await call(a, "create_store", name="s"))["store_id"]
        flow = await call(a, "create_flow", name="f", descriptor=START)
        flow_id = flow["flow_id"]
        asked = await call(a, "delete_store", store_id=store)
        uri = f"appmixer://flows/{flow_id}"
        async with b.listen(resource_subscriptions=[uri]) as heard:
            redis.stop()
            refused = await a.call_tool("delete_store", {"store_id": store, "confirm": True})
            kept = await call(b, "list_stores")
            alive, ready = [
                await http.get(f"{bearer.a.url}/{page}") for page in ("healthz", "readyz")
            ]
            of_unknown = await http.post(
                f"{bearer.b.url}/mcp", headers={"Authorization": f"Bearer {unknown}"}
            )

            redis.start()
            await until(partial(answers_well, f"{bearer.a.url}/readyz"))
            await until(partial(_hears_of_a_start, heard, a, flow_id))
        asked_anew = await call(b, "delete_store", store_id=store, confirm=True)
        done = await call(a, "delete_store", store_id=store, confirm=True)

    assert asked["done"] is False
    assert refused.is_error
    assert "Try again in a moment" in text_of(refused)
    assert [one["name"] for one in kept["items"]] == ["s"]
    assert (alive.status_code, ready.status_code, of_unknown.status_code) == (200, 503, 503)
    assert ready.json()["does_not_answer"] == ["shared state"]
    assert int(of_unknown.headers["retry-after"]) > 0
    assert "redis" not in (text_of(refused) + of_unknown.text).lower()
    assert (asked_anew["done"], done["done"]) == (False, True)


async def test_while_redis_is_silent_nobody_is_let_in_and_nobody_is_lost(oauth, redis):
    token = await oauth.sign_in()
    answers = []

    async def ask(http, method, path, **request):
        answers.append(await http.request(method, f"{oauth.a.url}{path}", **request))

    async with web(token) as http:
        browser = await oauth.browser(http)
        form = {"client_id": browser.client_id, "grant_type": "refresh_token", "refresh_token": "x"}
        redis.freeze()
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(partial(ask, http, "POST", "/mcp", **modern("list_flows")))
                tasks.start_soon(ask, http, "GET", f"/authorize?client_id={browser.client_id}")
                tasks.start_soon(partial(ask, http, "POST", "/token", data=form))
            alive = await http.get(f"{oauth.a.url}/healthz")
        finally:
            redis.thaw()
        await until(partial(answers_well, f"{oauth.a.url}/readyz"))

        assert alive.status_code == 200
        assert {one.status_code for one in answers} == {503}
        assert await status_of(oauth.a.url, token) == 200
        assert await status_of(oauth.b.url, token) == 200


async def test_uvicorn_serves_with_two_workers_and_goes_on_when_one_is_killed(home, bearer, redis):
    settings = {
        "APPMIXER_BASE_URL": bearer.tenant,
        "APPMIXER_AUTH": "bearer",
        "APPMIXER_REDIS_URL": redis.url.get_secret_value(),
    }
    token = await bearer.sign_in()
    with supervised(home / "uvicorn", **settings) as server:
        await until(partial(answers_well, f"{server.url}/readyz"))
        before = {await status_of(server.url, token) for _ in range(10)}
        one, _ = children_of(server)
        os.kill(one, signal.SIGKILL)
        afterwards = {await status_of(server.url, token) for _ in range(10)}

    assert before == afterwards == {200}


def test_a_worker_that_cannot_share_says_so_and_asks_for_no_other_in_its_place(home):
    program = (
        "from multiprocessing import get_context; from appmixer_mcp.web import create_app\n"
        "if __name__ == '__main__':\n"
        "    worker = get_context('spawn').Process(target=create_app)\n"
        "    worker.start(); worker.join(); print(worker.exitcode)"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(home, APPMIXER_AUTH="bearer"),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert int(ended.stdout) == STARTUP_FAILURE
    assert "Several workers need APPMIXER_REDIS_URL" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.long
@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "Several workers need APPMIXER_REDIS_URL"),
        ({"APPMIXER_AUHT": "oauth"}, "did you mean APPMIXER_AUTH?"),
        (
            {
                "APPMIXER_REDIS_URL": "redis://127.0.0.1:9",
                "APPMIXER_BASE_URL": "http://127.0.0.1:9",
                "APPMIXER_TOOLSETS": "none-such",
            },
            "APPMIXER_TOOLSETS: There is no preset, group or tool 'none-such'",
        ),
    ],
)
def test_uvicorn_ends_when_its_workers_cannot_start(tmp_path, settings, why):
    with supervised(tmp_path / "server", APPMIXER_AUTH="bearer", **settings) as server:
        server.process.wait(timeout=60)
        said = server.said

    assert why in said
    assert "Traceback" not in said


async def _hears_of_a_start(heard, client, flow_id) -> bool:
    await call(client, "start_flow", flow_id=flow_id)
    with anyio.move_on_after(1):
        return await anext(heard) is not None
    return False

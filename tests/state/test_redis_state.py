"""What only the state in Redis does: being lost and coming back, and being shared with others."""

from contextlib import aclosing

import anyio
import anyio.lowlevel
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from appmixer_mcp.errors import ConfigurationError, UnavailableError
from appmixer_mcp.state.redis_state import RedisState
from tests.redis_server import needs_redis, running_redis
from tests.state.conftest import Ear, redis_worker

pytestmark = needs_redis

PASSWORD = "redis-Pa55-of-this-test"

OPERATIONS = {
    "get": lambda state: state.get("key"),
    "put": lambda state: state.put("key", b"value", ttl_s=60),
    "put_new": lambda state: state.put_new("key", b"value", ttl_s=60),
    "swap": lambda state: state.swap("key", b"old", b"new", ttl_s=60),
    "take": lambda state: state.take("key"),
    "delete": lambda state: state.delete("key"),
    "add": lambda state: state.add("key", ttl_s=60),
    "now": lambda state: state.now(),
    "publish": lambda state: state.publish("channel", b"message"),
}


@pytest.fixture
def own_redis():
    """A server that a test may stop, with a password."""
    with running_redis(PASSWORD) as server:
        yield server


async def failure(operation):
    """Return how an operation fails, which it has to do soon."""
    with anyio.fail_after(3):
        try:
            await operation
        except UnavailableError as error:
            return str(error)
    raise AssertionError("it did not fail")


async def many_at_once(state, count=20):
    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            tasks.start_soon(lambda: state.add("many", ttl_s=60))


async def heard_again(state, ear):
    """Publish until it is heard, which is when the connection for messages is back."""
    with anyio.fail_after(10):
        before = ear.heard
        while ear.heard == before:
            await state.publish("channel", b"are you there?")
            await anyio.lowlevel.checkpoint()


async def test_a_value_expires_by_itself(redis_server):
    async with redis_worker(redis_server) as state:
        await state.put("short", b"value", ttl_s=0.02)
        await state.add("short", ttl_s=0.02)

        with anyio.fail_after(5):
            while await state.get("short") is not None:
                await anyio.lowlevel.checkpoint()
            while await state.add("short", 0, ttl_s=0.02) != 0:
                await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_while_redis_is_lost_an_operation_says_to_try_again(own_redis, operation, caplog):
    async with redis_worker(own_redis) as state:
        own_redis.stop()

        said = [await failure(OPERATIONS[operation](state)) for _ in range(3)]

    assert said[0].startswith("The server cannot reach what its workers share just now. Try again")
    assert str(own_redis.port) not in said[0]
    assert PASSWORD not in said[0] + caplog.text
    assert caplog.text.count("Redis does not answer") == 1


async def test_when_redis_is_back_everything_works_again(own_redis, caplog):
    caplog.set_level("INFO")
    async with redis_worker(own_redis) as state, redis_worker(own_redis) as other:
        with Ear() as ear:
            other.subscribe("channel", ear.listener)
            await many_at_once(state)  # so that many connections are there to be lost
            own_redis.stop()
            await failure(state.get("key"))

            own_redis.start()

            await many_at_once(state)
            assert await other.add("many", 0, ttl_s=60) == 20
            await heard_again(state, ear)
    assert "Redis answers again" in caplog.text


async def test_a_server_that_starts_before_redis_works_once_redis_is_there(own_redis):
    own_redis.stop()

    with anyio.fail_after(15):
        async with redis_worker(own_redis, timeout_s=60) as state:
            with Ear() as ear:
                state.subscribe("channel", ear.listener)
                await failure(state.get("key"))

                own_redis.start()

                await state.put("key", b"value", ttl_s=60)
                await heard_again(state, ear)


async def test_a_silent_redis_holds_nobody_up_and_mixes_no_answers(own_redis):
    async with redis_worker(own_redis, timeout_s=0.3) as state:
        await state.put("a", b"value of a", ttl_s=60)
        await state.put("b", b"value of b", ttl_s=60)
        own_redis.freeze()

        async with anyio.create_task_group() as tasks:
            for _ in range(500):  # many more than there may be connections
                tasks.start_soon(lambda: failure(state.get("a")))
        own_redis.thaw()

        assert [await state.get("b") for _ in range(50)] == [b"value of b"] * 50


async def test_a_silent_redis_does_not_keep_a_server_from_starting(own_redis):
    own_redis.freeze()

    with anyio.fail_after(5):
        async with redis_worker(own_redis, timeout_s=0.3) as state:
            own_redis.thaw()
            with Ear() as ear:
                state.subscribe("channel", ear.listener)
                await heard_again(state, ear)


async def test_a_command_that_was_cut_off_is_not_sent_again(redis_server):
    async with (
        aclosing(Redis.from_url(redis_server.url.get_secret_value())) as admin,
        redis_worker(redis_server) as state,
        anyio.create_task_group() as tasks,
    ):
        await admin.flushall()
        await admin.client_pause(60_000, all=False)
        tasks.start_soon(lambda: failure(state.add("key", ttl_s=60)))
        with anyio.fail_after(5):
            while (await admin.info("clients"))["blocked_clients"] == 0:
                await anyio.lowlevel.checkpoint()

        await admin.client_kill_filter(_type="normal", skipme=True)
        await admin.client_unpause()

        assert await state.add("key", 0, ttl_s=60) == 0


async def test_callers_who_go_away_disturb_no_others(redis_server):
    async with redis_worker(redis_server) as state:
        await state.put("mine", b"my value", ttl_s=60)

        for patience in range(20):
            async with anyio.create_task_group() as tasks:
                for number in range(100):
                    tasks.start_soon(state.get, f"of somebody {number}")
                for _ in range(patience):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
            assert await state.get("mine") == b"my value"

        await many_at_once(state, 100)


async def test_more_callers_than_connections_are_all_served(redis_server):
    async with redis_worker(redis_server) as state:
        await state.delete("many")

        await many_at_once(state, 300)

        assert await state.add("many", 0, ttl_s=60) == 300


async def test_a_wrong_password_is_told_to_the_operator_alone(own_redis, caplog):
    url = SecretStr(f"redis://:not-{PASSWORD}@127.0.0.1:{own_redis.port}/0")

    async with aclosing(RedisState(url)) as state:
        await state.open()
        said = await failure(state.get("key"))

    assert "password" in caplog.text
    assert "password" not in said
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:6379",
        "http://:secret@127.0.0.1",
        "redis://:secret@127.0.0.1:port",
        "redis://:secret@127.0.0.1:99999999",
        "redis://:secret@[::1",
        "redis://:secret@127.0.0.1/0?socket_timeout=soon",
        "redis://:secret@127.0.0.1/0?no_such_option=1",
        "redis://:secret@127.0.0.1/0?max_connections=-1",
    ],
)
async def test_a_url_that_is_none_of_redis_is_refused_without_its_password(url):
    with pytest.raises(ConfigurationError, match="APPMIXER_REDIS_URL") as caught:
        RedisState(SecretStr(url))

    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_the_urls_query_does_not_take_away_what_is_relied_on(redis_server):
    url = f"{redis_server.url.get_secret_value()}?decode_responses=true&protocol=3&timeout=100"

    async with aclosing(RedisState(SecretStr(url))) as state:
        await state.open()
        with Ear() as ear:
            state.subscribe("channel", ear.listener)
            await state.put("key", b"\xff", ttl_s=60)
            await state.publish("channel", b"\xff")

            assert await state.get("key") == b"\xff"
            assert await ear.next() == b"\xff"


@pytest.mark.parametrize("apart_by", ["database", "prefix"])
async def test_two_servers_on_one_redis_can_be_kept_apart(redis_server, apart_by):
    url = redis_server.url.get_secret_value()
    if apart_by == "database":
        stranger = RedisState(SecretStr(url.removesuffix("0") + "1"))
    else:
        stranger = RedisState(SecretStr(url), prefix="*[x]^")
    async with redis_worker(redis_server) as state, aclosing(stranger):
        await stranger.open()
        with Ear() as ear:
            stranger.subscribe("channel", ear.listener)
            await state.put("key", b"ours", ttl_s=60)
            await state.publish("channel", b"ours")

            assert await stranger.get("key") is None
            await stranger.publish("channel", b"theirs")
            assert await ear.next() == b"theirs"


async def test_closing_leaves_no_connection_behind(redis_server):
    async with aclosing(Redis.from_url(redis_server.url.get_secret_value())) as admin:
        async with redis_worker(redis_server) as state:
            await state.put("key", b"value", ttl_s=60)
            during = len(await admin.client_list())
        with anyio.fail_after(5):
            while len(await admin.client_list()) > 1:
                await anyio.lowlevel.checkpoint()

    assert during == 3

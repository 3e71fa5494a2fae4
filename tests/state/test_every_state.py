"""What every kind of shared state promises; where workers share it, they are taken in turn."""

from itertools import cycle, islice
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from tests.state.conftest import Ear

KEYS = ["plain", "", "with spaces\nand\0more", "ключ 🗝", "\ud800", "a:b*c?[d]^\\", "k" * 5_000]
VALUES = [b"", b"\0\xff\r\n", b"5", "ü".encode(), bytes(range(256)) * 400]


async def at_once(world, count, call):
    """Run a call many times at the same moment, spread over the workers; return the answers."""
    answers = []

    async def one(worker, number):
        answers.append(await call(worker, number))

    async with anyio.create_task_group() as tasks:
        for number, worker in enumerate(islice(cycle(world.workers), count)):
            tasks.start_soon(one, worker, number)
    return answers


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
async def test_a_value_comes_back_as_it_was(world, value):
    await world.state.put("key", value, ttl_s=60)

    assert await world.workers[-1].get("key") == value


@pytest.mark.parametrize("key", KEYS, ids=range(len(KEYS)))
async def test_any_text_is_a_key_of_its_own(world, key):
    await world.state.put(key, b"mine", ttl_s=60)
    for other in set(KEYS) - {key}:
        await world.state.put(other, b"other", ttl_s=60)

    assert await world.state.take(key) == b"mine"
    assert await world.state.add(key, ttl_s=60) == 1
    await world.state.delete(key)
    assert await world.state.get(key) is None


async def test_what_was_never_stored_is_not_there(world):
    assert await world.state.get("key") is None
    assert await world.state.take("key") is None


async def test_a_value_is_gone_when_its_time_is_over(world):
    await world.state.put("key", b"value", ttl_s=60)

    await world.pass_s(59)
    assert await world.state.get("key") == b"value"
    await world.pass_s(1)
    assert await world.state.get("key") is None
    assert await world.state.take("key") is None


async def test_storing_again_replaces_value_and_time(world):
    await world.state.put("key", b"old", ttl_s=60)

    await world.state.put("key", b"new", ttl_s=120)

    await world.pass_s(60)
    assert await world.state.get("key") == b"new"


async def test_a_value_of_half_a_second_lasts_that_long(world):
    await world.state.put("key", b"value", ttl_s=600.5)

    await world.pass_s(600)
    assert await world.state.get("key") == b"value"
    await world.pass_s(0.5)
    assert await world.state.get("key") is None


@pytest.mark.parametrize("ttl_s", [0, -1, -1e300, float("-inf")])
async def test_a_value_whose_time_is_already_over_is_not_kept(world, ttl_s):
    await world.state.put("key", b"old", ttl_s=60)

    await world.state.put("key", b"value", ttl_s=ttl_s)

    with anyio.fail_after(5):
        while await world.state.get("key") is not None:
            await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("ttl_s", [1e12, 1e300, float("inf")])
async def test_a_value_may_be_meant_for_ever(world, ttl_s):
    await world.state.put("key", b"value", ttl_s=ttl_s)

    await world.pass_s(365 * 86_400)

    assert await world.state.get("key") == b"value"


async def test_a_new_value_does_not_replace_one_that_is_there(world):
    assert await world.state.put_new("key", b"first", ttl_s=60)
    assert not await world.workers[-1].put_new("key", b"second", ttl_s=600)

    assert await world.state.get("key") == b"first"
    await world.pass_s(60)
    assert await world.state.put_new("key", b"third", ttl_s=60)
    assert await world.state.get("key") == b"third"


async def test_of_many_who_store_a_new_value_one_does(world):
    stored = await at_once(
        world, 100, lambda state, number: state.put_new("key", b"%d" % number, ttl_s=60)
    )

    assert stored.count(True) == 1


async def test_a_value_is_swapped_only_for_the_one_that_is_there(world):
    await world.state.put("key", b"old", ttl_s=60)

    assert not await world.state.swap("key", b"other", b"new", ttl_s=60)
    assert not await world.state.swap("missing", b"", b"new", ttl_s=60)
    assert await world.state.get("key") == b"old"
    assert await world.state.swap("key", b"old", b"new", ttl_s=120)
    await world.pass_s(60)
    assert await world.state.get("key") == b"new"
    await world.pass_s(60)
    assert not await world.state.swap("key", b"new", b"newer", ttl_s=60)
    assert await world.state.get("key") is None


async def test_of_many_who_swap_one_value_one_does(world):
    await world.state.put("key", b"old", ttl_s=60)

    swapped = await at_once(
        world, 100, lambda state, number: state.swap("key", b"old", b"%d" % number, ttl_s=60)
    )

    assert swapped.count(True) == 1


async def test_of_many_who_take_a_value_one_gets_it(world):
    await world.state.put("key", b"value", ttl_s=60)

    taken = await at_once(world, 100, lambda state, _: state.take("key"))

    assert [one for one in taken if one is not None] == [b"value"]


async def test_deleting_removes_values_and_counters_that_are_there(world):
    await world.state.put("value", b"value", ttl_s=60)
    await world.state.add("count", 5, ttl_s=60)

    await world.state.delete("value", "count", "missing")
    await world.state.delete()

    assert await world.state.get("value") is None
    assert await world.state.add("count", ttl_s=60) == 1


async def test_a_counter_adds_what_many_add_at_once(world):
    sums = await at_once(world, 100, lambda state, _: state.add("key", 2, ttl_s=60))

    assert sorted(sums) == list(range(2, 202, 2))
    assert await world.state.add("key", -200, ttl_s=60) == 0


async def test_a_counter_begins_again_when_the_time_of_its_first_add_is_over(world):
    await world.state.add("key", ttl_s=60)
    await world.pass_s(59)
    assert await world.state.add("key", ttl_s=600) == 2

    await world.pass_s(1)

    assert await world.state.add("key", ttl_s=60) == 1


async def test_a_counter_and_a_value_do_not_see_each_other(world):
    await world.state.put("key", b"value", ttl_s=60)

    assert await world.state.add("key", 3, ttl_s=60) == 3
    assert await world.state.take("key") == b"value"
    assert await world.state.get("key") is None
    assert await world.state.add("key", 0, ttl_s=60) == 3


async def test_the_clock_does_not_go_back(world):
    readings = [await worker.now() for worker in (*world.workers, *world.workers)]

    assert readings == sorted(readings)


@pytest.mark.parametrize("message", VALUES, ids=range(len(VALUES)))
async def test_everyone_who_listens_hears_a_message(world, message):
    with Ear() as first, Ear() as second, Ear() as last:
        for ear in (first, second):
            world.state.subscribe("channel", ear.listener)
        world.workers[-1].subscribe("channel", last.listener)

        await world.state.publish("channel", message)

        assert [await ear.next() for ear in (first, second, last)] == [message] * 3


@pytest.mark.parametrize("channel", KEYS, ids=range(len(KEYS)))
async def test_a_channel_of_any_name_hears_its_own_messages_only(world, channel):
    with Ear() as ear:
        world.workers[-1].subscribe(channel, ear.listener)

        for other in (*set(KEYS) - {channel}, f"{channel}x"):
            await world.state.publish(other, b"other")
        await world.state.publish(channel, b"mine")

        assert await ear.next() == b"mine"


async def test_messages_come_in_the_order_in_which_they_were_sent(world):
    with Ear() as ear:
        world.workers[-1].subscribe("channel", ear.listener)

        for number in range(50):
            await world.state.publish("channel", b"%d" % number)

        assert [await ear.next() for _ in range(50)] == [b"%d" % number for number in range(50)]


async def test_who_has_unsubscribed_hears_no_more_and_may_say_so_twice(world):
    with Ear() as ended, Ear() as ear:
        unsubscribe = world.state.subscribe("channel", ended.listener)
        world.state.subscribe("channel", ear.listener)

        unsubscribe()
        unsubscribe()
        await world.state.publish("channel", b"unheard")
        assert await ear.next() == b"unheard"
        world.state.subscribe("channel", ended.listener)
        unsubscribe()
        await world.state.publish("channel", b"heard")

        assert await ended.next() == b"heard"


async def test_a_listener_that_fails_keeps_no_other_from_hearing(world, caplog):
    def fail(message):
        raise ValueError("this listener always fails")

    with Ear() as ear:
        world.state.subscribe("channel", fail)
        world.state.subscribe("channel", ear.listener)

        for message in (b"one", b"two"):
            await world.state.publish("channel", message)

        assert [await ear.next(), await ear.next()] == [b"one", b"two"]
    assert "A listener failed" in caplog.text


async def test_a_listener_may_end_another_before_it_hears(world, caplog):
    with Ear() as ended, Ear() as ear:
        ends: list[Any] = []
        world.state.subscribe("channel", lambda _: ends.pop()())
        ends.append(world.state.subscribe("channel", ended.listener))
        world.state.subscribe("channel", ear.listener)

        await world.state.publish("channel", b"message")

        assert await ear.next() == b"message"
        assert ended.heard == 0
    assert caplog.text == ""


async def test_closing_twice_is_no_error(world):
    await world.state.aclose()
    await world.state.aclose()

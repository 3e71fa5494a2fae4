"""What open event streams are told."""

from contextlib import ExitStack

import anyio

from appmixer_mcp.sandbox.streams import Streams


async def test_each_reader_of_a_topic_is_told_and_nobody_else() -> None:
    streams = Streams()

    with streams.read("a") as first, streams.read("a") as second, streams.read("b") as other:
        streams.publish("a", {"n": 1})

        assert first.receive_nowait() == second.receive_nowait() == '{"n":1}'
        assert other.statistics().current_buffer_used == 0


async def test_a_reader_that_stops_reading_is_cut_off_and_keeps_nobody_waiting() -> None:
    streams = Streams()

    with streams.read("a") as lazy, streams.read("a") as eager:
        for number in range(101):
            streams.publish("a", number)
            assert eager.receive_nowait() == str(number)

        with anyio.fail_after(5):
            heard = [text async for text in lazy]
    assert len(heard) == 100


async def test_a_topic_has_room_again_when_a_reader_leaves() -> None:
    streams = Streams()

    with ExitStack() as readers:
        for _ in range(99):
            readers.enter_context(streams.read("a"))
        before = streams.is_full("a")
        with streams.read("a"):
            full = streams.is_full("a")

        assert (before, full, streams.is_full("a")) == (False, True, False)

"""What only the state in memory does: staying small."""

from appmixer_mcp.state import MemoryState


async def test_at_the_cap_those_written_longest_ago_go(clock):
    state = MemoryState(clock, max_entries=3)
    for key in ("a", "b", "c"):
        await state.put(key, key.encode(), ttl_s=60)
        await state.add(key, ttl_s=60)

    await state.put("a", b"again", ttl_s=60)
    await state.add("a", ttl_s=60)
    await state.put("d", b"d", ttl_s=60)
    await state.add("d", ttl_s=60)

    assert [await state.get(key) for key in ("a", "b", "c", "d")] == [b"again", None, b"c", b"d"]
    assert [await state.add(key, 0, ttl_s=60) for key in ("a", "c", "d")] == [2, 1, 1]
    assert len(state) == 6


async def test_what_is_over_does_not_fill_the_memory(clock):
    state = MemoryState(clock)

    for number in range(20_000):
        await state.put(f"{number}", b"value", ttl_s=60)
        await state.add(f"{number}", ttl_s=60)
        clock.now += 1

    assert len(state) < 5_000
    assert await state.get("19999") == b"value"

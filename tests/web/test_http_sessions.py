"""Which sessions of older clients can be told of changes."""

import anyio

from appmixer_mcp.web.http_sessions import OpenStreams


async def nothing(*_):
    raise AssertionError("nobody reads or writes here")


def request(method, session_id):
    headers = [(b"mcp-session-id", session_id.encode())] if session_id else []
    return {"type": "http", "method": method, "path": "/mcp", "headers": headers}


async def test_a_session_can_be_told_as_long_as_one_of_its_streams_is_open():
    streams, ends = OpenStreams(), [anyio.Event(), anyio.Event()]
    said = []

    async def stream(end, method, session_id):
        async def app(_scope, _receive, _send):
            await end.wait()

        await streams(app, request(method, session_id), nothing, nothing)

    async def note():
        await anyio.wait_all_tasks_blocked()
        said.append([one for one in ("reads", "posts") if streams.is_open(one)])

    async with anyio.create_task_group() as tasks:
        await note()
        for end in ends:
            tasks.start_soon(stream, end, "GET", "reads")
        tasks.start_soon(stream, ends[0], "POST", "posts")
        tasks.start_soon(stream, ends[0], "GET", None)
        await note()
        ends[0].set()
        await note()
        ends[1].set()
        await note()

    assert said == [[], ["reads"], ["reads"], []]

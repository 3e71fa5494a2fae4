"""The server's stdin and stdout, byte for byte."""

import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.server.mcpserver import MCPServer
from mcp.shared._context_streams import create_context_streams
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter
from pydantic import ValidationError

from appmixer_mcp.presets import DEFAULT
from appmixer_mcp.stdio import both_eras
from tests.processes import Process, finished, lines, start

pytestmark = pytest.mark.xdist_group("stdio wire")  # which share processes

Message = dict[str, Any]

CLIENT = {"name": "test", "version": "1"}
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": CLIENT,
    "io.modelcontextprotocol/clientCapabilities": {},
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
PARSE_ERROR, INVALID_REQUEST, UNSUPPORTED_VERSION = -32700, -32600, -32022
SURROGATE = b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\\ud800"}}'
DEEP = b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":' + b"[" * 9999 + b"]" * 9999 + b"}}"


class Wire:
    """One connection to a process: raw bytes in, and what it writes."""

    def __init__(self, process: Process) -> None:
        self.process = process

    def send(self, *messages: Message | bytes) -> None:
        stdin = self.process.stdin
        assert isinstance(stdin, TextIOWrapper)
        said = [m if isinstance(m, bytes) else json.dumps(m).encode() for m in messages]
        stdin.buffer.write(b"".join(message + b"\n" for message in said))
        stdin.flush()

    def answers(self, count: int) -> list[Message]:
        """Return the next lines, each of which has to be a JSON-RPC message."""
        messages = [json.loads(line) for line in lines(self.process, count)]
        assert all(message["jsonrpc"] == "2.0" for message in messages)
        return messages

    def ask(self, *messages: Message | bytes) -> Message:
        """Send messages of which only one is answered."""
        self.send(*messages)
        return self.answers(1)[0]


@contextmanager
def connected(data_dir: Path, **settings: str) -> Iterator[Wire]:
    """Start a server; that it ends in order and without another word is part of each test."""
    process = start(data_dir=data_dir, **settings)
    try:
        yield Wire(process)
        code, rest, err = finished(process)
    finally:
        process.kill()
    assert (code, rest) == (0, "")
    assert "Traceback" not in err


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wire") / "data"


@pytest.fixture(scope="module")
def open_wire(data_dir: Path) -> Iterator[Wire]:
    """A connection after its handshake, for many sentences."""
    with connected(data_dir) as wire:
        wire.ask(initialize(0, "2025-06-18"))
        wire.send(INITIALIZED)
        yield wire


def request(number: object, method: str, **params: object) -> Message:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def modern(number: int, method: str, **params: object) -> Message:
    return request(number, method, **params, _meta=ENVELOPE)


def initialize(number: int, version: str) -> Message:
    return request(
        number, "initialize", protocolVersion=version, capabilities={}, clientInfo=CLIENT
    )


def by_id(messages: list[Message]) -> dict[object, Message]:
    return {message["id"]: message for message in messages}


def test_a_client_may_ask_what_there_is_and_then_shake_hands(data_dir: Path) -> None:
    with connected(data_dir) as wire:
        first, again = (wire.ask(modern(n, "server/discover"))["result"] for n in (1, 2))
        met = wire.ask(initialize(3, "2025-06-18"))["result"]
        wire.send(
            INITIALIZED,
            request(4, "tools/list"),
            request(5, "tools/call", name="list_flows", arguments={}),
        )
        answers = by_id(wire.answers(2))

    assert first == again
    assert first["supportedVersions"] == ["2026-07-28"]
    assert first["_meta"]["io.modelcontextprotocol/serverInfo"] == met["serverInfo"]
    assert first["capabilities"].keys() == met["capabilities"].keys()
    assert first["instructions"] == met["instructions"]
    assert met["protocolVersion"] == "2025-06-18"
    assert len(answers[4]["result"]["tools"]) == len(DEFAULT)
    assert answers[5]["result"]["structuredContent"]["total"] == 3


def test_a_client_may_ask_what_there_is_and_then_stay_without_a_handshake(data_dir: Path) -> None:
    with connected(data_dir) as wire:
        early = [wire.ask(modern(n, "server/discover")) for n in (1, 2)]
        listed = wire.ask(modern(3, "tools/list"))["result"]
        called = wire.ask(modern(4, "tools/call", name="list_flows", arguments={}))["result"]
        refused = wire.ask(initialize(5, "2025-06-18"))["error"]
        late = wire.ask(modern(6, "server/discover"))

    assert len(listed["tools"]) == len(DEFAULT)
    assert called["structuredContent"]["total"] == 3
    assert refused["code"] == UNSUPPORTED_VERSION
    assert refused["data"]["supported"] == ["2026-07-28"]
    # Before the era is decided and after, it is the SDK's own answer.
    assert [answer["result"] for answer in early] == [late["result"]] * 2


def test_a_client_without_a_handshake_need_not_ask_what_there_is(data_dir: Path) -> None:
    with connected(data_dir) as wire:
        listed = wire.ask(modern(1, "tools/list"))["result"]
        called = wire.ask(modern(2, "tools/call", name="no_such_tool", arguments={}))["result"]
        refused = wire.ask(initialize(3, "2025-11-25"))["error"]

    assert len(listed["tools"]) == len(DEFAULT)
    assert called["isError"] is True
    assert refused["code"] == UNSUPPORTED_VERSION


@pytest.mark.parametrize(
    "version",
    [
        "2025-03-26",
        "2025-11-25",
        *(pytest.param(one, marks=pytest.mark.long) for one in ("2024-11-05", "2025-06-18")),
    ],
)
def test_every_revision_with_a_handshake_is_served_but_for_batches(
    data_dir: Path, version: str
) -> None:
    with connected(data_dir) as wire:
        met = wire.ask(initialize(1, version))["result"]
        listed = wire.ask(INITIALIZED, request(2, "tools/list"))["result"]
        called = wire.ask(request(3, "tools/call", name="no_such_tool", arguments={}))["result"]
        batch = wire.ask(json.dumps([request(4, "ping"), request(5, "ping")]).encode())
        after = wire.ask(request(6, "ping"))

    assert met["protocolVersion"] == version
    assert met["serverInfo"]["name"] == "appmixer"
    assert {"tools", "prompts"} <= met["capabilities"].keys()
    assert len(listed["tools"]) == len(DEFAULT)
    assert called["isError"] is True
    assert (batch["id"], batch["error"]["code"]) == (None, INVALID_REQUEST)
    assert "Batches are not served" in batch["error"]["message"]
    assert after == {"jsonrpc": "2.0", "id": 6, "result": {}}


@pytest.mark.parametrize(
    ("line", "code", "number"),
    [
        pytest.param(b"no JSON", PARSE_ERROR, None, id="no JSON"),
        pytest.param(b'{"jsonrpc":"2.0","id":1', PARSE_ERROR, None, id="half a message"),
        pytest.param(b'\xff\xfe{"jsonrpc":"2.0"}', PARSE_ERROR, None, id="not UTF-8"),
        pytest.param(b"\0\0\0", PARSE_ERROR, None, id="NUL bytes"),
        pytest.param(SURROGATE, PARSE_ERROR, None, id="half a character"),
        pytest.param(DEEP, PARSE_ERROR, None, id="deep nesting"),
        pytest.param(b"9" * 5000, PARSE_ERROR, None, id="a huge integer"),
        pytest.param(b"12", INVALID_REQUEST, None, id="a number"),
        pytest.param(b"null", INVALID_REQUEST, None, id="null"),
        pytest.param(b"[]", INVALID_REQUEST, None, id="an empty batch"),
        pytest.param(b'{"id":1}', INVALID_REQUEST, None, id="no method"),
        pytest.param(b'{"id":1,"method":"ping"}', INVALID_REQUEST, 1, id="no jsonrpc"),
        pytest.param(
            b'{"jsonrpc":"1.0","id":"a","method":"ping"}', INVALID_REQUEST, "a", id="JSON-RPC 1.0"
        ),
        pytest.param(
            b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}',
            INVALID_REQUEST,
            1,
            id="params by position",
        ),
        pytest.param(
            b'{"jsonrpc":"2.0","id":true,"method":"ping","params":5}',
            INVALID_REQUEST,
            None,
            id="an id that is true",
        ),
        pytest.param(
            b'{"jsonrpc":"2.0","id":[1],"method":"ping","params":5}',
            INVALID_REQUEST,
            None,
            id="an id that is a list",
        ),
    ],
)
def test_what_is_no_message_is_answered_by_an_error_and_the_next_is_served(
    open_wire: Wire, line: bytes, code: int, number: object
) -> None:
    open_wire.send(line, request("next", "ping"))

    refused, served = open_wire.answers(2)

    assert (refused["id"], refused["error"]["code"]) == (number, code)
    assert refused["error"]["message"].endswith(".")
    assert served == {"jsonrpc": "2.0", "id": "next", "result": {}}


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="an empty line"),
        pytest.param(b" \t\r", id="a blank line"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"result":5}', id="a broken answer"),
        pytest.param(b'{"jsonrpc":"2.0","id":99,"result":{}}', id="an answer to nothing"),
        pytest.param(b'{"jsonrpc":"2.0","method":"notifications/nonsense"}', id="a notification"),
        # JSON-RPC advises against such an id, MCP forbids it, and the SDK takes it for none.
        pytest.param(b'{"jsonrpc":"2.0","id":null,"method":"ping"}', id="an id that is null"),
    ],
)
def test_what_expects_no_answer_gets_none(open_wire: Wire, line: bytes) -> None:
    served = open_wire.ask(line, request("next", "ping"))

    assert served == {"jsonrpc": "2.0", "id": "next", "result": {}}


def test_two_requests_with_the_same_id_are_both_answered(open_wire: Wire) -> None:
    open_wire.send(request(7, "ping"), request(7, "tools/list"), request("7", "ping"))

    answers = open_wire.answers(3)

    assert sorted(repr(answer["id"]) for answer in answers) == ["'7'", "7", "7"]
    assert all("result" in answer for answer in answers)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("create_flow", {"name": "Big", "descriptor": {"a": {"config": "x" * 5_000_000}}}),
        ("no_such_tool", {"text": "\N{SNOWMAN}" * 800_000}),
    ],
)
def test_a_line_of_5_megabytes_is_answered(
    open_wire: Wire, tool: str, arguments: dict[str, object]
) -> None:
    answer = open_wire.ask(request(1, "tools/call", name=tool, arguments=arguments))

    assert answer["result"]["isError"] is True
    assert len(answer["result"]["content"][0]["text"]) < 1000
    assert open_wire.ask(request(2, "ping"))["result"] == {}


def test_stdin_that_ends_in_the_middle_of_a_call_ends_the_server_in_order(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = start(
            data_dir=tmp_path, APPMIXER_BASE_URL=url, APPMIXER_ACCESS_TOKEN="made-up-token"
        )
        wire = Wire(process)
        wire.ask(initialize(1, "2025-06-18"))
        wire.send(INITIALIZED, request(2, "tools/call", name="list_flows", arguments={}))
        asked, _ = silent.accept()
        with asked:
            under_way = asked.recv(4)

            code, rest, err = finished(process)

    assert under_way == b"GET "
    assert code == 0
    assert json.loads(rest)["error"]["message"] == "Connection closed"
    assert "Traceback" not in err


@asynccontextmanager
async def paired(server: MCPServer[Any]) -> AsyncIterator[Callable[..., Awaitable[Message]]]:
    """Serve a pair of streams of this process; gives what asks it, as `Wire.ask` does."""
    to_server, reads = create_context_streams[SessionMessage | Exception](0)
    writes, from_server = create_context_streams[SessionMessage](0)
    serve = partial(both_eras, server._lowlevel_server, reads, writes, lifespan_state={})

    async def ask(*messages: Message | bytes) -> Message:
        for message in messages:
            line = message if isinstance(message, bytes) else json.dumps(message)
            try:
                await to_server.send(SessionMessage(jsonrpc_message_adapter.validate_json(line)))
            except ValidationError as error:
                await to_server.send(error)
        answer: Message = (await from_server.receive()).message.model_dump()
        return answer

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks, from_server:
            tasks.start_soon(serve)
            yield ask
            await to_server.aclose()


async def test_what_comes_before_the_first_request_decides_no_era() -> None:
    too_new = modern(2, "server/discover")
    too_new["params"]["_meta"] = ENVELOPE | {
        "io.modelcontextprotocol/protocolVersion": "2099-01-01"
    }

    async with paired(MCPServer("test")) as ask:
        unreadable = await ask(b"no JSON")
        without_era = await ask(INITIALIZED, request(1, "server/discover"))
        unsupported = await ask(too_new)
        met = await ask(initialize(3, "2025-06-18"))

    assert unreadable["error"]["code"] == PARSE_ERROR
    assert "error" in without_era
    assert unsupported["error"]["code"] == UNSUPPORTED_VERSION
    assert met["result"]["protocolVersion"] == "2025-06-18"


async def test_a_client_that_shook_hands_is_not_told_of_the_other_era() -> None:
    async with paired(MCPServer("test")) as ask:
        await ask(initialize(1, "2025-11-25"))
        refused = await ask(modern(2, "server/discover"))
        served = await ask(INITIALIZED, request(3, "ping"))

    assert refused["error"]["code"] == INVALID_REQUEST
    assert served["result"] == {}


async def test_a_call_over_any_pair_of_streams_runs_in_the_context_of_its_sender() -> None:
    sender = ContextVar("sender", default="nobody")
    server = MCPServer("test")

    @server.tool()
    async def who() -> str:
        return sender.get()

    answers: list[Message] = []
    async with paired(server) as ask:
        for number, name in enumerate(["Ada", "Ben", "Ada"]):
            sender.set(name)
            answers.append(await ask(modern(number, "tools/call", name="who", arguments={})))

    texts = [answer["result"]["content"][0]["text"] for answer in answers]
    assert texts == ["Ada", "Ben", "Ada"]


async def test_a_client_that_leaves_before_it_is_answered_harms_nothing() -> None:
    to_server, reads = create_context_streams[SessionMessage | Exception](2)
    writes, from_server = create_context_streams[SessionMessage](0)
    early = jsonrpc_message_adapter.validate_python(modern(1, "server/discover"))
    await to_server.send(ValueError("what a transport could not read"))
    await to_server.send(SessionMessage(early))
    await to_server.aclose()
    await from_server.aclose()

    with anyio.fail_after(10):
        await both_eras(MCPServer("test")._lowlevel_server, reads, writes, lifespan_state={})

    with pytest.raises(anyio.ClosedResourceError):
        await writes.send(SessionMessage(early))

"""A client that says exactly what a test has it say, and keeps all that goes over the wire."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

import anyio
from mcp.shared.memory import create_client_server_memory_streams
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from appmixer_mcp.server import AppmixerServer
from appmixer_mcp.stdio import both_eras

Era = Literal["today", "before"]
Message = dict[str, Any]

ERAS: tuple[Era, ...] = ("today", "before")
VERSION = {"today": "2026-07-28", "before": "2025-11-25"}
FORM: Message = {"elicitation": {"form": {}}}
YES: Message = {"action": "accept", "content": {"confirm": True}}
NO: Message = {"action": "decline"}
_CLIENT = {"name": "test", "version": "1"}
_ENVELOPE = "io.modelcontextprotocol/"


class Wire:
    """One connection, on which the messages themselves are written and read."""

    def __init__(self, read: Any, write: Any, era: Era, capabilities: Message) -> None:
        self.era: Era = era
        self.log: list[tuple[Literal["client", "server"], Message]] = []
        self._read = read
        self._write = write
        self._capabilities = capabilities
        self._ids = count(1)
        self._early: list[Message] = []

    async def send(self, **message: Any) -> None:
        """Send a message."""
        sent = {"jsonrpc": "2.0"} | message
        self.log.append(("client", sent))
        parsed = jsonrpc_message_adapter.validate_json(json.dumps(sent))
        await self._write.send(SessionMessage(parsed))

    async def receive(self) -> Message:
        """Return the next message of the server."""
        with anyio.fail_after(10):
            received = await self._read.receive()
        text = received.message.model_dump_json(by_alias=True, exclude_unset=True)
        message: Message = json.loads(text)
        self.log.append(("server", message))
        return message

    async def request(self, method: str, **params: Any) -> int:
        """Send a request; returns its id."""
        if self.era == "today":
            params["_meta"] = {
                f"{_ENVELOPE}protocolVersion": VERSION["today"],
                f"{_ENVELOPE}clientInfo": _CLIENT,
                f"{_ENVELOPE}clientCapabilities": self._capabilities,
            }
        number = next(self._ids)
        await self.send(id=number, method=method, params=params)
        return number

    async def answer_to(self, number: int) -> Message:
        """Return the answer to a request; what else arrives is kept."""
        for message in self._early:
            if _answers(message, number):
                self._early.remove(message)
                return message
        while not _answers(message := await self.receive(), number):
            self._early.append(message)
        return message

    async def hello(self) -> None:
        """Do what a client does before it calls a tool."""
        if self.era == "before":
            about = {"protocolVersion": VERSION["before"], "clientInfo": _CLIENT}
            number = await self.request("initialize", capabilities=self._capabilities, **about)
            await self.answer_to(number)
            await self.send(method="notifications/initialized")

    async def call(self, tool: str, arguments: Message, **params: Any) -> Message:
        """Call a tool that does not ask, or ask today's way; returns the whole answer."""
        number = await self.request("tools/call", name=tool, arguments=arguments, **params)
        return await self.answer_to(number)

    async def begin(self, tool: str, arguments: Message) -> "Asked":
        """Call a tool until the person is asked."""
        number = await self.request("tools/call", name=tool, arguments=arguments)
        if self.era == "today":
            asked = (await self.answer_to(number))["result"]
            assert asked["resultType"] == "input_required", asked
            (request,) = asked["inputRequests"].values()
            return Asked(self, number, tool, arguments, request, asked["requestState"])
        request = self._early.pop(0) if self._early else await self.receive()
        return Asked(self, number, tool, arguments, request)


@dataclass(frozen=True)
class Asked:
    """A question that waits for its answer."""

    wire: Wire
    call: int
    tool: str
    arguments: Message
    request: Message
    state: str = ""

    @property
    def id(self) -> Any:
        """Of the question, before today."""
        return self.request["id"]

    @property
    def text(self) -> str:
        """What the person reads."""
        return str(self.request["params"]["message"])

    @property
    def form(self) -> Message:
        """What the person fills in."""
        form: Message = self.request["params"]["requestedSchema"]
        return form

    async def say(self, answer: Any) -> int:
        """Send an answer, whatever it is; returns the id of the request it belongs to."""
        if self.wire.era == "today":
            return await self.wire.request("tools/call", **self.params(answer))
        await self.wire.send(id=self.id, result=answer)
        return self.call

    async def answered(self, answer: Any) -> Message:
        """Send an answer; returns what becomes of the call."""
        return await self.wire.answer_to(await self.say(answer))

    def params(self, answer: Any) -> Message:
        """Return with what a client of today calls again."""
        return {
            "name": self.tool,
            "arguments": self.arguments,
            "inputResponses": {"confirm": answer},
            "requestState": self.state,
        }


def outcome(answer: Message) -> Message:
    """Return the structured result of a call, which is no error."""
    assert not answer["result"].get("isError"), answer
    found: Message = answer["result"]["structuredContent"]
    return found


def _answers(message: Message, number: int) -> bool:
    return message.get("id") == number and "method" not in message


@asynccontextmanager
async def wired(
    server: AppmixerServer, era: Era, capabilities: Message | None = None
) -> AsyncIterator[Wire]:
    """Connect to a server as over stdio, without a process between.

    Args:
        server: Answers.
        era: Which revision of the protocol the client speaks.
        capabilities: Of the client; those of one that shows forms if None.
    """
    lowlevel = server.lowlevel
    async with (
        create_client_server_memory_streams() as (mine, theirs),
        lowlevel.lifespan(lowlevel) as state,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(lambda: both_eras(lowlevel, *theirs, lifespan_state=state))
        wire = Wire(*mine, era, FORM if capabilities is None else capabilities)
        await wire.hello()
        yield wire
        tasks.cancel_scope.cancel()

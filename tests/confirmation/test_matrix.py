"""Nothing is destroyed without a yes: every tool, every answer, every kind of client."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import ElicitResult
from pydantic import SecretStr

from appmixer_mcp.journal import Journal
from appmixer_mcp.profiles import config_file
from appmixer_mcp.surface import load_toolsets
from tests.confirmation.case import Api, Arguments, Case
from tests.confirmation.cases import CASES
from tests.processes import stdio_server
from tests.serving import client_of, mcp_server

YES = ElicitResult(action="accept", content={"confirm": True})
NO_YES = {
    "accepted without the tick": ElicitResult(action="accept", content={"confirm": False}),
    "accepted an empty form": ElicitResult(action="accept"),
    "declined": ElicitResult(action="decline"),
    "declined with the tick": ElicitResult(action="decline", content={"confirm": True}),
    "cancelled": ElicitResult(action="cancel"),
}
NEVER = None
AT_ONCE_S, SOON_S = 1e-9, 0.05
"""When it is too late for an answer: before any can come, and while none comes."""
OVER_HTTP = {
    "http today": "modern",
    "http before": "legacy",
    "sse today": "sse of today",
    "sse before": "sse",
}


@dataclass
class Person:
    """Answers every question of a client in the same way."""

    answer: ElicitResult | None = NEVER
    asked: anyio.Event = field(default_factory=anyio.Event)

    async def __call__(self, _context: object, _params: object) -> ElicitResult:
        self.asked.set()
        if self.answer is None:
            await anyio.sleep_forever()
        assert self.answer is not None
        return self.answer


@dataclass(frozen=True)
class Clients:
    """Clients of one server, or of servers that differ in their patience alone."""

    person: Person
    asking: Client
    impatient: Client
    plain: Client
    """Has no dialogs."""


@dataclass(frozen=True)
class Way:
    """Opens clients, each of a server of its own that acts as Ann."""

    name: str
    api: Api
    serve: Any
    directory: Path
    stack: AsyncExitStack

    async def client(self, patience_s: float, **options: Any) -> Client:
        """Return a client of a server that waits so long for answers."""
        if self.name in OVER_HTTP:
            return await self._over_http(patience_s, options)
        mode = "auto" if self.name.endswith("today") else "legacy"
        connect: Callable[[Any], Client] = partial(Client, mode=mode, **options)
        if self.name.startswith("stdio"):
            return await self._over_stdio(patience_s, connect)
        server = await self.stack.enter_async_context(
            self.serve(valid_s=patience_s, journal=self.api.journal)
        )
        return await self.stack.enter_async_context(connect(server))

    async def _over_http(self, patience_s: float, options: dict[str, Any]) -> Client:
        settings = {
            "access_token": SecretStr(self.api.token),
            "confirm_timeout_s": patience_s,
            "calls_per_minute": 0,
            "toolsets": "all",
        }
        served = mcp_server(self.directory, self.api.url, **settings)
        url = await self.stack.enter_async_context(served)
        client = client_of(url, OVER_HTTP[self.name], **options)
        return await self.stack.enter_async_context(client)

    async def _over_stdio(self, patience_s: float, connect: Callable[[Any], Client]) -> Client:
        settings = {
            "APPMIXER_BASE_URL": self.api.url,
            "APPMIXER_ACCESS_TOKEN": self.api.token,
            "APPMIXER_CONFIRM_TIMEOUT_S": str(patience_s),
            "APPMIXER_TOOLSETS": "all",
            "XDG_CONFIG_HOME": str(config_file().parent.parent),
        }
        errors = self.stack.enter_context((self.directory / "errors").open("a+"))
        client = stdio_server(self.directory, errors, connect, **settings)
        return await self.stack.enter_async_context(client)


@asynccontextmanager
async def clients_of(way: str, api: Api, serve: Any, directory: Path) -> AsyncIterator[Clients]:
    person = Person()
    too_late_s = AT_ONCE_S if way.endswith("today") else SOON_S
    api.journal = Journal(directory / "journal.db")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(api.journal.aclose)
        connect = Way(way, api, serve, directory, stack).client
        yield Clients(
            person,
            await connect(600.0, elicitation_callback=person),
            await connect(too_late_s, elicitation_callback=person),
            await connect(600.0),
        )


async def acts(client: Client, case: Case, arguments: Arguments) -> bool:
    """Say whether the server says that it acted."""
    try:
        answer = await client.call_tool(case.tool, arguments)
    except MCPError:  # today's way of saying that an answer is far too late
        return False
    return bool(not answer.is_error and (answer.structured_content or {})["done"])


async def gives_up(clients: Clients, case: Case, arguments: Arguments) -> bool:
    """Leave the call while the person thinks."""
    clients.person.answer, clients.person.asked = NEVER, anyio.Event()

    async def call() -> None:
        await clients.asking.call_tool(case.tool, arguments)
        clients.person.asked.set()  # it was refused; what is missed in the end says which one

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await clients.person.asked.wait()
        tasks.cancel_scope.cancel()
    await clients.asking.call_tool("get_user", {})  # is served after the call was left
    return False


async def too_late(clients: Clients, case: Case, arguments: Arguments) -> bool:
    modern = str(clients.impatient.protocol_version) == "2026-07-28"
    clients.person.answer = YES if modern else NEVER
    return await acts(clients.impatient, case, arguments)


async def asked(clients: Clients, case: Case, api: Api) -> dict[str, tuple[bool, Any]]:
    """Have a client that can ask do everything that is no yes, and at last a yes."""
    arguments = await case.make(api)
    found = {}
    for name, answer in NO_YES.items():
        clients.person.answer = answer
        done = await acts(clients.asking, case, arguments)
        found[name] = (done, await case.seen(api, arguments))
    done = await acts(clients.asking, case, arguments | {"confirm": True})  # still cancelled
    found["cancelled, in spite of the flag"] = (done, await case.seen(api, arguments))
    for step in (gives_up, too_late):
        done = await step(clients, case, arguments)
        found[step.__name__] = (done, await case.seen(api, arguments))
    clients.person.answer = YES
    done = await acts(clients.asking, case, arguments)
    return found | {"yes": (done, await case.seen(api, arguments))}


async def unasked(clients: Clients, case: Case, api: Api) -> dict[str, tuple[bool, Any]]:
    """Have a client without dialogs go on until it acts."""
    arguments = await case.make(api)
    found = {}
    for name, confirm in {
        "confirmed at once": True,
        "not confirmed": False,
        "yes, after the preview": True,
    }.items():
        done = await acts(clients.plain, case, arguments | {"confirm": confirm})
        found[name] = (done, await case.seen(api, arguments))
    return found


@pytest.mark.parametrize(
    ("way", "cases"),
    [
        pytest.param("today", CASES, id="today"),
        # What asks is the same for every tool, and how it asks in this era has tests of its own.
        pytest.param("before", CASES[::4], id="some before"),
        *(
            pytest.param(way, CASES, id=way, marks=pytest.mark.long)
            for way in ("before", "stdio today", "stdio before", *OVER_HTTP)
        ),
    ],
)
async def test_nothing_is_destroyed_without_a_yes(way, cases, api, serve, tmp_path):
    found: dict[tuple[str, str], tuple[bool, Any]] = {}

    with anyio.fail_after(60):
        async with clients_of(way, api, serve, tmp_path) as clients:
            for case in cases:
                tried = await asked(clients, case, api) | await unasked(clients, case, api)
                found |= {(str(case), name): one for name, one in tried.items()}

    assert len(found) == 12 * len(cases)
    assert found == {
        (str(case), name): (True, case.after) if name.startswith("yes") else (False, case.before)
        for case in cases
        for one, name in found
        if one == str(case)
    }


def test_every_tool_that_has_a_preview_has_a_case():
    specs = [spec for toolset in load_toolsets().values() for spec in toolset.tools]

    assert {case.tool for case in CASES} == {spec.name for spec in specs if spec.preview}

"""What a client hears while its call is under way."""

import re
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.memory import create_client_server_memory_streams
from pydantic import SecretStr

from appmixer_mcp.confirmation import Impact
from appmixer_mcp.errors import ConflictError
from appmixer_mcp.options import ServerOptions
from appmixer_mcp.progress import reporting
from appmixer_mcp.results import Outcome, Result
from appmixer_mcp.server import AppmixerServer
from appmixer_mcp.session import Session
from appmixer_mcp.stdio import both_eras
from appmixer_mcp.surface import chosen
from appmixer_mcp.toolset import DESTROY, READ, ToolContext, Toolset
from tests.door import Door
from tests.serving import client_of, mcp_server, people
from tests.workers import text_of

OFTEN_S = 0.001
ERAS = ["auto", "legacy"]


@asynccontextmanager
async def connected(server, era, **options):
    """Connect a client as over stdio, by messages: within a process the SDK would send none."""
    async with (
        create_client_server_memory_streams() as (ours, theirs),
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(partial(both_eras, server.lowlevel, *theirs, lifespan_state=None))
        async with Client(nullcontext(ours), mode=era, **options) as client:
            yield client
        tasks.cancel_scope.cancel()


class Done(Result):
    """Nothing but an end."""


class Heard:
    """The reports that a client has got."""

    def __init__(self):
        self.reports = []
        self.until_a_third = anyio.Event()
        self._awaited = {}

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        assert total is None, message  # nobody knows how long it takes
        self.reports.append((progress, message))
        if len(self.reports) >= 3:
            self.until_a_third.set()
        for text, event in self._awaited.items():
            if message and text in message:
                event.set()

    async def until(self, text):
        await self._awaited.setdefault(text, anyio.Event()).wait()


def server_with(heard, every_s=OFTEN_S):
    """Return a server whose tools wait for what the client has heard."""
    toolset = Toolset("tests", "Tools that take their time.")

    @toolset.tool("Slow", READ)
    async def slow(ctx: ToolContext) -> Done:
        """End when the client has heard three reports."""
        await heard.until_a_third.wait()
        return Done()

    @toolset.tool("Quick", READ)
    async def quick(ctx: ToolContext) -> Done:
        """End at once."""
        return Done()

    @toolset.tool("Stepping", READ)
    async def stepping(ctx: ToolContext) -> Done:
        """Take a step when the client has heard of the one before."""
        for step in ("reads page 1", "reads page 2"):
            ctx.progress(step)
            await heard.until(f"stepping, {step}: ")
        return Done()

    @toolset.tool("Failing", READ)
    async def failing(ctx: ToolContext) -> Done:
        """Fail when the client has heard three reports."""
        await heard.until_a_third.wait()
        raise ConflictError("It is in use. Try another one.")

    async def impact(ctx: ToolContext) -> Impact:
        return Impact(question="Destroy it?", losses=[], identity={})

    @toolset.tool("Destroying", DESTROY, preview=impact)
    async def destroying(ctx: ToolContext) -> Outcome:
        """Ask first."""
        return Outcome(done=True, message="It is gone.")

    session = Session("https://tenant.example", _no_client)
    options = ServerOptions(session=session, progress_every_s=every_s)
    return AppmixerServer(options, [toolset], chosen(["tests"], {"tests": toolset}))


async def _no_client(base_url):
    raise AssertionError(f"{base_url} is not asked")


@pytest.mark.parametrize("era", ERAS)
async def test_a_long_call_says_what_is_done_and_for_how_long(era):
    heard = Heard()

    async with connected(server_with(heard), era) as client:
        with anyio.fail_after(10):
            answer = await client.call_tool("slow", {}, progress_callback=heard)

    times, messages = zip(*heard.reports, strict=True)
    assert not answer.is_error
    assert list(times) == sorted(set(times))
    assert all(re.fullmatch(r"slow: \d+ s", message) for message in messages)


@pytest.mark.parametrize("era", ERAS)
async def test_a_tool_says_which_step_it_takes(era):
    heard = Heard()

    async with connected(server_with(heard), era) as client:
        with anyio.fail_after(10):
            answer = await client.call_tool("stepping", {}, progress_callback=heard)

    assert not answer.is_error


@pytest.mark.parametrize("era", ERAS)
async def test_a_quick_call_is_silent(era):
    heard = Heard()

    async with connected(server_with(heard, ServerOptions.progress_every_s), era) as client:
        await client.call_tool("quick", {}, progress_callback=heard)

    assert heard.reports == []


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_that_fails_says_why_after_its_reports_too(era):
    heard = Heard()

    async with connected(server_with(heard), era) as client:
        with anyio.fail_after(10):
            answer = await client.call_tool("failing", {}, progress_callback=heard)

    assert answer.is_error
    assert text_of(answer) == "It is in use. Try another one."


async def test_a_client_hears_that_its_person_is_waited_for():
    heard = Heard()

    async def answering(_context, _params):
        await heard.until("destroying, waiting for the person's answer: ")
        return {"action": "accept", "content": {"confirm": True}}

    server = server_with(heard)
    async with connected(server, "legacy", elicitation_callback=answering) as client:
        with anyio.fail_after(10):
            answer = await client.call_tool("destroying", {}, progress_callback=heard)

    assert answer.structured_content["done"] is True


class _Broken:
    """A call's context whose client cannot be told anything."""

    class request_context:  # noqa: N801 - as the SDK calls it
        meta = {"progress_token": 1}  # noqa: RUF012

    def __init__(self):
        self.tried = anyio.Event()

    async def report_progress(self, *_, **__):
        self.tried.set()
        raise OSError("the line is cut")


async def test_a_report_that_cannot_be_sent_does_not_end_its_call():
    context: Any = _Broken()

    with anyio.fail_after(10):
        async with reporting("slow", context, OFTEN_S):
            await context.tried.wait()
            await anyio.lowlevel.checkpoint()


@pytest.mark.long
async def test_a_long_call_is_reported_over_every_way_to_connect(tmp_path):
    heard = {way: Heard() for way in ("modern", "legacy", "sse", "sse of today")}

    async def use(url, way, reports):
        async with client_of(url, way) as client, anyio.create_task_group() as tasks:
            arguments = partial(client.call_tool, "list_stores", progress_callback=reports)
            tasks.start_soon(arguments, {})
            await reports.until("list_stores: ")
            tasks.cancel_scope.cancel()

    async with people(tmp_path / "tenant") as tenant:
        token = SecretStr(await tenant.sign_up("ann"))
        async with (
            Door(tenant.tenant.app).opened() as door,
            mcp_server(tmp_path / "server", door.url, access_token=token) as url,
        ):
            door.hold("GET /stores")
            with anyio.fail_after(20):
                async with anyio.create_task_group() as tasks:
                    for way, reports in heard.items():
                        tasks.start_soon(use, url, way, reports)

    assert all(reports.reports for reports in heard.values())

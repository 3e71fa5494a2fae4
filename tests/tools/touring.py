"""Calls every tool, of a server with room for the results and of one with hardly any."""

from collections import defaultdict
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import anyio
from mcp import Client

from appmixer_mcp.confirmation import Confirmations
from appmixer_mcp.options import ServerOptions
from appmixer_mcp.server import build_server
from tests.tools.conftest import as_user, session_on, tenant_in

LONG = "long " * 300
NAME = LONG[:200]


class Tour:
    """Calls tools and keeps what each answered."""

    def __init__(self, client, tenant, directory):
        self.client = client
        self.tenant = tenant
        self.directory = directory
        self.answers = defaultdict(list)

    async def __call__(self, tool, /, **arguments):
        answer = await self.client.call_tool(tool, arguments)
        assert not answer.is_error, answer.content
        self.answers[tool].append(answer)
        return answer.structured_content

    async def confirmed(self, tool, /, **arguments):
        preview = await self(tool, **arguments)
        token = preview.get("confirm_token")
        how = {"confirm_token": token} if token else {"confirm": True}
        return await self(tool, **arguments, **how)

    async def api(self, method, path, body=None):
        return await as_user(self.tenant, method, path, body)


def parts():
    """Return the modules of visits/, each with a `visit` and the tools whose results it has CUT."""
    folder = Path(__file__).with_name("visits")
    return [import_module(f"tests.tools.visits.{one.name}") for one in iter_modules([str(folder)])]


async def go(directory, *, max_result_bytes, policy, mode):
    """Return what each tool answered; each part has a tenant of its own.

    A part's `options(tenant, directory)`, if it has them, gives further options of its server.
    """
    answers: defaultdict[str, list[Any]] = defaultdict(list)
    for part in parts():
        own = directory / part.__name__.rpartition(".")[2]
        own.mkdir()
        async with tenant_in(own) as tenant:
            session = session_on(tenant)
            options = ServerOptions(
                session=session,
                toolsets=("all",),
                max_result_bytes=max_result_bytes,
                confirmations=Confirmations(policy),
                **(part.options(tenant, own) if hasattr(part, "options") else {}),
            )
            async with Client(build_server(options), mode=mode) as client:
                tour = Tour(client, tenant, own)
                with anyio.fail_after(30):
                    await part.visit(tour)
            await session.aclose()
        for tool, found in tour.answers.items():
            answers[tool] += found
    return answers

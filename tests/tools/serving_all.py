"""All tools on a tenant that the tests of one module share: kept changes, files, one era."""

from contextlib import asynccontextmanager

from mcp import Client

from appmixer_mcp.file_directory import FileDirectory
from appmixer_mcp.journal import Journal
from appmixer_mcp.options import ServerOptions
from appmixer_mcp.server import build_server
from tests.tools.conftest import Tools, session_on, tenant_in


class AllTools(Tools):
    """The tools, with the `tenant` they act on and the `directory` of local files."""

    def __init__(self, client, tenant, directory):
        super().__init__(client)
        self.tenant = tenant
        self.directory = directory


@asynccontextmanager
async def all_tools(directory, **options):
    """Give the tools, with the `tenant` they act on and the `directory` of local files."""
    files = directory / "files"
    files.mkdir()
    async with (
        tenant_in(directory) as tenant,
        all_tools_on(
            tenant, files=FileDirectory(files), journal=Journal(directory / "journal.db"), **options
        ) as tools,
    ):
        yield AllTools(tools.client, tenant, files)


@asynccontextmanager
async def all_tools_on(tenant, *, journal=None, transport=None, **options):
    """Give the tools of a server that acts on a tenant."""
    session = session_on(tenant, transport=transport)
    served = ServerOptions(session=session, toolsets=("all",), journal=journal, **options)
    async with Client(build_server(served)) as client:
        yield Tools(client)
    await session.aclose()
    if journal is not None:
        await journal.aclose()

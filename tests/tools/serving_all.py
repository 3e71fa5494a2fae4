"""All tools on a tenant that the tests of one module share: kept changes, files, one era."""

from contextlib import asynccontextmanager

from appmixer_mcp.file_directory import FileDirectory
from appmixer_mcp.journal import Journal
from tests.tools.conftest import Tools, tenant_in, tools_on


class AllTools(Tools):
    """The tools, with the `tenant` they act on and the `directory` of local files."""

    def __init__(self, client, tenant, directory):
        super().__init__(client)
        self.tenant = tenant
        self.directory = directory


@asynccontextmanager
async def all_tools(directory):
    """Give the tools of a new tenant, which keep their changes."""
    files = directory / "files"
    files.mkdir()
    journal = Journal(directory / "journal.db")
    kept = {"files": FileDirectory(files), "journal": journal}
    async with tenant_in(directory) as tenant, tools_on(tenant, **kept) as tools:
        yield AllTools(tools.client, tenant, files)
    await journal.aclose()

"""Another tenant of the operator, for tests of tools."""

import httpx2

from appmixer_mcp.api import AppmixerClient
from appmixer_mcp.profiles import Profiles
from appmixer_mcp.sandbox.config import LOCAL_USER

from .conftest import without_waiting

THERE = "http://127.0.0.1:2300"


def profiles_of(tenant, directory, *, base_url=THERE, username=LOCAL_USER, password="local-key"):
    """Return profiles with one named `there`, which leads to this tenant without a socket."""
    file = directory / "config.toml"
    file.write_text(
        f'[profiles.there]\nbase_url = "{base_url}"\n'
        f'username = "{username}"\npassword = "{password}"\n'
    )
    file.chmod(0o600)

    def make_client(base_url, **own):
        transport = httpx2.ASGITransport(app=tenant.app)
        return AppmixerClient(base_url, transport=transport, sleep=without_waiting, **own)

    return Profiles(file, make_client)

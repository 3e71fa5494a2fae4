"""`appmixer-mcp sandbox` as scripts use it."""

import json
import signal
from pathlib import Path

import anyio
import pytest

from appmixer_mcp.api import AppmixerClient
from appmixer_mcp.errors import NotSignedInError
from tests.processes import finished, sandbox, start

PASSWORD = "of the demo user"


async def test_it_serves_the_demo_user_with_the_password_that_was_given(tmp_path: Path) -> None:
    with (
        anyio.fail_after(30),
        sandbox(tmp_path / "data", "--demo-password", PASSWORD) as (process, url),
    ):
        async with AppmixerClient(url) as client:
            with pytest.raises(NotSignedInError):
                await client.users.authenticate_user("demo@appmixer.local", "another one")
            await client.users.authenticate_user("demo@appmixer.local", PASSWORD)

            assert await client.flows.count_flows() == 3

        process.send_signal(signal.SIGTERM)
        code, rest, err = await anyio.to_thread.run_sync(finished, process)

    assert (code, rest) == (0, ""), err
    assert not (tmp_path / "data" / "sandbox.json").exists()


async def test_who_is_named_on_the_command_line_is_an_administrator(tmp_path: Path) -> None:
    administrator = ("--demo-password", PASSWORD, "--admin", "demo@appmixer.local")
    with anyio.fail_after(30), sandbox(tmp_path / "data", *administrator) as (_, url):
        async with AppmixerClient(url) as client:
            await client.users.authenticate_user("demo@appmixer.local", PASSWORD)

            assert (await client.users.get_user()).scope == ["user", "admin"]


async def test_without_the_demo_it_is_empty_and_calls_on_its_directory_share_it(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    with anyio.fail_after(30), sandbox(data, "--no-demo") as (process, url):
        beside = start("call", "list_flows", data_dir=data)
        code, listing, err = await anyio.to_thread.run_sync(finished, beside)
        announced = json.loads((data / "sandbox.json").read_text())

    assert code == 0, err
    assert json.loads(listing)["total"] == 0
    assert (announced["url"], announced["pid"]) == (url, process.pid)

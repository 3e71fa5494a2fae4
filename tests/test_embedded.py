"""One tenant for all processes on a data directory: who runs it, and who follows."""

import json
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from appmixer_mcp import embedded
from appmixer_mcp.api import AppmixerClient
from appmixer_mcp.embedded import EmbeddedSandbox
from appmixer_mcp.errors import ConfigurationError, UnavailableError
from appmixer_mcp.ownership import DataDirectory

Make = Callable[[], EmbeddedSandbox]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Make]:
    """Makes sandboxes on one data directory, as several processes would, and closes them all."""
    sandboxes: list[EmbeddedSandbox] = []

    def make() -> EmbeddedSandbox:
        sandboxes.append(EmbeddedSandbox(tmp_path / "data"))
        return sandboxes[-1]

    yield make
    for sandbox in sandboxes:
        await sandbox.aclose()


async def store_names(client: AppmixerClient) -> list[str | None]:
    return [store.name for store in await client.stores.list_stores()]


async def test_the_first_one_runs_the_tenant_and_signs_in_as_the_demo_user(opened: Make) -> None:
    sandbox = opened()

    with anyio.fail_after(10):
        client = await sandbox.open_client()
        user = await client.users.get_user()

    assert sandbox.owner
    assert user.username == "demo@appmixer.local"
    assert client.signed_in_with == "local sandbox key"


async def test_what_lies_in_the_data_directory_is_for_its_user_alone(
    opened: Make, tmp_path: Path
) -> None:
    data = tmp_path / "data"

    with anyio.fail_after(10):
        await opened().open_client()

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in data.iterdir()}
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert {modes[name] for name in ("secrets.json", "sandbox.json", "lock")} == {0o600}


async def test_a_later_one_shares_the_tenant_of_the_first(opened: Make) -> None:
    first, second = opened(), opened()

    with anyio.fail_after(10):
        await (await first.open_client()).stores.create_store("Shared")
        names = await store_names(await second.open_client())

    assert not second.owner
    assert second.url == first.url
    assert "Shared" in names


async def test_of_many_that_start_at_the_same_instant_one_runs_the_tenant(opened: Make) -> None:
    sandboxes = [opened() for _ in range(8)]
    users: list[str] = []

    async def use(sandbox: EmbeddedSandbox) -> None:
        client = await sandbox.open_client()
        users.append((await client.users.get_user()).user_id)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for sandbox in sandboxes:
                tasks.start_soon(use, sandbox)

    assert [sandbox.owner for sandbox in sandboxes].count(True) == 1
    assert len(users) == 8
    assert len(set(users)) == 1


async def test_when_the_owner_ends_the_next_call_of_another_takes_over(opened: Make) -> None:
    first, second = opened(), opened()
    with anyio.fail_after(20):
        await (await first.open_client()).stores.create_store("Left behind")
        client = await second.open_client()
        await first.aclose()

        names = await store_names(client)

    assert second.owner
    assert second.url == first.url  # so webhook URLs that others know go on working
    assert "Left behind" in names


async def test_calls_while_the_owner_ends_all_succeed(opened: Make) -> None:
    first, second = opened(), opened()
    answered = 0

    async def keep_asking(client: AppmixerClient) -> None:
        nonlocal answered
        for _ in range(40):
            await client.users.get_user()
            answered += 1

    with anyio.fail_after(20):
        await first.open_client()
        client = await second.open_client()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keep_asking, client)
            tasks.start_soon(keep_asking, client)
            await first.aclose()

    assert second.owner
    assert answered == 80


async def test_what_a_killed_owner_left_behind_misleads_nobody(
    opened: Make, tmp_path: Path
) -> None:
    stale = {"url": "http://127.0.0.1:9", "pid": 1, "key": "old"}
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sandbox.json").write_text(json.dumps(stale))
    sandbox = opened()

    with anyio.fail_after(10):
        user = await (await sandbox.open_client()).users.get_user()

    assert sandbox.owner
    assert user.username == "demo@appmixer.local"


async def test_after_a_clean_end_nobody_is_announced(opened: Make, tmp_path: Path) -> None:
    sandbox = opened()
    with anyio.fail_after(10):
        await sandbox.open_client()

        await sandbox.aclose()

    assert DataDirectory(tmp_path / "data").owner() is None


async def test_a_secret_file_that_cannot_be_read_frees_the_directory_and_says_so(
    opened: Make, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secrets.json").write_text("{")

    with pytest.raises(ConfigurationError, match=r"secrets\.json"):
        await opened().open_client()

    assert DataDirectory(tmp_path / "data").try_own()


async def test_an_owner_that_never_answers_is_an_error_that_says_what_to_do(
    opened: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_LONGEST_WAIT_S", 0.2)
    holder = DataDirectory(tmp_path / "data")
    holder.try_own()

    with anyio.fail_after(5), pytest.raises(UnavailableError, match="APPMIXER_DATA_DIR"):
        await opened().open_client()

    holder.release()


async def test_a_data_directory_that_cannot_be_made_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file is in the way")

    with pytest.raises(ConfigurationError, match="APPMIXER_DATA_DIR"):
        await EmbeddedSandbox(tmp_path / "data").open_client()


async def test_a_process_counts_as_the_owner_only_once_its_tenant_answers(opened: Make) -> None:
    sandbox = opened()

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sandbox.settle)
            while not sandbox.owner:
                await anyio.lowlevel.checkpoint()
            port = int(sandbox.url.rpartition(":")[2])
            connection = await anyio.connect_tcp("127.0.0.1", port)
            await connection.aclose()


def test_what_a_killed_owner_announced_is_gone_as_soon_as_somebody_else_owns(
    tmp_path: Path,
) -> None:
    killed = DataDirectory(tmp_path / "data")
    killed.try_own()
    killed.announce("http://127.0.0.1:4711", 4711, "key")
    announced = (tmp_path / "data" / "sandbox.json").read_text(encoding="utf-8")
    killed.release()
    (tmp_path / "data" / "sandbox.json").write_text(announced, encoding="utf-8")

    heir = DataDirectory(tmp_path / "data")
    heir.try_own()

    assert DataDirectory(tmp_path / "data").owner() is None
    heir.release()

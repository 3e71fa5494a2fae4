"""What scripts and people see of the commands."""

import io
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from appmixer_mcp import __version__
from appmixer_mcp.cli import main
from appmixer_mcp.ownership import DataDirectory
from tests.processes import start
from tests.sdk_methods import SDK_METHODS


class Run(Protocol):
    """Runs a command; gives exit code, stdout and stderr."""

    def __call__(self, *arguments: str, stdin: str = "") -> tuple[int, str, str]: ...


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """On a data directory of the test's own; what a command changes in its process is undone."""
    monkeypatch.setenv("APPMIXER_DATA_DIR", str(tmp_path / "data"))
    root, ours = logging.getLogger(), logging.getLogger("appmixer_mcp")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    umask = os.umask(0o022)

    def command(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        try:
            code = main(arguments)
        except SystemExit as ended:
            code = int(ended.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    yield command
    os.umask(umask)
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


def called(run: Run, *arguments: str, stdin: str = "") -> dict[str, Any]:
    code, out, err = run("call", *arguments, stdin=stdin)
    assert code == 0, err
    result: dict[str, Any] = json.loads(out)
    return result


def test_with_no_settings_list_flows_prints_those_of_the_sandbox(run: Run) -> None:
    flows = called(run, "list_flows")

    assert flows["total"] == 3
    assert all(flow["flow_id"] for flow in flows["items"])


def test_a_delete_shows_what_would_be_lost_and_happens_only_when_confirmed(run: Run) -> None:
    flow_id = called(run, "list_flows")["items"][0]["flow_id"]

    code, preview, _ = run("call", "delete_flow", f"flow_id={flow_id}")
    left = called(run, "count_flows")["count"]
    deleted = called(run, "delete_flow", f"flow_id={flow_id}", "confirm=true")

    assert code == 3
    assert json.loads(preview)["done"] is False
    assert json.loads(preview)["impact"]
    assert left == 3
    assert deleted["done"] is True
    assert called(run, "count_flows")["count"] == 2


def test_unattended_scripts_can_switch_confirmation_off(run: Run) -> None:
    flow_id = called(run, "list_flows")["items"][0]["flow_id"]

    deleted = called(run, "delete_flow", f"flow_id={flow_id}", "--confirm", "off")

    assert deleted["done"] is True


def test_values_are_read_as_the_schema_says_and_from_files_and_stdin(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "value.txt").write_text("from a file\n")
    store_id = called(run, "create_store", "name=12")["store_id"]

    written = called(
        run, "create_store_item", f"store_id={store_id}", "key=k=1", f"value=@{tmp_path}/value.txt"
    )
    by_json = {"store_id": store_id, "key": "b", "value": "[1]", "value_is_json": True}
    piped = called(run, "create_store_item", "--json", "-", stdin=json.dumps(by_json))
    page = called(run, "list_store_records", f"store_id={store_id}", "limit=1")
    gone = called(
        run, "delete_store_items", f"store_id={store_id}", 'keys=["b", "k=1"]', "confirm=true"
    )

    assert called(run, "get_store", f"store_id={store_id}")["name"] == "12"
    assert (written["record"]["key"], written["record"]["value"]) == ("k=1", "from a file")
    assert piped["record"]["value_is_json"] is True
    assert len(page["items"]) == 1
    assert gone["deleted_count"] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list_flow",), "list_flows"),
        (("list_flows", "limit=many"), "whole number"),
        (("list_flows", "limit"), "key=value"),
        (("list_flows", "--json", "[1]"), "object"),
        (("list_flows", "--json", "{"), "JSON"),
        (("list_flows", "--json", "{}", "limit=1"), "not both"),
        (("get_flow", "flow_id=@/no/such/file"), "/no/such/file"),
        (("authenticate_user", "username=ada", "password=hunter2"), "password=@FILE"),
        (("configure_session", "--json", '{"access_token": "hunter2"}'), "--json -"),
    ],
)
def test_a_command_line_that_cannot_be_used_says_what_to_write(
    run: Run, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = run("call", *arguments)

    assert code == 2
    assert out == ""
    assert said in err
    assert "hunter2" not in err


def test_a_secret_is_taken_from_stdin(run: Run) -> None:
    signed_up = called(
        run, "signup_user", "username=ada@example.org", "password=-", stdin="hunter22\n"
    )

    code, _, err = run(
        "call", "authenticate_user", "username=ada@example.org", "password=-", stdin="wrong-one\n"
    )

    assert signed_up["username"] == "ada@example.org"
    assert code == 1
    assert "wrong-one" not in err


def test_a_tool_that_fails_says_why_on_stderr(run: Run) -> None:
    code, out, err = run("call", "get_flow", "flow_id=no-such-flow")

    assert (code, out) == (1, "")
    assert "no-such-flow" in err
    assert "list_flows" in err


def test_tools_as_json_are_the_ones_of_the_sdk_with_schemas_and_hints(run: Run) -> None:
    code, out, _ = run("tools", "--json")

    tools = {tool["name"]: tool for tool in json.loads(out)}
    assert code == 0
    assert set(tools) >= set(SDK_METHODS.values()) - {"get_session", "configure_session"}
    assert tools["delete_flow"]["hints"]["destructive"] is True
    assert tools["list_flows"]["input_schema"]["type"] == "object"
    assert tools["list_flows"]["group"] == "flows"


def test_the_table_of_tools_follows_the_settings(run: Run) -> None:
    _, everything, _ = run("tools")
    _, reading, _ = run("tools", "--read-only", "--toolsets", "stores")

    assert "delete_store" in everything
    assert "list_flows" in everything
    assert "list_stores" in reading
    assert "delete_store" not in reading
    assert "list_flows" not in reading


def test_doctor_says_what_is_set_and_who_is_signed_in_but_no_secret(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code, out, _ = run("doctor")

    secrets = json.loads((tmp_path / "data" / "secrets.json").read_text())
    assert code == 0
    assert "Signed in as demo@appmixer.local with local sandbox key" in out
    assert f"APPMIXER_DATA_DIR: {tmp_path}" in out
    assert not [secret for secret in secrets.values() if secret in out]


def test_doctor_finds_what_has_no_effect_and_what_does_not_answer(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPMIXER_COLOUR", "blue")
    monkeypatch.setenv("APPMIXER_ACCESS_TOKEN", "hunter2")
    monkeypatch.setenv("APPMIXER_BASE_URL", "http://127.0.0.1:1")

    code, said, _ = run("doctor")

    assert code == 1
    assert "APPMIXER_COLOUR is no setting and has no effect" in said
    assert "APPMIXER_ACCESS_TOKEN: set, not shown" in said
    assert "It cannot be used" in said
    assert "hunter" not in said


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"BASEURL": "https://api.example.org"}, "did you mean APPMIXER_BASE_URL?"),
        ({"ACCESS_TOKEN": "hunter2"}, "no APPMIXER_BASE_URL for them"),
        ({"USERNAME": "ann", "BASE_URL": "https://api.example.org"}, "set both"),
        ({"READ_ONLY": "ja"}, "APPMIXER_READ_ONLY: it must be"),
        ({"BASE_URL": "api.example.org"}, "must start with http"),
    ],
)
def test_settings_that_would_lead_to_another_tenant_or_nowhere_are_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], says: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"APPMIXER_{name}", value)

    code, shown, said = run("call", "list_flows")

    assert code == 2
    assert says in said
    assert not shown
    assert "hunter" not in said


def test_arguments_that_cannot_be_read_are_named_with_the_reason(run: Run, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{,", encoding="utf-8")

    assert "write it as key=value" in run("call", "list_flows", "limit", "5")[2]
    assert "limit is given twice" in run("call", "list_flows", "limit=5", "limit=6")[2]
    said = run("call", "create_flow", "name=x", f"descriptor=@{broken}")[2]
    assert "descriptor takes an object, written as JSON" in said
    assert "line 1 column 2" in said
    assert "not '99999'" in run("sandbox", "--port", "99999")[2]


def test_a_tool_that_is_switched_off_is_told_apart_from_an_unknown_one(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPMIXER_READ_ONLY", "true")

    assert "APPMIXER_READ_ONLY is set" in run("call", "delete_flow", "flow_id=x")[2]


def test_a_broken_setting_ends_a_command_with_its_name(run: Run) -> None:
    code, out, err = run("call", "list_flows", "--timeout-s", "soon")

    assert (code, out) == (2, "")
    assert "APPMIXER_TIMEOUT_S" in err


@pytest.mark.parametrize("setting", ["APPMIXER_BASE_URL", "APPMIXER_ALLOWED_BASE_URLS"])
def test_an_address_with_a_password_in_it_is_refused_and_not_shown(
    run: Run, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setenv(setting, "https://user:hunter3@tenant.invalid")

    code, out, err = run("call", "get_session")

    assert code == 2
    assert setting in err
    assert "hunter3" not in out + err


def test_toolsets_that_name_nothing_are_refused(run: Run) -> None:
    code, _, err = run("tools", "--toolsets", ",")

    assert code == 2
    assert "APPMIXER_TOOLSETS" in err


def test_a_data_directory_may_begin_with_the_home_directory(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("APPMIXER_DATA_DIR", "~/sandbox")

    called(run, "get_user")

    assert (tmp_path / "home" / "sandbox" / "tenant.db").exists()


@pytest.mark.parametrize(
    "command",
    [
        ["tools", "--json"],
        *(pytest.param(one, marks=pytest.mark.long) for one in (["call", "list_flows"], ["demo"])),
    ],
)
def test_a_reader_that_leaves_early_sees_no_traceback(tmp_path: Path, command: list[str]) -> None:
    with start(*command, data_dir=tmp_path / "data") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        said = process.stderr.read()

    assert process.returncode == 141
    assert said == ""


def test_a_sandbox_refuses_a_directory_in_use_and_names_its_owner(run: Run, tmp_path: Path) -> None:
    holder = DataDirectory(tmp_path / "data")
    holder.try_own()
    holder.announce("http://127.0.0.1:4711", 4711, "key")

    code, out, err = run("sandbox", "--port", "0")

    holder.release()
    assert (code, out) == (2, "")
    assert "http://127.0.0.1:4711" in err


def test_a_sandbox_that_others_can_reach_needs_a_password_of_its_own(run: Run) -> None:
    code, _, err = run("sandbox", "--host", "0.0.0.0", "--port", "0")  # noqa: S104 - refused

    assert code == 2
    assert "--demo-password" in err
    assert "--no-demo" in err


def test_a_port_without_a_transport_that_listens_is_refused(run: Run) -> None:
    code, _, err = run("serve", "--port", "8000")

    assert code == 2
    assert "--transport http" in err


def test_doctor_says_whether_it_could_be_served_to_others(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ("--auth", "oauth", "--public-url", "https://mcp.example.com")
    monkeypatch.setenv("APPMIXER_ENCRYPTION_KEY", "watched-key-of-doctor-with-32-characters")

    well, said, _ = run("doctor", *settings)
    monkeypatch.setenv("APPMIXER_ENCRYPTION_KEY", "short")
    ill, complained, _ = run("doctor", *settings)

    assert (well, ill) == (0, 1)
    assert "each person signs in" in said
    assert "at least 32 characters" in complained
    assert "watched" not in said


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--allowed-origins", "app.example.com"), "APPMIXER_ALLOWED_ORIGINS"),
        (("--allowed-hosts", "https://app.example.com"), "APPMIXER_ALLOWED_HOSTS"),
        (("--host", "0.0.0.0"), "--auth"),  # noqa: S104 - refused
        (("--public-url", "https://mcp.example.com"), "APPMIXER_PUBLIC_URL"),
        (("--auth", "oauth"), "APPMIXER_PUBLIC_URL"),
        (("--auth", "oauth", "--public-url", "https://mcp.example.com"), "APPMIXER_ENCRYPTION_KEY"),
    ],
)
def test_a_way_to_serve_over_http_that_is_not_safe_is_refused(
    run: Run, arguments: tuple[str, ...], named: str
) -> None:
    code, _, err = run("serve", "--transport", "http", *arguments)

    assert code == 2
    assert named in err


@pytest.mark.parametrize(
    "command", [("demo", "--read-only"), ("sandbox", "--base-url", "https://api.example.com")]
)
def test_a_setting_that_a_command_would_ignore_is_refused(
    run: Run, command: tuple[str, ...]
) -> None:
    code, _, err = run(*command)

    assert code == 2
    assert command[1] in err


def test_the_version_is_told(run: Run) -> None:
    code, out, _ = run("--version")

    assert code == 0
    assert __version__ in out

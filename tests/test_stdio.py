"""The server as clients start it: a process that speaks MCP on stdin and stdout."""

import json
import signal
import subprocess
import tempfile
from pathlib import Path

import anyio
import pytest

from appmixer_mcp.presets import DEFAULT
from tests.processes import (
    PROGRAM,
    call,
    environment,
    finished,
    flow_ids,
    lines,
    start,
    stdio_server,
)

INITIALIZE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}


def request(number: int, method: str, **parameters: object) -> str:
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}
    return json.dumps(message) + "\n"


def test_stdout_is_protocol_only_and_stderr_names_the_sandbox(tmp_path: Path) -> None:
    process = start(data_dir=tmp_path / "data", APPMIXER_LOG_LEVEL="DEBUG")
    assert process.stdin is not None
    said = [
        request(1, "initialize", **INITIALIZE),
        json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}) + "\n",
        request(2, "tools/list"),
        request(3, "tools/call", name="list_flows", arguments={}),
        request(4, "tools/call", name="no_such_tool", arguments={}),
    ]

    process.stdin.write("".join(said))
    process.stdin.flush()
    said_first = lines(process, 4)
    code, rest, err = finished(process)

    answers = {message["id"]: message for message in map(json.loads, said_first)}
    assert rest == ""
    assert code == 0
    assert all(message["jsonrpc"] == "2.0" for message in answers.values())
    assert len(answers[2]["result"]["tools"]) == len(DEFAULT)
    assert answers[3]["result"]["structuredContent"]["total"] == 3
    assert answers[4]["result"]["isError"] is True
    assert f"serving the embedded sandbox in {tmp_path / 'data'}" in err


def test_a_start_loads_nothing_that_only_a_call_or_another_command_needs(
    tmp_path: Path,
) -> None:
    ended = subprocess.run(
        [PROGRAM[0], "-X", "importtime", *PROGRAM[1:]],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        env=environment(tmp_path / "data"),
    )

    loaded = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    late = [
        *("api", "sandbox", "embedded", "hosting", "ownership", "calling", "doctor", "demo"),
        *("web", "oauth", "outgoing", "tracing", "state.redis_state", "state.sqlite_state"),
    ]
    assert "appmixer_mcp.server" in loaded
    assert not [name for name in late if f"appmixer_mcp.{name}" in loaded]
    assert not {"sqlite3", "filelock", "luqum", "redis", "jinja2", "prometheus_client"} & loaded
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("setting", "value"),
    [("APPMIXER_CONFIRM", "sometimes"), ("APPMIXER_TOOLSETS", "flows,no-such-toolset")],
)
async def test_a_broken_setting_is_named_in_the_instructions_and_by_every_tool(
    tmp_path: Path, setting: str, value: str
) -> None:
    with anyio.fail_after(30), tempfile.TemporaryFile("w") as errors:
        async with stdio_server(tmp_path / "data", errors, **{setting: value}) as client:
            answer = await client.call_tool("list_flows", {})

            assert setting in str(client.instructions)
            assert answer.is_error
            assert setting in str(answer.content)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_in_order_although_its_stdin_stays_open(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = start(data_dir=tmp_path / "data")
    assert process.stdin is not None
    process.stdin.write(
        request(1, "initialize", **INITIALIZE)
        + request(2, "tools/call", name="get_user", arguments={})
    )
    process.stdin.flush()
    answers = [json.loads(line) for line in lines(process, 2)]

    process.send_signal(number)
    try:
        code = process.wait(timeout=20)
    finally:
        process.kill()
        _, err = process.communicate(timeout=10)

    assert "result" in answers[1]
    assert code == 128 + number
    assert "Traceback" not in err
    assert not (tmp_path / "data" / "sandbox.json").exists()


@pytest.mark.long
async def test_two_calls_at_once_and_a_server_share_one_tenant(tmp_path: Path) -> None:
    data = tmp_path / "data"
    at_once = [start("call", "list_flows", data_dir=data) for _ in range(2)]
    alone = [finished(process) for process in at_once]

    with anyio.fail_after(60), tempfile.TemporaryFile("w") as errors:
        async with stdio_server(data, errors) as client:
            served = await call(client, "list_flows")
            beside = start("call", "create_store", "name=Beside", data_dir=data)
            code, _, err = await anyio.to_thread.run_sync(finished, beside)
            stores = await call(client, "list_stores")

    assert [result[0] for result in alone] == [0, 0], alone
    expected = sorted(flow["flow_id"] for flow in served["items"])
    assert [flow_ids(result[1]) for result in alone] == [expected, expected]
    assert code == 0, err
    assert "Beside" in [store["name"] for store in stores["items"]]

"""The MCP Inspector's command line, from npm, against every transport."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from appmixer_mcp.presets import DEFAULT
from tests.npm import npm_package
from tests.processes import lines, start

pytestmark = pytest.mark.long


@pytest.fixture(scope="session")
def inspector() -> Path:
    return npm_package("@modelcontextprotocol/inspector", "2.12.0") / ".bin" / "mcp-inspector"


@contextmanager
def served(transport: str, data_dir: Path) -> Iterator[list[str]]:
    """Give what the Inspector is told of a server; it starts one over stdio itself."""
    if transport == "stdio":
        # What comes from the environment is not handed on to a server.
        yield ["-e", f"APPMIXER_DATA_DIR={data_dir}", "--", sys.executable, "-m", "appmixer_mcp"]
        return
    process = start("serve", "--transport", "http", "--port", "0", data_dir=data_dir)
    try:
        url = lines(process, 1)[0].strip()
        assert url.startswith("http://"), process.communicate(timeout=10)[1]
        path = {"http": "/mcp", "sse": "/sse"}[transport]
        yield [f"--transport={transport}", f"--server-url={url}{path}"]
    finally:
        process.terminate()
        process.communicate(timeout=20)


def inspect(inspector: Path, home: Path, *arguments: str) -> dict[str, Any]:
    """Run the Inspector once, and return the result that the server gave it."""
    ended = subprocess.run(
        [inspector, "--cli", "--format=json", "--quiet", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"HOME": str(home)},
    )
    assert ended.returncode == 0, ended.stderr
    result: dict[str, Any] = json.loads(ended.stdout)["result"]
    return result


@pytest.mark.parametrize("era", ["legacy", "modern"])
@pytest.mark.parametrize("transport", ["stdio", "http", "sse"])
def test_the_inspector_lists_and_calls_tools(
    inspector: Path, tmp_path: Path, transport: str, era: str
) -> None:
    with served(transport, tmp_path / "data") as target:
        options = [f"--protocol-era={era}"]
        listed = inspect(inspector, tmp_path, *options, "--method=tools/list", *target)
        call = ["--method=tools/call", "--tool-name=list_flows", "--tool-arg", "limit=2"]
        called = inspect(inspector, tmp_path, *options, *call, *target)

    assert len(listed["tools"]) == len(DEFAULT)
    assert called["structuredContent"]["total"] == 3
    assert len(called["structuredContent"]["items"]) == 2

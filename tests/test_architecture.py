"""Who may import whom, and what a start may load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from appmixer_mcp._folders import folder

PACKAGE = Path(__file__).parent.parent / "appmixer_mcp"
FORBIDDEN = {
    "appmixer_mcp/api": (
        "appmixer_mcp.sandbox",
        "mcp",
        "appmixer_mcp.server",
        "appmixer_mcp.toolset",
    ),
    "appmixer_mcp/sandbox": (
        "appmixer_mcp.api",
        "mcp",
        "appmixer_mcp.server",
        "appmixer_mcp.toolset",
    ),
    "appmixer_mcp/sandbox/components": (
        "appmixer_mcp.sandbox.engine",
        "appmixer_mcp.sandbox.database",
    ),
    "tools": ("appmixer_mcp.sandbox", "appmixer_mcp.server", "appmixer_mcp.cli", "mcp"),
}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(module, package):
    return module == package or module.startswith(f"{package}.")


@pytest.mark.parametrize("place", FORBIDDEN)
def test_imports_point_in_one_direction(place):
    root = folder("tools") if place == "tools" else PACKAGE.parent / place

    wrong = [
        (path.name, module)
        for path in root.rglob("*.py")
        for module in imported(path)
        for package in FORBIDDEN[place]
        if within(module, package)
    ]

    assert wrong == []


def test_errors_and_the_descriptor_rules_import_nothing_of_ours():
    for name in ("errors.py", "descriptor.py"):
        assert not [one for one in imported(PACKAGE / name) if within(one, "appmixer_mcp")]


def test_a_tool_module_has_one_name_at_run_time():
    program = (
        "import sys; from appmixer_mcp.server import load_toolsets; load_toolsets();"
        "print('tools.flows' in sys.modules, 'appmixer_mcp.tools.flows' in sys.modules)"
    )

    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )

    assert said.stdout.split() == ["False", "True"]


def test_listing_the_tools_loads_neither_the_client_nor_the_sandbox():
    program = (
        "import sys\n"
        "from appmixer_mcp.server import ServerOptions, build_server\n"
        "from appmixer_mcp.session import Session\n"
        "build_server(ServerOptions(session=Session('sandbox', None)))\n"
        "print([m for m in sys.modules if m.startswith(('appmixer_mcp.api', 'appmixer_mcp.sandbox',"
        " 'sqlite3', 'luqum', 'filelock'))])"
    )

    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )

    assert said.stdout.strip() == "[]"


def test_only_the_settings_read_the_environment():
    wrong = [
        path.name
        for path in PACKAGE.rglob("*.py")
        if path != PACKAGE / "settings.py"
        and ("os.environ" in path.read_text("utf-8") or "getenv(" in path.read_text("utf-8"))
    ]

    assert wrong == []

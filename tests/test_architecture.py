"""Who may import whom, and what a start may load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from appmixer_mcp._folders import folder

PACKAGE = Path(__file__).parent.parent / "appmixer_mcp"
OF_OURS = {
    "appmixer_mcp/api": ("__version__", "errors", "ids"),
    "appmixer_mcp/sandbox": ("__version__", "errors", "descriptor", "outgoing"),
    "appmixer_mcp/outgoing": (),
    "appmixer_mcp/state": ("errors",),
    "appmixer_mcp/oauth": ("errors", "keys", "networks", "api", "outgoing", "state"),
    "tools": (
        "errors",
        "ids",
        "projections",
        "cleaning",
        "descriptor",
        "flow_diff",
        "editing",
        "journal",
        "file_directory",
        "api",
        "results",
        "confirmation",
        "prompting",
        "profiles",
        "progress",
        "redaction",
        "selecting",
        "toolset",
    ),
}
"""What of ours a part may import beside itself."""
FORBIDDEN = {
    "appmixer_mcp/api": ("mcp", "starlette"),
    "appmixer_mcp/sandbox": ("mcp",),
    "appmixer_mcp/sandbox/components": (
        "appmixer_mcp.sandbox.engine",
        "appmixer_mcp.sandbox.database",
    ),
    "appmixer_mcp/outgoing": ("mcp", "starlette"),
    "appmixer_mcp/state": ("mcp", "starlette"),
    "appmixer_mcp/oauth": ("mcp",),
    "tools": ("mcp", "starlette"),
}
ENTRANCES = {
    "appmixer_mcp.cli": ("__main__.py",),
    "appmixer_mcp.web": ("cli.py", "doctor.py", "web"),
    "appmixer_mcp.oauth": ("oauth", "web"),
}
"""What only these files and folders of the package may import."""


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(module, package):
    return module == package or module.startswith(f"{package}.")


def imported_in(place):
    root = folder("tools") if place == "tools" else PACKAGE.parent / place
    return [(path.name, module) for path in root.rglob("*.py") for module in imported(path)]


@pytest.mark.parametrize("place", OF_OURS)
def test_imports_of_ours_point_in_one_direction(place):
    allowed = [f"appmixer_mcp.{name}" for name in OF_OURS[place]] + [place.replace("/", ".")]

    wrong = [
        (name, module)
        for name, module in imported_in(place)
        if within(module, "appmixer_mcp")
        and module != "appmixer_mcp"
        and not any(within(module, package) for package in allowed)
    ]

    assert wrong == []


@pytest.mark.parametrize("place", FORBIDDEN)
def test_a_part_knows_nothing_of_what_it_does_not_need(place):
    wrong = [
        (name, module)
        for name, module in imported_in(place)
        if any(within(module, package) for package in FORBIDDEN[place])
    ]

    assert wrong == []


@pytest.mark.parametrize("package", ENTRANCES)
def test_what_ties_things_together_is_imported_from_above_alone(package):
    wrong = [
        path.name
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0] not in ENTRANCES[package]
        and any(within(module, package) for module in imported(path))
    ]

    assert wrong == []


def test_errors_and_the_descriptor_rules_import_nothing_of_ours():
    for name in ("errors.py", "descriptor.py"):
        assert not [one for one in imported(PACKAGE / name) if within(one, "appmixer_mcp")]


def test_a_tool_module_has_one_name_at_run_time():
    program = (
        "import sys; from appmixer_mcp.surface import load_toolsets; load_toolsets();"
        "print('tools.flows' in sys.modules, 'appmixer_mcp.tools.flows' in sys.modules)"
    )

    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )

    assert said.stdout.split() == ["False", "True"]


def test_only_the_settings_read_the_environment():
    wrong = [
        path.name
        for path in PACKAGE.rglob("*.py")
        if path != PACKAGE / "settings.py"
        and ("os.environ" in path.read_text("utf-8") or "getenv(" in path.read_text("utf-8"))
    ]

    assert wrong == []

"""The documents say what the code does."""

import contextlib
import io
import json
import re
import shlex
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import anyio
import pytest

from appmixer_mcp import errors
from appmixer_mcp.calling import list_tools
from appmixer_mcp.cli import _parsed
from appmixer_mcp.sandbox import app, components
from appmixer_mcp.settings import PREFIX, Settings
from appmixer_mcp.surface import load_toolsets
from bench.tokens import MOST, cost, count
from tests.contract.documents import component_types, contract, operations, shape
from tests.listings import MODES, server, shown_in
from tests.processes import sandbox

README = Path(__file__).parent.parent / "README.md"
SANDBOX = README.parent / "docs" / "sandbox.md"
PERFORMANCE = README.parent / "docs" / "performance.md"


def fenced(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text("utf-8"), re.M | re.S)


def settings_table():
    rows = ["| variable | default | what it does |", "|---|---|---|"]
    for name, one in Settings.model_fields.items():
        default = "" if one.default in (None, "") or one.default_factory else one.default
        shown = f"`{str(default).lower() if isinstance(default, bool) else default}`"
        shown = shown if default != "" else ""
        rows.append(f"| `{PREFIX}{name.upper()}` | {shown} | {one.description} |")
    return "\n".join(rows)


def tools_as_json(*toolsets, **options):
    """Return what `appmixer-mcp tools --json` prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        list_tools(server(toolsets=toolsets, **options), as_json=True)
    return json.loads(printed.getvalue())


def tools_table():
    rows = ["| group | tool | presets | what it does |", "|---|---|---|---|"]
    for tool in tools_as_json("all"):
        mark = {"never": "", "sometimes": "?", "always": "!"}[tool["asks"]]
        text = " ".join(tool["description"].split("\n\n")[0].split())
        first = re.split(r"(?<=\.)\s", text)[0]
        presets = " ".join(tool["presets"])
        rows.append(f"| {tool['group']} | `{tool['name']}`{mark} | {presets} | {first} |")
    return "\n".join(rows)


PRESETS = {
    "default": "`sdk`, and what repairs: edit, validate, diagnose, undo",
    "sdk": "one tool for each method of Appmixer's SDK",
    "core": "building and repairing flows, where few tools fit: Cursor takes 40 in all",
    "all": "every group but `gateway`",
}


def presets_table():
    rows = ["| preset | tools | read-only | what it is |", "|---|---:|---:|---|"]
    for preset, what in PRESETS.items():
        count, reading = len(tools_as_json(preset)), len(tools_as_json(preset, read_only=True))
        rows.append(f"| `{preset}` | {count} | {reading} | {what} |")
    return "\n".join(rows)


def resources_table():
    rows = ["| group | resource | what it is |", "|---|---|---|"]
    rows += [
        f"| {toolset.name} | `{spec.uri}` | {' '.join(spec.description.split())} |"
        for toolset in load_toolsets().values()
        for spec in toolset.resources
    ]
    return "\n".join(rows)


def errors_table():
    rows = ["| error | when |", "|---|---|"]
    for name, one in vars(errors).items():
        if isinstance(one, type) and issubclass(one, errors.AppmixerError):
            rows.append(f"| `{name}` | {str(one.__doc__).strip().splitlines()[0]} |")
    return "\n".join(rows)


def components_table():
    served = {one.type: one for one in components.every()}
    rows = ["| component | in ports | out ports |", "|---|---|---|"]
    for name in sorted(served.keys() | component_types().keys()):
        if name in served:
            ins = ", ".join(port.name for port in served[name].in_ports) or "(trigger)"
            outs = ", ".join(port.name for port in served[name].out_ports)
            rows.append(f"| `{name}` | {ins} | {outs} |")
        else:
            rows.append(f"| `{name}` | left out: {component_types()[name]} | |")
    return "\n".join(rows)


def operations_table():
    served: dict[str, list[str]] = defaultdict(list)
    missing: dict[str, list[str]] = defaultdict(list)
    for _, endpoint in app.endpoints():
        served[endpoint.path].append(endpoint.method + (" (ours)" if endpoint.ours else ""))
    known = {shape(one.method, one.path) for _, one in app.endpoints()}
    for one in operations(contract()):
        if one.shape not in known:
            missing[one.path].append(f"{one.method}: {one.why_left_out}")
    rows = ["| path | served | left out |", "|---|---|---|"]
    rows += [
        f"| `{path}` | {' '.join(served[path])} | {', '.join(missing[path])} |"
        for path in sorted({*served, *missing})
    ]
    return "\n".join(rows)


def tokens_table():
    rows = [
        "| served | tools | tokens | longest tool | hidden | prompts | resources |",
        "|---|---:|---:|---|---:|---:|---:|",
    ]
    for mode in MODES:
        if mode.policy in ("flag", "off"):
            continue  # shown the same as `auto`
        shown = anyio.run(shown_in, mode)
        spent = cost(shown["tools"])
        most = f" of {MOST[mode.preset]:,}" if mode.preset in MOST else ""
        how = ", read-only" if mode.read_only else ""
        how += ", `APPMIXER_CONFIRM=token`" if mode.policy == "token" else ""
        rows.append(
            f"| `{mode.preset}`{how} | {spent.tools} | {spent.tokens:,}{most} "
            f"| `{spent.longest}`, {spent.tokens_of_longest} | {spent.hidden_tokens:,} "
            f"| {count(shown['prompts'])} | {count(shown['resources'] + shown['templates'])} |"
        )
    return "\n".join(rows)


TABLES = {
    "settings": (README, settings_table),
    "tools": (README, tools_table),
    "presets": (README, presets_table),
    "resources": (README, resources_table),
    "errors": (README, errors_table),
    "components": (SANDBOX, components_table),
    "operations": (SANDBOX, operations_table),
    "tokens": (PERFORMANCE, tokens_table),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_the_documents_is_what_the_code_says(name, request):
    page, table = TABLES[name]
    block = re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- /{name} -->)", re.S)
    expected = f"{table()}\n"
    if request.config.getoption("--update-docs"):
        updated = block.sub(lambda found: found[1] + expected + found[3], page.read_text("utf-8"))
        page.write_text(updated, encoding="utf-8")

    shown = block.search(page.read_text("utf-8"))

    assert shown, f"{page.name} has no table {name}"
    assert shown[2] == expected, "run pytest --update-docs"


def test_every_json_example_is_json():
    examples = fenced("json")

    assert len(examples) >= 2
    for example in examples:
        json.loads(example)


def test_every_variable_that_the_readme_names_is_a_setting():
    named = set(re.findall(rf"{PREFIX}[A-Z_]+", README.read_text("utf-8")))

    assert named == {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}


def test_the_python_example_runs(tmp_path):
    (example,) = fenced("python")

    with sandbox(tmp_path, "--demo-password", "demo-password") as (_, url):
        program = example.replace("http://127.0.0.1:2200", url).replace("PASSWORD", "demo-password")
        shown = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
        )

    assert "Order intake running" in shown.stdout


def test_every_command_of_the_documents_is_understood():
    lines = [line for page in (README, SANDBOX) for line in commands(page)]

    assert len(lines) >= 5
    for line in lines:
        _parsed(shlex.split(line, comments=True)[1:])


def commands(page):
    return re.findall(r"^(appmixer-mcp .*)$", page.read_text("utf-8"), re.M)

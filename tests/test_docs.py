"""The README says what the code does."""

import json
import re
from pathlib import Path

import pytest

from appmixer_mcp import errors
from appmixer_mcp.server import load_toolsets
from appmixer_mcp.settings import PREFIX, Settings

README = Path(__file__).parent.parent / "README.md"
SOMETIMES = {"update_flow", "create_store_item"}


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


def tools_table():
    rows = ["| group | tool | what it does |", "|---|---|---|"]
    for toolset in load_toolsets().values():
        for spec in toolset.tools:
            mark = "" if spec.preview is None else "?" if spec.name in SOMETIMES else "!"
            first = re.split(r"(?<=\.)\s", " ".join(spec.description.split("\n\n")[0].split()))[0]
            rows.append(f"| {toolset.name} | `{spec.name}`{mark} | {first} |")
    return "\n".join(rows)


def errors_table():
    rows = ["| error | when |", "|---|---|"]
    for name, one in vars(errors).items():
        if isinstance(one, type) and issubclass(one, errors.AppmixerError):
            rows.append(f"| `{name}` | {str(one.__doc__).strip().splitlines()[0]} |")
    return "\n".join(rows)


TABLES = {"settings": settings_table, "tools": tools_table, "errors": errors_table}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_the_readme_is_what_the_code_says(name, request):
    block = re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- /{name} -->)", re.S)
    expected = f"{TABLES[name]()}\n"
    if request.config.getoption("--update-docs"):
        updated = block.sub(lambda found: found[1] + expected + found[3], README.read_text("utf-8"))
        README.write_text(updated, encoding="utf-8")

    shown = block.search(README.read_text("utf-8"))

    assert shown, f"the README has no table {name}"
    assert shown[2] == expected, "run pytest --update-docs"


def test_every_json_example_is_json():
    examples = fenced("json")

    assert len(examples) >= 2
    for example in examples:
        json.loads(example)


def test_every_variable_that_the_readme_names_is_a_setting():
    named = set(re.findall(rf"{PREFIX}[A-Z_]+", README.read_text("utf-8")))

    assert named == {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}

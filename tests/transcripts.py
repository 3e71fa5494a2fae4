"""Pages of docs/ that hold what really went over the wire, kept up to date by the tests."""

import json
import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent / "docs"
_WIDTH = 96


def pretty(value: Any, indent: str = "") -> str:
    """Return JSON of which whatever fits on a line stands on one."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= _WIDTH or not value or not isinstance(value, dict | list):
        return line
    inner = f"{indent}  "
    if isinstance(value, dict):
        parts = [f'{inner}"{name}": {pretty(one, inner)}' for name, one in value.items()]
        return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + pretty(one, inner) for one in value) + f"\n{indent}]"


def compare(page: Path, name: str, expected: str, *, update: bool) -> None:
    """Fail unless the block of that name holds this text; write it there first to update."""
    block = re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- /{name} -->)", re.S)
    text = page.read_text("utf-8")
    if update:
        text = block.sub(lambda one: one[1] + expected + one[3], text)
        page.write_text(text, encoding="utf-8")
    found = block.search(text)
    assert found, f"{page.name} has no block {name}"
    assert found[2] == expected, "run pytest --update-docs"

"""How the measurements are shown: to people, to programs, and in docs/performance.md."""

import json
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.measurement import Measurement

_BLOCK = re.compile(r"(<!-- bench -->\n).*?(<!-- /bench -->)", re.DOTALL)
_VERDICTS = {True: "met", False: "missed", None: ""}
_STYLES = {True: "green", False: "bold red", None: ""}


def machine() -> str:
    """Return what the numbers were measured on, in general words."""
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), {platform.system()}, Python "
        f"{platform.python_version()}, mcp {version('mcp')}"
    )


def print_table(measurements: Sequence[Measurement]) -> None:
    """Print the measurements for people."""
    table = Table(title="appmixer-mcp", caption=machine())
    table.add_column("number")
    table.add_column("target", justify="right")
    table.add_column("measured", justify="right")
    table.add_column("")
    table.add_column("how, and beside what", ratio=1)
    for one in measurements:
        verdict = Text(_VERDICTS[one.met], style=_STYLES[one.met])
        table.add_row(one.name, _target(one), one.shown(one.value), verdict, one.details)
    Console().print(table)


def as_json(measurements: Sequence[Measurement]) -> str:
    """Return the measurements for programs."""
    listed = [{**asdict(one), "met": one.met} for one in measurements]
    return json.dumps({"machine": machine(), "measurements": listed}, indent=2, ensure_ascii=False)


def write_into(page: Path, measurements: Sequence[Measurement]) -> None:
    """Replace the table between the two marker comments of a page.

    Raises:
        ValueError: The page has no such markers.
    """
    rows = [
        f"Measured on {machine()}.\n",
        "| number | target | measured | | how, and beside what |",
        "|---|---:|---:|---|---|",
        *(
            f"| {one.name} | {_target(one)} | {one.shown(one.value)} | {_VERDICTS[one.met]} | "
            f"{one.details} |"
            for one in measurements
        ),
    ]
    text = page.read_text(encoding="utf-8")
    updated, found = _BLOCK.subn(lambda block: block[1] + "\n".join(rows) + "\n" + block[2], text)
    if not found:
        raise ValueError(f"{page.name} has no <!-- bench --> and <!-- /bench -->.")
    page.write_text(updated, encoding="utf-8")


def _target(one: Measurement) -> str:
    return "" if one.target is None else f"{one.target.kind} {one.shown(one.target.bound)}"

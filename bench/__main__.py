"""`python -m bench`: measures what docs/performance.md publishes, and prints a table."""

import argparse
import sys
from collections.abc import Callable

from bench import calls, edits, engine, load, logs, served, start_up, tokens, webhooks
from bench.measurement import FULL, QUICK, Effort, Measurement
from bench.processes import ROOT
from bench.report import as_json, print_table, write_into

_PARTS: dict[str, Callable[[Effort], list[Measurement]]] = {
    "start-up": start_up.measure,
    "calls": calls.measure,
    "memory": calls.measure_memory,
    "served": served.measure,
    "tokens": lambda _effort: tokens.measure(),
    "edit": lambda _effort: edits.measure(),
    "engine": engine.measure,
    "load": load.measure,
    "logs": logs.measure,
    "webhooks": webhooks.measure,
}


def _main() -> None:
    parser = argparse.ArgumentParser("python -m bench", description=__doc__, allow_abbrev=False)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"out of {', '.join(_PARTS)}")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--quick", action="store_true", help="try it out: too few calls to count")
    scope.add_argument("--write", action="store_true", help="put the table into the page")
    arguments = parser.parse_args()
    chosen: list[str] = arguments.parts or list(_PARTS)
    unknown = [part for part in chosen if part not in _PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(_PARTS)}")
    if arguments.write and arguments.parts:
        parser.error("--write takes all parts: the page holds one run")
    if arguments.write:
        chosen.remove("tokens")  # no run changes them: a test writes and holds their table
    measurements: list[Measurement] = []
    for part in chosen:
        sys.stderr.write(f"measuring {part} …\n")
        measurements += _PARTS[part](QUICK if arguments.quick else FULL)
    if arguments.json:
        print(as_json(measurements))
    else:
        print_table(measurements)
    if arguments.write:
        write_into(ROOT / "docs" / "performance.md", measurements)


if __name__ == "__main__":
    _main()

"""The official conformance suite, from npm, run against a server on a socket."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import anyio
import yaml

from tests.npm import node_22, npm_package

_PACKAGE = "@modelcontextprotocol/conformance"
_VERSION = "0.2.0-alpha.12"
_LONGEST_RUN_S = 120
_RESULT_FOLDER = re.compile(r"server-(?P<scenario>.+)-\d{4}-\d\d-\d\dT[\d-]+Z")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the suite found.

    Attributes:
        accepted: Whether the suite itself is content, given what it was told to expect.
        passed: How many of the checks passed that the revision requires.
        failed: How many of them failed, or were warned of.
        faults: Why they did, by `scenario:check`.
        skipped: Those that could not be made.
        beside: How many checks passed, and how many failed, that it does not require.
        summary: What the suite wrote in the end.
    """

    accepted: bool
    passed: int
    failed: int
    faults: dict[str, str]
    skipped: list[str]
    beside: tuple[int, int]
    summary: str

    def __str__(self) -> str:
        required = f"{self.passed} of {self.passed + self.failed} required checks passed"
        return f"{required}; of others {self.beside[0]} passed and {self.beside[1]} failed"


async def run_suite(url: str, revision: str, expected: Path, results: Path) -> Verdict:
    """Run all that a revision of the protocol requires of servers.

    Args:
        url: Of the endpoint.
        revision: Such as `2026-07-28`.
        expected: The suite's file of expected failures.
        results: A folder that it may fill.
    """
    package = npm_package(_PACKAGE, _VERSION) / _PACKAGE
    command = [node_22(), package / "dist" / "index.js", "server", "--url", url]
    options = ["--requirements", revision, "--expected-failures", expected, "-o", results]
    with anyio.fail_after(_LONGEST_RUN_S):
        ended = await anyio.run_process([*map(str, command), *map(str, options)], check=False)
    required = yaml.safe_load((package / "requirements" / f"{revision}.yaml").read_text())["server"]
    found = _found(results)
    missing = set(required) - found.keys()
    printed = f"{ended.stdout.decode()}\n{ended.stderr.decode()}"
    assert not missing, f"the suite says nothing of {missing}:\n{printed}"
    scored = [check for scenario in required for check in found.pop(scenario)]
    others = [check for checks in found.values() for check in checks]
    failed = _of(scored, "FAILURE", "WARNING")
    return Verdict(
        accepted=ended.returncode == 0,
        passed=len(_of(scored, "SUCCESS")),
        failed=len(failed),
        faults={check["name"]: check["why"] for check in failed},
        skipped=[check["name"] for check in _of(scored, "SKIPPED")],
        beside=(len(_of(others, "SUCCESS")), len(_of(others, "FAILURE"))),
        summary=printed.partition("=== SUMMARY ===")[2],
    )


def expected_failures(file: Path) -> list[str]:
    """Return what a file of expected failures holds."""
    entries: list[str] = yaml.safe_load(file.read_text())["server"]
    return entries


def _found(results: Path) -> dict[str, list[dict[str, str]]]:
    """Return the checks of each scenario."""
    found: dict[str, list[dict[str, str]]] = {}
    for file in results.glob("*/checks.json"):
        folder = _RESULT_FOLDER.fullmatch(file.parent.name)
        assert folder, f"the suite names its results otherwise: {file.parent.name}"
        scenario = folder["scenario"]
        found[scenario] = [
            {
                "name": f"{scenario}:{check['id']}",
                "status": check["status"],
                "why": check.get("errorMessage", ""),
            }
            for check in json.loads(file.read_text())
        ]
    return found


def _of(checks: list[dict[str, str]], *statuses: str) -> list[dict[str, str]]:
    return [check for check in checks if check["status"] in statuses]

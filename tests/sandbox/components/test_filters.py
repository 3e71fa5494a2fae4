"""The filters: which port a message leaves from, and that it leaves as it came."""

import pytest

from appmixer_mcp.sandbox.component import Json
from tests.sandbox.harness import Sandbox, entry


@pytest.mark.parametrize(
    ("name", "fields", "port"),
    [
        ("Equal", {"sourceData": "1", "value": 1}, "equals"),
        ("Equal", {"sourceData": "a", "value": "A"}, "notEquals"),
        ("Equal", {"sourceData": ""}, "equals"),
        ("Equal", {"sourceData": True, "value": "true"}, "notEquals"),
        ("Contains", {"sourceData": "Green TEA", "value": "tea"}, "contains"),
        ("Contains", {"sourceData": ["a"], "value": "b"}, "notContains"),
        ("GreaterThan", {"sourceData": "10", "greaterThan": "9"}, "greater"),
        ("GreaterThan", {"sourceData": 9, "greaterThan": 9}, "greater"),
        ("GreaterThan", {"sourceData": 9, "greaterThan": 9, "exclusive": True}, "notGreater"),
        ("GreaterThan", {"sourceData": "a", "greaterThan": 9}, "notGreater"),
        ("LessThan", {"sourceData": "2026-01-31", "lessThan": "2026-02-01"}, "less"),
        ("LessThan", {"sourceData": 9, "lessThan": 9}, "less"),
        ("LessThan", {"sourceData": 9, "lessThan": 9, "exclusive": "true"}, "notLess"),
        ("LessThan", {"sourceData": 10, "lessThan": 9}, "notLess"),
    ],
)
async def test_a_filter_passes_the_message_on_as_it_came(
    sandbox: Sandbox, name: str, fields: dict[str, Json], port: str
) -> None:
    run = await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "filter": entry(f"filters.{name}", "start", fields=fields),
        }
    )

    assert run.sent("filter", port) == [{"started": "2026-01-31T08:00:00.000Z"}]
    assert len(run.logs(component_id="filter", port_type="out")) == 1

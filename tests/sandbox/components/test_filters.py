"""The filters: which port a message leaves from, and that it leaves as it came."""

import pytest

from appmixer_mcp.sandbox.context import Json
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
        ("GreaterThan", {"sourceData": 10**400, "greaterThan": 9}, "greater"),
        ("GreaterThan", {"sourceData": "-0x" + "f" * 300, "greaterThan": 9}, "notGreater"),
        ("LessThan", {"sourceData": -(10**400), "lessThan": 9}, "less"),
        ("LessThan", {"sourceData": "2026-01-31", "lessThan": "2026-02-01"}, "less"),
        ("LessThan", {"sourceData": 9, "lessThan": 9}, "less"),
        ("LessThan", {"sourceData": 9, "lessThan": 9, "exclusive": "true"}, "notLess"),
        ("LessThan", {"sourceData": 10, "lessThan": 9}, "notLess"),
        ("NotEqual", {"sourceData": "1", "value": 1}, "equals"),
        ("NotEqual", {"sourceData": "a", "value": "A"}, "notEquals"),
        ("Range", {"sourceData": 1, "rangeMin": 1, "rangeMax": 2}, "inRange"),
        ("Range", {"sourceData": 2, "rangeMin": 1, "rangeMax": 2}, "inRange"),
        (
            "Range",
            {"sourceData": 1, "rangeMin": 1, "rangeMax": 2, "exclusiveMin": True},
            "notInRange",
        ),
        (
            "Range",
            {"sourceData": "2026-01-31", "rangeMin": "2026-01-31", "rangeMax": "2026-02-01"},
            "inRange",
        ),
        ("IsNotEmpty", {"sourceData": "a"}, "notEmpty"),
        ("IsNotEmpty", {"sourceData": 0}, "notEmpty"),
        ("IsNotEmpty", {"sourceData": []}, "empty"),
        ("IsNotEmpty", {"sourceData": "{{{$.start.out.nothing}}}"}, "empty"),
        ("Identity", {}, "out"),
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


@pytest.mark.parametrize(
    ("source", "value", "remainder"), [(17, "5", 2), (-7, 3, -1), ("5.5", 2, 1.5)]
)
async def test_modulo_sends_the_bare_remainder(
    sandbox: Sandbox, source: Json, value: Json, remainder: float
) -> None:
    run = await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "mod": entry("filters.Modulo", "start", fields={"sourceData": source, "value": value}),
            "use": entry(
                "filters.Equal",
                ("mod", "modulo"),
                fields={"sourceData": "{{{$.mod.modulo}}}", "value": remainder},
            ),
        }
    )

    assert run.sent("mod", "modulo") == [remainder]
    assert len(run.sent("use", "equals")) == 1


@pytest.mark.parametrize(("source", "value"), [("many", 2), (1, "x"), (1, 0)])
async def test_modulo_refuses_what_has_no_remainder(
    sandbox: Sandbox, source: Json, value: Json
) -> None:
    run = await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "mod": entry("filters.Modulo", "start", fields={"sourceData": source, "value": value}),
        }
    )

    assert "must" in run.errors("mod")[0]["message"]
    assert len(run.unprocessed()) == 1

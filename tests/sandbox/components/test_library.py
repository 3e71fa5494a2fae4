"""What holds for every component of the library."""

import json

import pytest

from appmixer_mcp.sandbox import components, flows
from appmixer_mcp.sandbox.component import Component
from appmixer_mcp.sandbox.context import Json
from tests.sandbox.harness import Sandbox, entry

EVERY = components.every()


def named(component: Component) -> str:
    return component.type.removeprefix("appmixer.utils.")


@pytest.mark.parametrize("component", EVERY, ids=named)
def test_a_component_is_found_by_its_type_and_has_a_sound_manifest(component: Component) -> None:
    manifest = json.loads(json.dumps(component.manifest()))

    assert components.find(component.type) is component
    assert component.label
    assert component.description.endswith(".")
    for ports in (manifest["inPorts"], manifest["outPorts"]):
        names = [port["name"] for port in ports]
        assert len(names) == len(set(names))
        assert flows.ERROR_PORT not in names
    fields = [*component.properties, *(one for port in component.in_ports for one in port.fields)]
    for field in fields:
        assert not field.options or field.default is None or field.default in field.options
        assert (field.type in ("select", "multiselect")) == bool(field.options), field.name


ODD: tuple[Json, ...] = (None, 5, "x", [], {"ADD": [{"name": 5}, "x"]}, {"AND": {}})


@pytest.mark.parametrize("component", [one for one in EVERY if one.further_variables], ids=named)
def test_odd_configurations_break_no_list_of_variables(component: Component) -> None:
    assert component.further_variables is not None
    in_port = component.in_ports[0].name if component.in_ports else "in"
    for odd in ODD:
        odd_entry = entry(
            component.type,
            ("s", "out", in_port),
            properties={one.name: odd for one in component.properties},
            fields={one.name: odd for port in component.in_ports for one in port.fields},
        )
        for port in component.out_ports:
            for given in (odd_entry, odd_entry | {"config": odd}, {}):
                paths = component.further_variables(port.name, given)

                assert all(isinstance(path, str) and path for path in paths)


@pytest.mark.parametrize(
    ("component_type", "properties", "fields", "port", "paths"),
    [
        (
            "controls.SetVariable",
            {},
            {"variables": {"ADD": [{"name": "total", "type": "number", "number": 5}]}},
            "out",
            ("total",),
        ),
        (
            "controls.Each",
            {},
            {"list": '[{"id": 1, "by": {"name": "Ann"}}]'},
            "item",
            ("value.id", "value.by", "value.by.name"),
        ),
        ("controls.Each", {}, {"list": '[{"id": 1}]'}, "done", ()),
        (
            "appevents.OnAppEvent",
            {"eventDataExample": '{"msg": "hi", "by": {"name": "Ann"}}'},
            {},
            "out",
            ("data.msg", "data.by", "data.by.name"),
        ),
        ("controls.Digest", {"outputType": "file"}, {}, "out", ("fileId", "count")),
        ("controls.Digest", {}, {}, "out", ("entries", "count")),
        (
            "subflows.OnFlowCall",
            {"input": {"ADD": [{"name": "orderId", "type": "text"}]}},
            {},
            "out",
            ("input.orderId",),
        ),
        (
            "subflows.FlowCallOutput",
            {},
            {"output": {"ADD": [{"name": "total", "type": "number", "value": 5}]}},
            "out",
            ("output.total",),
        ),
    ],
)
def test_the_configuration_tells_further_variables(
    component_type: str,
    properties: dict[str, Json],
    fields: dict[str, Json],
    port: str,
    paths: tuple[str, ...],
) -> None:
    component = components.find(f"appmixer.utils.{component_type}")
    assert component is not None
    assert component.further_variables is not None

    found = component.further_variables(
        port, entry(component_type, "s", properties=properties, fields=fields)
    )

    assert found == paths


SAMPLED: dict[str, dict[str, Json]] = {
    "appevents.OnAppEvent": {"event": "e", "eventDataExample": '{"a": 1}'},
    "timers.Scheduler": {"minute": "0", "hour": "9", "dayMonth": "*", "dayWeek": "*"},
    "timers.SchedulerTrigger": {"scheduleType": "days"},
    "timers.Timer": {"interval": 5},
    "http.Uptime": {"target": "http://shop.example/"},
    "rss.NewFeedItem": {"url": "http://shop.example/feed"},
    **{f"storage.OnItem{one}": {"storeId": "s"} for one in ("Added", "Updated", "Removed")},
}


@pytest.mark.parametrize("component", [one for one in EVERY if one.sample is not None], ids=named)
async def test_a_test_run_of_a_trigger_sends_what_its_manifest_promises(
    sandbox: Sandbox, component: Component
) -> None:
    run = sandbox.add({"t": entry(component.type, properties=SAMPLED.get(named(component), {}))})
    trial, _ = sandbox.engine.trial(run.flow_id, "t")
    events: list[tuple[str, dict[str, Json]]] = []

    async def emit(name: str, data: dict[str, Json]) -> None:
        events.append((name, data))

    await trial.run("t", {}, None, emit)

    outputs = [data for name, data in events if name == "component:output"]
    assert outputs
    assert "component:error" not in dict(events)
    ports = {port.name: port for port in component.out_ports}
    for sent in outputs:
        roots = {path.partition(".")[0] for path in ports[sent["port"]].variables}
        assert set(sent["data"]) <= roots or not roots

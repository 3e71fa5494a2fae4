"""OnError: sends a message for each error that any component of the flow has logged."""

from collections.abc import Mapping

from appmixer_mcp.sandbox.clock import iso, to_ms
from appmixer_mcp.sandbox.component import Component, Field, OutPort
from appmixer_mcp.sandbox.context import Context, Json

_MOST_ERRORS = 1000
_TOLD = (
    "gridTimestamp", "msg", "err", "componentId", "componentType", "componentLabel",
    "inputMessages",
)  # fmt: skip


async def _on_tick(ctx: Context) -> None:
    limit = min(int(ctx.properties.get("limit") or _MOST_ERRORS), _MOST_ERRORS)
    for error in ctx.errors_after(ctx.state.get("cursor", 0), limit):
        told = {key: error.get(key) for key in _TOLD}
        ctx.send("out", {**told, "flowName": ctx.flow_name})
        ctx.state.set("cursor", error["seq"])


async def _sample(ctx: Context) -> None:
    told: dict[str, Json] = dict.fromkeys(_TOLD, "") | {
        "gridTimestamp": iso(to_ms(ctx.now)),
        "msg": "Something failed.",
        "err": '{"message":"Something failed.","code":"","name":"Error"}',
        "inputMessages": {},
    }
    ctx.send("out", {**told, "flowName": ctx.flow_name})


def _check(properties: Mapping[str, Json]) -> list[str]:
    limit = properties.get("limit")
    if limit is None or (isinstance(limit, int) and limit > 0):
        return []
    return [f"limit must be a whole number above 0, not {limit!r}."]


COMPONENT = Component(
    type="appmixer.utils.controls.OnError",
    label="On Error",
    description="Triggers for each error in this flow.",
    version="1.1.0",
    properties=(
        Field(name="limit", type="number", tooltip="Most errors told in one go, up to 1000."),
    ),
    out_ports=(OutPort(variables=(*_TOLD, "flowName")),),
    check=_check,
    on_tick=_on_tick,
    sample=_sample,
)

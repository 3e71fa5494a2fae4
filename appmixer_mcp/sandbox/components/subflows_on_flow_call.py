"""OnFlowCall: triggers when another flow calls this one."""

from collections.abc import Mapping

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.component import Component, Field, OutPort
from appmixer_mcp.sandbox.components._descriptor_fields import static_property
from appmixer_mcp.sandbox.components._inputs import as_object, entries
from appmixer_mcp.sandbox.components._output_paths import names_in
from appmixer_mcp.sandbox.components._subflow import caller_of
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import to_text


async def _on_webhook(ctx: Context) -> None:
    call = as_object(ctx.webhook.data if ctx.webhook else None)
    caller = caller_of(ctx, to_text(call.get("callerWebhookUrl")))
    ctx.send(
        "out",
        {
            # That the caller is named by its flow is ours.
            "callerId": None if caller is None else caller.flow_id,
            "input": as_object(call.get("payload")),
        },
    )


async def _sample(ctx: Context) -> None:
    sampled = {name: name for name in names_in(ctx.properties.get("input"))}
    ctx.send("out", {"callerId": None, "input": sampled})


def _check(properties: Mapping[str, Json]) -> list[str]:
    try:
        entries("input", properties.get("input"))
    except ComponentFailedError as error:
        return [str(error)]
    return []


def _further_variables(_: str, entry: Mapping[str, Json]) -> tuple[str, ...]:
    return tuple(f"input.{name}" for name in names_in(static_property(entry, "input")))


COMPONENT = Component(
    type="appmixer.utils.subflows.OnFlowCall",
    label="On Flow Call",
    description="Triggers when another flow calls this one with Call Flow.",
    properties=(
        Field(
            name="input",
            type="expression",
            tooltip='What callers hand over: {"ADD": [{"name": "orderId", "type": "text"}]}',
        ),
    ),
    out_ports=(OutPort(variables=("callerId", "input")),),
    webhook=True,
    further_variables=_further_variables,
    check=_check,
    on_webhook=_on_webhook,
    sample=_sample,
)

"""OnAppEvent: sends a message for each event of a name that an app reports."""

from collections.abc import Mapping

from appmixer_mcp.sandbox.component import Component, Field, OutPort
from appmixer_mcp.sandbox.components._descriptor_fields import static_property
from appmixer_mcp.sandbox.components._inputs import parsed_or_same
from appmixer_mcp.sandbox.components._output_paths import example_paths
from appmixer_mcp.sandbox.context import Context, Json


async def _start(ctx: Context) -> None:
    ctx.listen(f"event:{ctx.properties['event']}")


async def _on_event(ctx: Context, payload: Json) -> None:
    ctx.send("out", {"data": payload})


async def _on_webhook(ctx: Context) -> None:
    """Take an event that the component was subscribed to from outside, as the API's callers do."""
    ctx.send("out", {"data": ctx.webhook.data if ctx.webhook else None})
    ctx.respond({})


async def _sample(ctx: Context) -> None:
    ctx.send("out", {"data": parsed_or_same(ctx.properties.get("eventDataExample")) or {}})


def _further_variables(_: str, entry: Mapping[str, Json]) -> tuple[str, ...]:
    return example_paths(static_property(entry, "eventDataExample"), "data")


COMPONENT = Component(
    type="appmixer.utils.appevents.OnAppEvent",
    label="On App Event",
    description="Triggers for each event of a name that is sent to the app events API.",
    properties=(
        Field(name="event", required=True, tooltip="The event's name."),
        Field(
            name="eventDataExample",
            type="textarea",
            tooltip="JSON text of the data that the event brings.",
        ),
    ),
    out_ports=(OutPort(variables=("data",)),),
    webhook=True,
    further_variables=_further_variables,
    start=_start,
    on_webhook=_on_webhook,
    on_event=_on_event,
    sample=_sample,
)

"""OnAppEvent: sends a message for each event of a name that an app reports."""

from appmixer_mcp.sandbox.component import Component, Context, Field, Json, OutPort


async def _start(ctx: Context) -> None:
    ctx.listen(f"event:{ctx.properties['event']}")


async def _on_event(ctx: Context, payload: Json) -> None:
    ctx.send("out", {"data": payload})


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
    start=_start,
    on_event=_on_event,
)

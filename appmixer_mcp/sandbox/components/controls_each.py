"""Each: sends one message for each item of a list, then one that says it is done."""

from collections.abc import Mapping
from uuid import uuid4

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._descriptor_fields import static_field
from appmixer_mcp.sandbox.components._inputs import parsed
from appmixer_mcp.sandbox.components._many_messages import on_parts, send_in_parts
from appmixer_mcp.sandbox.components._output_paths import example_paths, first_item
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import is_list


async def _receive(ctx: Context) -> None:
    given = parsed("list", ctx.content.get("list"))
    items = given if is_list(given) else []
    about = {"count": len(items), "correlationId": str(uuid4())}
    contents = [{"index": index, "value": value, **about} for index, value in enumerate(items)]
    send_in_parts(ctx, "item", contents, at_the_end=("done", about))


def _further_variables(port: str, entry: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the paths into the first item, when the list stands in the flow itself."""
    first = first_item(static_field(entry, "list")) if port == "item" else None
    return example_paths(first, "value")


COMPONENT = Component(
    type="appmixer.utils.controls.Each",
    label="Each",
    description="Sends each item of a list from item, then the count from done.",
    version="1.4.5",
    in_ports=(
        InPort(
            fields=(
                Field(
                    name="list",
                    type="textarea",
                    required=True,
                    tooltip="At most 100,000 items, or their JSON text; anything else is no item.",
                ),
            ),
            max_connections=1,
        ),
    ),
    out_ports=(
        OutPort(name="item", variables=("index", "value", "count", "correlationId")),
        OutPort(name="done", variables=("count", "correlationId")),
    ),
    further_variables=_further_variables,
    receive=_receive,
    on_timeout=on_parts,
)

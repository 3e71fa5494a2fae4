"""What the filters have in common: they pass a message on as it came, from one of two ports."""

from collections.abc import Callable, Mapping

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.context import Context, Json


def filter_component(
    name: str,
    description: str,
    *,
    fields: tuple[Field, ...],
    ports: tuple[str, str],
    holds: Callable[[Mapping[str, Json]], bool],
) -> Component:
    """Return the component `appmixer.utils.filters.<name>`.

    Args:
        name: The last part of its type.
        description: What it does, in one sentence.
        fields: Its fields, `sourceData` first.
        ports: Where a message goes for which `holds` is true, and where any other goes.
        holds: Looks at the fields.
    """

    async def receive(ctx: Context) -> None:
        ctx.send(ports[0] if holds(ctx.content) else ports[1], ctx.original_content)

    return Component(
        type=f"appmixer.utils.filters.{name}",
        label=name,
        description=description,
        in_ports=(InPort(fields=fields),),
        out_ports=tuple(OutPort(name=port) for port in ports),
        receive=receive,
    )

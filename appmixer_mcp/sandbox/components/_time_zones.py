"""The two components that list time zones for the select fields of the designer."""

from functools import lru_cache
from zoneinfo import available_timezones

import anyio.to_thread

from appmixer_mcp.sandbox.component import Component, InPort, OutPort
from appmixer_mcp.sandbox.context import Context


def time_zones_component(module: str) -> Component:
    """Return the component `appmixer.utils.<module>.ListTimeZones`."""
    return Component(
        type=f"appmixer.utils.{module}.ListTimeZones",
        label="List Time Zones",
        description="Lists the names of the time zones, for a select field.",
        private=True,
        in_ports=(InPort(),),
        out_ports=(OutPort(variables=("timezones",)),),
        receive=_receive,
    )


async def _receive(ctx: Context) -> None:
    # Each name comes from a file of its own, so that the first look takes a while.
    names = await anyio.to_thread.run_sync(_names)
    options = [{"label": name, "value": name} for name in names]  # the shape of an entry is ours
    ctx.send("out", {"timezones": options})


@lru_cache(maxsize=1)
def _names() -> list[str]:
    return sorted(available_timezones())

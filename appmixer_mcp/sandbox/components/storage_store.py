"""Store (legacy): remembers keys and tells whether it has seen one before.

What it remembers is kept until the flow is started anew; Appmixer keeps it longer (ours).
"""

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.context import Context
from appmixer_mcp.sandbox.javascript import to_text

_KEY = (Field(name="key", required=True),)


async def _receive(ctx: Context) -> None:
    key = f"key:{to_text(ctx.content.get('key'))}"
    known = ctx.state.get(key, default=False)
    if ctx.port == "add":
        ctx.state.set(key, value=True)
        ctx.send("updated" if known else "new", ctx.original_content)
    elif known:
        ctx.state.unset(key)
        ctx.send("removed", ctx.original_content)


COMPONENT = Component(
    type="appmixer.utils.storage.Store",
    label="Store (legacy)",
    description="Passes a message on from new, updated or removed, as its key is known or not.",
    private=True,
    in_ports=(InPort(name="add", fields=_KEY), InPort(name="remove", fields=_KEY)),
    out_ports=(OutPort(name="new"), OutPort(name="updated"), OutPort(name="removed")),
    serial=True,
    receive=_receive,
)

"""The triggers that tell when a record of a data store was added, updated or removed."""

from typing import Literal

from appmixer_mcp.sandbox.clock import iso, to_ms
from appmixer_mcp.sandbox.component import Component, Field, OutPort
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import to_text

_TOLD = ("key", "storeId", "value", "updatedAt", "createdAt")


def store_item_component(name: str, change: Literal["insert", "update", "delete"]) -> Component:
    """Return the component `appmixer.utils.storage.<name>`, which tells one kind of change."""
    variables = (*_TOLD, "oldValue") if change == "update" else _TOLD

    async def on_event(ctx: Context, payload: Json) -> None:
        if payload["type"] == change:
            record = payload["currentValue"]
            ctx.send("item", {key: record.get(key) for key in variables})

    async def sample(ctx: Context) -> None:
        store_id, now = to_text(ctx.properties.get("storeId")), iso(to_ms(ctx.now))
        record = dict.fromkeys(variables, now) | {"storeId": store_id, "key": "key", "value": "new"}
        ctx.send("item", record | ({"oldValue": "old"} if change == "update" else {}))

    verb = {"insert": "added", "update": "updated", "delete": "removed"}[change]
    return Component(
        type=f"appmixer.utils.storage.{name}",
        label=f"On Item {verb.title()}",
        description=f"Triggers when a record of a data store was {verb}.",
        properties=(Field(name="storeId", required=True, tooltip="The data store to watch."),),
        out_ports=(OutPort(name="item", variables=variables),),
        webhook=True,
        start=_start,
        on_event=on_event,
        sample=sample,
    )


async def _start(ctx: Context) -> None:
    store_id = to_text(ctx.properties["storeId"])
    ctx.stores.get(store_id, "")  # fails when there is no such store
    ctx.listen(f"store:{store_id}")

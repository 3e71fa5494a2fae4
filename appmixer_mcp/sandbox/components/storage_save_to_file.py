"""SaveToFile: writes the records of a data store into a file."""

from collections.abc import Iterator, Mapping, Sequence

import anyio.to_thread

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import is_on, unusable
from appmixer_mcp.sandbox.components._quoted_csv import csv_bytes
from appmixer_mcp.sandbox.components._store_records import read
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import is_object, to_text
from appmixer_mcp.sandbox.jsontext import dumps

_SORTED_BY = ("key", "createdAt", "updatedAt")
_TYPES = {"csv": "text/csv", "json": "application/json"}
_COLUMNS_FROM = 10  # records
_DEFAULT_NAME = "new File"
_DEEPEST = 10

_Record = Mapping[str, Json]


async def _receive(ctx: Context) -> None:
    kind = _chosen(ctx, "fileType", tuple(_TYPES))
    sorted_by = _chosen(ctx, "sortBy", _SORTED_BY)
    flat = is_on(ctx.content.get("flattenValue", True))
    records = await ctx.stores.find(to_text(ctx.content.get("storeId")), "")
    content = await anyio.to_thread.run_sync(_content, records, sorted_by, kind, flat)
    name = to_text(ctx.content.get("fileName") or _DEFAULT_NAME)
    if not name.lower().endswith(f".{kind}"):
        name += f".{kind}"  # ours
    file = ctx.files.create(name, content, _TYPES[kind])
    ctx.send("out", {"fileId": file["fileId"], "nRecords": len(records)})


def _chosen(ctx: Context, field: str, options: Sequence[str]) -> str:
    given = to_text(ctx.content.get(field) or options[0])
    if given not in options:
        raise unusable(field, f"must be one of {', '.join(options)}")
    return given


def _content(records: Sequence[_Record], sorted_by: str, kind: str, flat: bool) -> bytes:  # noqa: FBT001 - run_sync takes no names
    records = sorted(records, key=lambda record: str(record[sorted_by]))
    if kind == "json":
        return dumps([read(record) for record in records]).encode()
    if not flat:
        return csv_bytes(("key", "value"), ([one["key"], one["value"]] for one in records))
    rows = [{"key": one["key"], **dict(_flattened(one["value"]))} for one in records]
    columns = dict.fromkeys(name for row in rows[:_COLUMNS_FROM] for name in row)
    header = list(columns) or ["key"]
    return csv_bytes(header, ([row.get(name) for name in header] for row in rows))


def _flattened(value: Json, path: str = "", depth: int = 0) -> Iterator[tuple[str, Json]]:
    """Yield the columns of a value: the paths into an object, else `value` (names are ours)."""
    if not is_object(value) or not value or depth == _DEEPEST:
        yield path or "value", value
        return
    for name, below in value.items():
        yield from _flattened(below, f"{path}.{name}" if path else f"value.{name}", depth + 1)


COMPONENT = Component(
    type="appmixer.utils.storage.SaveToFile",
    label="Save To File",
    description="Writes all records of a data store into a CSV or JSON file.",
    in_ports=(
        InPort(
            fields=(
                Field(name="storeId", required=True),
                Field(name="fileName", default=_DEFAULT_NAME),
                Field(name="sortBy", type="select", options=_SORTED_BY, default="key"),
                Field(name="fileType", type="select", options=tuple(_TYPES), default="csv"),
                Field(
                    name="flattenValue",
                    type="toggle",
                    default=True,
                    tooltip="CSV: a column for each part of the value, as the first 10 records "
                    "have them; else the value as JSON text.",
                ),
            )
        ),
    ),
    out_ports=(OutPort(variables=("fileId", "nRecords")),),
    receive=_receive,
)

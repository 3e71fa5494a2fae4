"""Whole stores: read out, saved to a file, and many records written at once."""

import io
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, cast

from anyio import to_thread
from pydantic import BaseModel, ConfigDict, Field

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.confirmation import Impact
from appmixer_mcp.errors import AppmixerError, ConflictError, InputError
from appmixer_mcp.results import Facts, Number, Outcome, Page, Result, Text, Truth
from appmixer_mcp.toolset import CREATE, DESTROY, READ, ToolContext

from ._json_values import given
from ._keeping import UNDOABLE, keep, undo_fact, undo_losses
from ._local_files import LocalName, directory_of
from ._shared import Offset, StoreId, listed, plural
from ._store_states import MOST_RECORDS, entries_of, put_entries
from .stores import TOOLSET

if TYPE_CHECKING:
    from pydantic import JsonValue

    from appmixer_mcp.api.models.stores import StoreRecord

_PAGE = 1_000
_INSTEAD = "export_store shows the records, and import_store_items takes them as items."
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


class ExportedRecord(Facts):
    """A record as `import_store_items` takes it."""

    key: str
    value: str = Field(description="Text, or JSON text if value_is_json.")
    value_is_json: Truth = None


class StoreExport(Page):
    """Records of a store, by key."""

    items: list[ExportedRecord]

    more_by: ClassVar[str] = "save_store takes them all"
    entries_whole: ClassVar[bool] = True  # what is cut cannot be written back


class StoreSaved(Result):
    """A store in a file."""

    saved_as: str = Field(description="Name in the server's directory.")
    count: int = Field(description="Of records.")
    size_bytes: int


class ImportedRecord(BaseModel):
    """A record to write."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Annotated[str, Field(description="Unique within the store.", min_length=1)]
    value: Annotated[str, Field(description="Text, or JSON text with value_is_json.")]
    value_is_json: Annotated[bool, Field(description="Store the JSON it holds.")] = False


class RecordsImported(Outcome):
    """What became of an import."""

    written_count: Number = None
    unchanged_count: Number = Field(default=None, description="Had that value already.")
    change_id: Text = Field(default=None, description="undo_change takes it back.")


Items = Annotated[
    list[ImportedRecord],
    Field(description="Records, as export_store gives them.", max_length=MOST_RECORDS),
]
Overwrite = Annotated[bool, Field(description="Replace values of existing keys, after asking.")]


@TOOLSET.tool("Export store", READ)
async def export_store(ctx: ToolContext, store_id: StoreId, offset: Offset = 0) -> StoreExport:
    """Read out all records of a data store, by key, with whole values; import takes the same."""
    found = await _records(ctx, store_id)
    return StoreExport.of(
        [_exported(one) for one in found[offset : offset + _PAGE]],
        offset=offset,
        limit=_PAGE,
        total=len(found),
    )


@TOOLSET.tool("Save store", CREATE)
async def save_store(ctx: ToolContext, store_id: StoreId, to_file: LocalName) -> StoreSaved:
    """Save all records of a data store into the directory the operator set aside.

    As a table if to_file ends with .csv, else as JSON, which import_store_items reads again.
    """
    directory = directory_of(ctx, _INSTEAD)
    found = await _records(ctx, store_id)
    content = _as_csv(found) if to_file.lower().endswith(".csv") else _as_json(found)
    await to_thread.run_sync(directory.write, to_file, content)
    return StoreSaved(saved_as=to_file, count=len(found), size_bytes=len(content))


async def _import_impact(
    ctx: ToolContext,
    store_id: StoreId,
    items: Items,
    from_file: str,
    overwrite: bool,
) -> Impact | None:
    from appmixer_mcp.journal import digest_of, json_size  # noqa: PLC0415 - not for start-up

    values = await _values(ctx, items, from_file)
    store = await (await ctx.client()).stores.get_store(store_id)
    before = await _before(ctx, store_id, values, overwrite=overwrite)
    taken = _taken(before, values)
    undo = await undo_losses(ctx, json_size(before))
    losses: list[str] = []
    if taken:
        back = "" if undo or ctx.journal is None else f"; {UNDOABLE}"
        losses.append(
            f"The present values of {plural(len(taken), 'record')}: {_named(taken)}{back}"
        )
    losses += undo
    if not losses:
        return None
    return Impact(
        question=f"Import {plural(len(values), 'record')} into the store {quoted(store.name)}?",
        losses=losses,
        identity={
            "store_id": store_id,
            "name": store.name or "",
            "before": digest_of(before),
            "values": digest_of({"values": values}),  # those of a file may change meanwhile
            **undo_fact(undo),
        },
    )


@TOOLSET.tool("Import store items", DESTROY, preview=_import_impact)
async def import_store_items(
    ctx: ToolContext,
    store_id: StoreId,
    items: Items = [],
    from_file: LocalName = "",
    overwrite: Overwrite = False,
) -> RecordsImported:
    """Write many records of a data store at once, up to 1,000: given here, or a saved JSON file.

    If a key has another value already, nothing is written without overwrite=true.
    """
    client = await ctx.client()
    values = await _values(ctx, items, from_file)
    before = await _before(ctx, store_id, values, overwrite=overwrite)
    entries: Mapping[str, Any] = before["entries"]
    wanted = {key: [value] for key, value in values.items() if not _is(entries[key], value)}
    unchanged = len(values) - len(wanted)
    if not wanted:
        return RecordsImported(
            done=True, message="All records are so already.", unchanged_count=unchanged
        )
    kept_before = {"entries": {key: entries[key] for key in wanted}}
    name = (await client.stores.get_store(store_id)).name or ""
    async with keep(ctx, "records", store_id, name, kept_before, tool="import_store_items") as kept:
        kept.may_have_acted = len(wanted) > 1
        try:
            await put_entries(client, store_id, wanted)
        except AppmixerError as error:
            if not kept.may_have_acted:
                raise
            raise ConflictError(
                f"Not all of {plural(len(wanted), 'record')} were written. {error} The same call "
                "goes on where it stopped."
            ) from error
        kept.done({"entries": wanted})
    return RecordsImported(
        done=True,
        message=f"Wrote {plural(len(wanted), 'record')} of the store {quoted(name)}.",
        written_count=len(wanted),
        unchanged_count=unchanged or None,
        change_id=kept.change_id,
    )


async def _records(ctx: ToolContext, store_id: StoreId) -> "list[StoreRecord]":
    found = await (await ctx.client()).stores.download_store(store_id)
    return sorted(found, key=lambda one: one.key)


async def _values(
    ctx: ToolContext, items: Sequence[ImportedRecord], from_file: str
) -> "dict[str, JsonValue]":
    """Return what is to be written, key -> value."""
    if bool(items) == bool(from_file):
        raise InputError("Give either items, or the name of a local file as from_file.")
    if from_file:
        read = await to_thread.run_sync(directory_of(ctx, _INSTEAD).read, from_file)
        pairs = _pairs(read)
    else:
        pairs = [(one.key, _value(one)) for one in items]
    if len(pairs) > MOST_RECORDS:
        raise InputError(
            f"There are {len(pairs):,} records, and at most {MOST_RECORDS:,} are written at once. "
            "Split them."
        )
    counts = Counter(key for key, _ in pairs)
    if twice := [key for key, count in counts.items() if count > 1]:
        raise InputError(f"Keys are given more than once: {_named(twice)}. Leave all but one out.")
    return dict(pairs)


async def _before(
    ctx: ToolContext, store_id: StoreId, values: "Mapping[str, JsonValue]", *, overwrite: bool
) -> dict[str, Any]:
    """Return what the records are now, as the journal keeps them.

    Raises:
        ConflictError: Some have other values, which may not be overwritten.
    """
    before = await entries_of(await ctx.client(), store_id, values)
    taken = _taken(before, values)
    if taken and not overwrite:
        raise ConflictError(
            f"{plural(len(taken), 'key')} with another value: {_named(taken)}. Nothing was "
            "written. Call again with overwrite=true to replace the values, or leave them out."
        )
    return before


def _taken(before: Mapping[str, Any], values: "Mapping[str, JsonValue]") -> list[str]:
    entries: Mapping[str, Any] = before["entries"]
    present = {key: entry for key, entry in entries.items() if entry is not None}
    return [key for key, entry in present.items() if not _is(entry, values[key])]


def _is(entry: "list[JsonValue] | None", value: "JsonValue") -> bool:
    """Say whether a record has a value; to Python, 1 and true are the same."""
    return entry is not None and _text(entry[0]) == _text(value)


def _text(value: "JsonValue") -> str:
    return json.dumps(value, sort_keys=True)


def _named(keys: Sequence[str]) -> str:
    return listed([quoted(key) for key in keys])


def _exported(record: "StoreRecord") -> ExportedRecord:
    if isinstance(record.value, str):
        return ExportedRecord(key=record.key, value=record.value)
    value = json.dumps(record.value, ensure_ascii=False)
    return ExportedRecord(key=record.key, value=value, value_is_json=True)


def _value(item: ImportedRecord) -> "JsonValue":
    name = f"The value of {quoted(item.key)}"
    return given(item.value, name, is_json=item.value_is_json)


def _pairs(content: bytes) -> "list[tuple[str, JsonValue]]":
    """Read a saved store, or an object of keys and values."""
    try:
        read: Any = json.loads(content)
        if isinstance(read, dict):
            return list(cast("dict[str, JsonValue]", read).items())
        listed = cast("list[dict[str, JsonValue]]", read)
        return [(str(one["key"]), one["value"]) for one in listed]
    except (ValueError, RecursionError, TypeError, KeyError):
        raise InputError(
            "The file holds no records: it must be JSON, a list of {key, value} as save_store "
            "writes it, or an object of keys and values."
        ) from None


def _as_json(records: "Sequence[StoreRecord]") -> bytes:
    plain = [{"key": one.key, "value": one.value} for one in records]
    return json.dumps(plain, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")


def _as_csv(records: "Sequence[StoreRecord]") -> bytes:
    import csv  # noqa: PLC0415 - start-up must not wait for it

    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(("key", "value", "created_at", "updated_at"))
    for one in records:
        value = one.value if isinstance(one.value, str) else json.dumps(one.value)
        at = (each.isoformat() if each else "" for each in (one.created_at, one.updated_at))
        writer.writerow([_harmless(cell) for cell in (one.key, value, *at)])
    return table.getvalue().encode("utf-8", "replace")


def _harmless(cell: str) -> str:
    """Keep a spreadsheet from calculating what a stranger wrote."""
    risky = cell.startswith(("=", "+", "-", "@", "\t", "\r")) and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if risky else cell

"""`fields`: callers name the facts that they want of each item; one mechanism for every tool."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from appmixer_mcp.errors import InputError
from appmixer_mcp.results import Result
from appmixer_mcp.schemas import Schema, shown

Fields = Annotated[list[str], Field(description="Only these fields of each item, and its id.")]


@dataclass(frozen=True, kw_only=True)
class Selectable:
    """That a tool takes `fields`, and what these choose from."""

    always: tuple[str, ...]
    """What an item is known by and always has."""
    of: str = "items"
    """The list of the result whose items these are; it may be absent from a result."""

    def loosened(self, schema: Schema) -> Schema:
        """Return the schema of a result of which items need have no more than they always do."""
        loose = deepcopy(schema)
        item = _item(loose, self.of)
        item["required"] = [name for name in item.pop("required", ()) if name in self.always]
        if not item["required"]:
            del item["required"]
        return loose

    def refuse_unknown(self, fields: Sequence[str], schema: Schema) -> None:
        """Check what was asked for.

        Raises:
            InputError: No item has such a field; says which there are.
        """
        known = _item(schema, self.of)["properties"]
        for name in fields:
            if name not in known:
                raise InputError(f"fields takes {', '.join(known)}; {shown(name)} is none of them.")

    def selected(self, result: Result, fields: Sequence[str], schema: Schema) -> Result:
        """Return a result whose items tell the asked-for fields alone; all if none is named."""
        if not fields:
            return result
        known: set[str] = set(_item(schema, self.of)["properties"])
        return result.without(known - {*self.always, *fields}, of=self.of)


def _item(schema: Schema, of: str) -> dict[str, Any]:
    item: dict[str, Any] = schema["properties"][of]["items"]
    return item

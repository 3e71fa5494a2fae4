"""A flow as one portable JSON document."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from appmixer_mcp.descriptor import check_descriptor
from appmixer_mcp.errors import FlowInvalidError, InputError
from appmixer_mcp.projections import WITHOUT_DESCRIPTOR

from ._flow_references import References, references_in

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.flows import Flow

FORMAT = "appmixer-flow/1"

_LONGEST_NAME = 255
_PAGE = 100


@dataclass(frozen=True)
class FlowDocument:
    """A document that was found to be sound."""

    name: str
    descriptor: dict[str, Any]
    properties: dict[str, Any]
    """`customFields` and `description`, those that it has."""
    references: References

    @property
    def digest(self) -> str:
        """Tells one document from another."""
        text = json.dumps([self.name, self.descriptor, self.properties], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def as_document(flow: "Flow", references: References) -> dict[str, Any]:
    """Return a flow as a document.

    The descriptor comes last: what is too long for an answer loses its end first, and then no part
    of a descriptor is left that would pass for a whole one.
    """
    own = {"customFields": flow.custom_fields, "description": flow.description}
    return {
        "format": FORMAT,
        "name": flow.name or "",
        **{key: value for key, value in own.items() if value},
        "references": references.as_json(),
        "descriptor": flow.flow or {},
    }


def parsed(document: object) -> FlowDocument:
    """Return what a document says; one by another program may call the descriptor `flow`.

    Raises:
        InputError: It is none, or lacks its descriptor.
        FlowInvalidError: The descriptor is not sound.
    """
    table = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
    if isinstance(table.get("document"), dict):  # the whole answer of export_flow
        table = cast("dict[str, Any]", table["document"])
    descriptor = table.get("descriptor", table.get("flow"))
    if not isinstance(descriptor, dict):
        raise InputError(
            "This is no whole document of a flow: it has no `descriptor`. export_flow gives one; "
            "with to_file where it is too long for an answer."
        )
    if table.get("format", FORMAT) != FORMAT:
        raise InputError(f"The document's `format` is not {FORMAT}, the only one that is read.")
    name = table.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
        raise InputError(f"The document's `name` must be text of 1 to {_LONGEST_NAME} characters.")
    found = cast("dict[str, Any]", descriptor)
    problems = check_descriptor(found)
    if problems:
        raise FlowInvalidError([str(one) for one in problems])
    references = _with_names(references_in(found), table.get("references"))
    return FlowDocument(name, found, _properties(table), references)


async def found_by_name(client: "AppmixerClient", name: str) -> list[str]:
    """Return the ids of the flows that have exactly this name."""
    # Of a name, the API may read some characters as a pattern; letters and digits it cannot.
    plain = max(re.findall(r"\w+", name), key=len, default="")
    found: list[str] = []
    offset = 0
    while True:
        page = await client.flows.list_flows(
            pattern=plain or None, limit=_PAGE, offset=offset, projection=WITHOUT_DESCRIPTOR
        )
        found += [str(one.flow_id) for one in page if one.name == name]
        offset += len(page)
        if len(page) < _PAGE:
            return found


def _properties(table: Mapping[str, Any]) -> dict[str, Any]:
    kinds: dict[str, type] = {"customFields": dict, "description": str}
    for key, kind in kinds.items():
        if key in table and not isinstance(table[key], kind):
            raise InputError(
                f"The document's `{key}` must be {'text' if kind is str else 'an object'}."
            )
    return {key: table[key] for key in kinds if table.get(key)}


def _with_names(found: References, told: object) -> References:
    """Add what only the tenant knew that the document comes from."""
    table = cast("dict[str, Any]", told) if isinstance(told, dict) else {}
    accounts, stores = table.get("accounts"), table.get("stores")
    entries = cast("list[object]", stores) if isinstance(stores, list) else []
    known = [cast("dict[str, object]", one) for one in entries if isinstance(one, dict)]
    names = {str(one.get("store_id")): str(one.get("name") or "") for one in known}
    users = cast("list[object]", accounts) if isinstance(accounts, list) else []
    return replace(
        found, store_names=names, accounts=[one for one in users if isinstance(one, str)]
    )

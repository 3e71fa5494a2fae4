"""Flows as documents, and from one tenant to another."""

import json
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from anyio import to_thread
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.confirmation import Impact
from appmixer_mcp.editing import readable_diff
from appmixer_mcp.errors import ConfigurationError, ConflictError, InputError, NotSignedInError
from appmixer_mcp.flow_diff import is_same
from appmixer_mcp.results import Object, Outcome, Result, Text
from appmixer_mcp.toolset import CREATE, DECIDE, ToolContext, Toolset

from ._flow_document import FlowDocument, as_document, found_by_name, parsed
from ._flow_models import FlowChanged
from ._flow_reading import whole_flow
from ._flow_references import fitted, references_of
from ._flow_writing import (
    RESTARTS,
    Made,
    Written,
    flow_identity,
    flow_losses,
    flow_version,
    note_made_flow,
    write_flow,
)
from ._local_files import directory_of
from ._new_ids import as_in, as_new
from ._shared import DESCRIPTOR_OF_FLOW, FlowId, plural

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.flows import Flow
    from appmixer_mcp.profiles import Profiles

TOOLSET = Toolset("transfer", "Take flows out, in, and to another tenant.")

_MOST_DIFFERENCES = 12
_INSTEAD = "Without to_file and from_file the document goes through the calls themselves."
_MEND_FIRST = "See to to_mend before it is started."
_MEND_NOW = "It runs already: see to to_mend there, or stop it."

ToMend = Annotated[
    list[str],
    Field(
        default_factory=list[str],
        exclude_if=lambda lines: not lines,
        description="What did not come along.",
    ),
]


class FlowExport(Result):
    """A flow as a document."""

    flow_id: str
    saved_as: Text = Field(default=None, description="Name in the server's directory.")
    document: Object | SkipJsonSchema[None] = Field(
        default=None, description="As import_flow takes it."
    )

    more_by: ClassVar[str] = "give to_file to save it whole"
    entries_whole: ClassVar[bool] = True  # a part of a descriptor would be taken for a whole one


class FlowImported(FlowChanged):
    """What became of a document."""

    to_mend: ToMend


class FlowCopied(Outcome):
    """What became of a copy."""

    profile: Text = None
    copy_id: Text = Field(default=None, description="The flow's id there.")
    change_id: Text = Field(default=None, description="undo_change there takes it back.")
    to_mend: ToMend


@TOOLSET.tool("Export flow", CREATE)
async def export_flow(
    ctx: ToolContext,
    flow_id: FlowId,
    to_file: Annotated[str, Field(description="Save it under this name instead.")] = "",
) -> FlowExport:
    """Give a flow as one JSON document: name, descriptor, and what it refers to.

    Secrets in a component's fields are in it; accounts and records are not.
    """
    client = await ctx.client()
    flow = await whole_flow(client, flow_id)
    document = as_document(flow, await references_of(client, flow))
    if not to_file:
        result = FlowExport(flow_id=flow_id, document=document)
        return result.also_at("appmixer://flows/{}/descriptor", flow_id)
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    await to_thread.run_sync(directory_of(ctx, _INSTEAD).write, to_file, text.encode())
    return FlowExport(flow_id=flow_id, saved_as=to_file)


async def _import_impact(
    ctx: ToolContext, document: dict[str, Any], from_file: str, flow_id: FlowId, name: str
) -> Impact | None:
    """Ask when a flow that is there would change."""
    read = await _read(ctx, document, from_file)
    if not flow_id:
        return None
    client = await ctx.client()
    there = await whole_flow(client, flow_id)
    read, to_mend = await _fitted(client, read)
    question = f"Replace the flow {quoted(there.name)}"
    found = await _replacing(ctx, there, read, name, question)
    return found and replace(found, losses=found.losses + to_mend)


@TOOLSET.tool("Import flow", DECIDE, preview=_import_impact, changes=(DESCRIPTOR_OF_FLOW,))
async def import_flow(
    ctx: ToolContext,
    document: Annotated[dict[str, Any], Field(description="As export_flow gives it.")] = {},
    from_file: Annotated[str, Field(description="Or a file that export_flow saved.")] = "",
    flow_id: Annotated[str, Field(description="Replace this flow; a new one if empty.")] = "",
    name: Annotated[str, Field(description="Instead of the document's.", max_length=255)] = "",
) -> FlowImported:
    """Make a stopped flow of an exported document; to replace one asks first, with the diff."""
    client = await ctx.client()
    read, to_mend = await _fitted(client, await _read(ctx, document, from_file))
    if flow_id:
        there = await whole_flow(client, flow_id)
        written = await _replaced(ctx, there, read, name, "import_flow")
        return FlowImported(
            done=True,
            message=" ".join([f"Replaced the flow {quoted(there.name)}.", *written.notes]),
            flow_id=flow_id,
            stage=written.stage,
            version=written.version,
            change_id=written.change_id,
            to_mend=to_mend,
        )
    name = name or read.name
    made_id, made = await _made(ctx, client, read, name, "import_flow")
    size = plural(len(read.descriptor), "component")
    return FlowImported(
        done=True,
        message=f"Made the flow {quoted(name)} with {size}, stopped.",
        flow_id=made_id,
        stage="stopped",
        to_mend=to_mend,
        next_step=_MEND_FIRST if to_mend else "start_flow runs it.",
        **made,
    )


@dataclass(frozen=True)
class _Copy:
    """A copy that is to be made."""

    client: "AppmixerClient"
    base_url: str
    document: FlowDocument
    version: str
    """Of the flow that is copied."""
    there: "Flow | None"
    """The flow of that name in the other tenant, which it replaces."""
    to_mend: list[str]


async def _copy_impact(ctx: ToolContext, flow_id: FlowId, profile: str) -> Impact:
    """Show what a copy would change there, and what would not come along."""
    copy = await _planned(ctx, flow_id, profile)
    there = copy.there
    question = f"Copy the flow {quoted(copy.document.name)} to the profile {quoted(profile)}"
    question += f" ({copy.base_url})"
    identity = {"copied": flow_id, "source": copy.version, "base_url": copy.base_url}
    if there is None:
        news = f"It is new there: {plural(len(copy.document.descriptor), 'component')}, stopped."
        return Impact(question=f"{question}?", losses=[news, *copy.to_mend], identity=identity)
    with _signed_in(profile):
        found = await _replacing(ctx, there, copy.document, "", f"{question}, over the one there")
    if found is None:
        same = "The flow of that name there is the same already; nothing changes."
        return Impact(question=f"{question}?", losses=[same, *copy.to_mend], identity=identity)
    return replace(
        found, losses=found.losses + copy.to_mend, identity={**found.identity, **identity}
    )


@TOOLSET.tool("Copy flow to another tenant", DECIDE, preview=_copy_impact)
async def copy_flow_to(
    ctx: ToolContext,
    flow_id: FlowId,
    profile: Annotated[str, Field(description="The operator's name for the other tenant.")],
) -> FlowCopied:
    """Copy a flow to another tenant, over the flow of its name there if there is one.

    Shows the diff, and the accounts, stores and component types that do not come along.
    """
    copy = await _planned(ctx, flow_id, profile)
    with _signed_in(profile):
        if copy.there is None:
            made_id, made = await _made(
                ctx, copy.client, copy.document, copy.document.name, "copy_flow_to"
            )
            copy_id, change_id = str(made_id), made.get("change_id")
            notes, runs = ["It is new there, and stopped."], False
        else:
            written = await _replaced(
                ctx, copy.there, copy.document, "", "copy_flow_to", copy.client
            )
            copy_id, change_id = str(copy.there.flow_id), written.change_id
            notes = [f"It is {written.stage} there.", *written.notes]
            runs = written.stage == "running"
    if change_id:
        notes.append("undo_change takes it back only with that profile signed in.")
    said = f"Copied the flow {quoted(copy.document.name)} to the profile {quoted(profile)}."
    return FlowCopied(
        done=True,
        message=" ".join([said, *notes]),
        profile=profile,
        copy_id=copy_id,
        change_id=change_id,
        to_mend=copy.to_mend,
        next_step=(_MEND_NOW if runs else _MEND_FIRST) if copy.to_mend else None,
    )


async def _planned(ctx: ToolContext, flow_id: FlowId, profile: str) -> _Copy:
    profiles = _profiles(ctx, profile)
    here = await ctx.client()
    flow = await whole_flow(here, flow_id)
    references = await references_of(here, flow)
    whole = parsed(as_document(flow, references))
    base_url = profiles.get(profile).base_url
    client = await profiles.open(profile)
    with _signed_in(profile):
        found = await found_by_name(client, whole.name)
        if len(found) > 1:
            raise ConflictError(
                f"The profile {quoted(profile)} has {len(found)} flows of the name "
                f"{quoted(whole.name)}, so none is replaced. Rename one there, or this one."
            )
        there = await whole_flow(client, found[0]) if found else None
        document, to_mend = await _fitted(client, whole)
    if there is not None and (there.flow_id, base_url) == (flow_id, str(here.get("base_url"))):
        raise InputError(
            f"The profile {quoted(profile)} is where this flow is already; clone_flow copies it."
        )
    return _Copy(client, base_url, document, flow_version(flow), there, to_mend)


async def _replacing(
    ctx: ToolContext, there: "Flow", read: FlowDocument, name: str, question: str
) -> Impact | None:
    """Return the preview of a flow that is replaced; None where nothing would change."""
    lines = _differences(there, _update(there, read, name))
    if not lines:
        return None
    losses = await flow_losses(ctx, there)
    if there.stage == "running":
        losses.append(RESTARTS)
    return Impact(
        question=f"{question} ({there.stage})?",
        losses=losses + lines,
        identity=flow_identity(there, losses) | _what_is_replaced(there, read),
    )


def _what_is_replaced(there: "Flow", read: FlowDocument) -> dict[str, str]:
    return {"document": read.digest, "version": flow_version(there)}


def _update(there: "Flow", read: FlowDocument, name: str) -> dict[str, Any]:
    update = read.properties | {"flow": as_in(read.descriptor, there.flow or {}, there.flow_id)}
    return update | ({"name": name} if name else {})


def _differences(there: "Flow", update: "Mapping[str, Any]") -> list[str]:
    present: dict[str, Any] = {
        "name": there.name, "customFields": there.custom_fields, "description": there.description,
    }  # fmt: skip
    lines = readable_diff(there.flow or {}, update["flow"], most=_MOST_DIFFERENCES, whole=True)
    return lines + [
        f"~ {field} of the flow"
        for field in present
        if not is_same(update.get(field, present[field]), present[field])
    ]


async def _replaced(
    ctx: ToolContext,
    there: "Flow",
    read: FlowDocument,
    name: str,
    tool: str,
    client: "AppmixerClient | None" = None,
) -> Written:
    """Replace a flow, unless it is the same already."""
    update = _update(there, read, name)
    if not _differences(there, update):
        notes = ["It was the same already; nothing was changed."]
        return Written(None, flow_version(there), there.stage or "", notes)
    agreed: Mapping[str, str] = ctx.agreed.identity if ctx.agreed else {}
    if not _what_is_replaced(there, read).items() <= agreed.items():
        raise ConflictError(
            f"The flow {quoted(there.name)}, or what would replace it, has changed meanwhile; "
            f"nothing was written. Call {tool} again to see what would change."
        )
    return await write_flow(ctx, there, update, tool=tool, client=client)


async def _made(
    ctx: ToolContext, client: "AppmixerClient", read: FlowDocument, name: str, tool: str
) -> tuple[FlowId, Made]:
    """Make a new flow; return its id, and what a result says of the change."""
    made_id = await client.flows.create_flow(name, as_new(read.descriptor), read.properties)
    other = None if client is await ctx.client() else client
    return made_id, await note_made_flow(ctx, made_id, tool=tool, client=other)


async def _fitted(client: "AppmixerClient", read: FlowDocument) -> tuple[FlowDocument, list[str]]:
    """Return a document as it can be where it goes, and what there is to see to."""
    descriptor, to_mend = await fitted(client, read.descriptor, read.references)
    return replace(read, descriptor=descriptor), to_mend


async def _read(ctx: ToolContext, document: dict[str, Any], from_file: str) -> FlowDocument:
    if bool(document) == bool(from_file):
        raise InputError("Give either document, or the name of a saved one as from_file.")
    if document:
        return parsed(document)
    content = await to_thread.run_sync(directory_of(ctx, _INSTEAD).read, from_file)
    try:
        return parsed(json.loads(content))
    except (ValueError, RecursionError):
        raise InputError(f"The file {quoted(from_file)} is no JSON document.") from None


def _profiles(ctx: ToolContext, profile: str) -> "Profiles":
    if ctx.profiles is None:
        raise ConfigurationError(
            "This server knows no other tenant: profiles are the operator's, and serve over stdio "
            "and `appmixer-mcp call`. Use export_flow here and import_flow there."
        )
    names = ctx.profiles.names()
    if profile not in names:
        there_are = f"There are {', '.join(names)}." if names else "There is none yet."
        raise InputError(
            f"There is no profile {quoted(profile)}. {there_are} The operator makes one with "
            "`appmixer-mcp profile add NAME --base-url URL`."
        )
    return ctx.profiles


@contextmanager
def _signed_in(profile: str) -> "Generator[None]":
    """Say whose sign-in is refused; the caller's own is another matter."""
    try:
        yield
    except NotSignedInError:
        raise ConfigurationError(
            f"The tenant of the profile {quoted(profile)} does not accept its credentials. The "
            f"operator gives new ones: appmixer-mcp profile set-token {profile}"
        ) from None

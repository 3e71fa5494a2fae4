"""FormTrigger: shows a form at its webhook URL and sends what people fill in."""

from collections.abc import Mapping

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.component import Component, Field, OutPort
from appmixer_mcp.sandbox.components._descriptor_fields import static_property
from appmixer_mcp.sandbox.components._form import (
    FORM_FIELDS,
    answer_form,
    entry_of,
    form_fields,
    names_of,
)
from appmixer_mcp.sandbox.context import Context, Json


async def _on_webhook(ctx: Context) -> None:
    if ctx.webhook is None:
        return
    entry = answer_form(ctx, ctx.webhook, ctx.properties)
    if entry is not None:
        ctx.send("entry", entry)


async def _sample(ctx: Context) -> None:
    fields = form_fields(ctx.properties.get("fields"))
    filled_in = {one.name: one.default or f"Sample {one.label}" for one in fields}
    ctx.send("entry", entry_of(fields, filled_in))


def _check(properties: Mapping[str, Json]) -> list[str]:
    try:
        form_fields(properties.get("fields"))
    except ComponentFailedError as error:
        return [str(error)]
    return []


def _further_variables(_port: str, entry: Mapping[str, Json]) -> tuple[str, ...]:
    return names_of(static_property(entry, "fields"))


COMPONENT = Component(
    type="appmixer.utils.forms.FormTrigger",
    label="Form",
    description="Shows a form at its URL and triggers for each one that is sent.",
    properties=(Field(name="url", tooltip="Read only: where the form is."), *FORM_FIELDS),
    out_ports=(OutPort(name="entry"),),
    further_variables=_further_variables,
    webhook=True,
    check=_check,
    on_webhook=_on_webhook,
    sample=_sample,
)

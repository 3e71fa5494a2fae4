"""FormAction: makes a form for each message, and sends what people fill in."""

from collections.abc import Mapping
from uuid import uuid4

from appmixer_mcp.sandbox.component import Component, InPort, OutPort
from appmixer_mcp.sandbox.components._descriptor_fields import static_field
from appmixer_mcp.sandbox.components._form import (
    FORM_FIELDS,
    answer_form,
    answer_missing,
    form_fields,
    names_of,
)
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import to_text


async def _receive(ctx: Context) -> None:
    form = {one.name: ctx.content.get(one.name, one.default) for one in FORM_FIELDS}
    form_fields(form["fields"])
    form_id = str(uuid4())
    # What is filled in belongs to the message that asked for it, however much later it comes.
    ctx.state.set(
        _key(form_id),
        {"form": form, "correlationId": ctx.correlation_id, "outputs": dict(ctx.outputs)},
    )
    ctx.send("form", {"weblink": f"{ctx.webhook_url}?form={form_id}"})


async def _on_webhook(ctx: Context) -> None:
    call = ctx.webhook
    asked = None if call is None else ctx.state.get(_key(to_text(call.query.get("form"))))
    if call is None or asked is None:
        answer_missing(ctx)
        return
    entry = answer_form(ctx, call, asked["form"])
    if entry is not None:
        ctx.send("entry", entry, correlation_id=asked["correlationId"], outputs=asked["outputs"])


def _key(form_id: str) -> str:
    return f"form:{form_id}"


def _further_variables(port: str, entry: Mapping[str, Json]) -> tuple[str, ...]:
    return names_of(static_field(entry, "fields")) if port == "entry" else ()


COMPONENT = Component(
    type="appmixer.utils.forms.FormAction",
    label="Form",
    description="Makes a form for each message, tells where it is, and sends what is filled in.",
    in_ports=(InPort(fields=FORM_FIELDS),),
    out_ports=(OutPort(name="form", variables=("weblink",)), OutPort(name="entry")),
    further_variables=_further_variables,
    webhook=True,
    receive=_receive,
    on_webhook=_on_webhook,
)

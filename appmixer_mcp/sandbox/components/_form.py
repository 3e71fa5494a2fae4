"""HTML forms of flows: what they ask for, their page, and what becomes of what was filled in."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.component import Field
from appmixer_mcp.sandbox.components._inputs import as_object, entries, is_on, unusable
from appmixer_mcp.sandbox.context import Context, Json, WebhookCall
from appmixer_mcp.sandbox.javascript import parse_number, to_text

_TYPES = ("text", "number", "date", "email", "checkbox", "color", "password")
_MOST_FIELDS = 200
_IMAGE = re.compile(r"(https?://|data:image/)", re.IGNORECASE)
_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    # A page of the tenant's address that a stranger's flow wrote: it may show itself and be sent,
    # nothing else.
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src https: http: data:;"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_STYLE = (
    "body{font-family:sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem}"
    "label{display:block;margin-top:1rem}small{display:block;color:#555}"
    "input:not([type=checkbox]){width:100%;box-sizing:border-box;padding:.4rem}"
    "button{margin-top:1.5rem;padding:.5rem 1rem}img{max-width:100%}"
)

FORM_FIELDS = (
    Field(name="title", label="Form title"),
    Field(name="description", type="textarea", label="Form description"),
    Field(
        name="fields",
        type="expression",
        label="Form fields",
        tooltip='{"ADD": [{"label": "Name", "type": "text"}]}; types: ' + ", ".join(_TYPES)
        + ". Further: description, defaultValue, index (its place). Sent as field_0, field_1, ….",
    ),
    Field(name="cta", label="Call to action", default="Submit", tooltip="What the button says."),
    Field(name="thanksMessage", default="Thank you!", tooltip="Shown once the form was sent."),
    Field(name="thanksImage", label="Thanks image URL", tooltip="Shown with it."),
    Field(name="script", tooltip="Kept, but not run: forms of the sandbox hold no scripts."),
    Field(name="stylesheet", tooltip="CSS for the look of the form."),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FormField:
    """One thing that a form asks for."""

    name: str
    """`field_0` and so on, by its position in the configuration."""
    label: str
    type: str
    description: str
    default: str
    index: float
    """Where it stands; smaller is further up."""


def form_fields(value: Json) -> list[FormField]:
    """Return what an expression such as `{"ADD": [{"label": "Name"}]}` asks for, in its order.

    Raises:
        ComponentFailedError: It has another shape, an unknown type, or too many fields
            (retry=False).
    """
    listed = entries("fields", value)
    if len(listed) > _MOST_FIELDS:
        raise unusable("fields", f"may hold {_MOST_FIELDS} fields at most")
    return [_form_field(position, one) for position, one in enumerate(listed)]


def names_of(value: Json) -> tuple[str, ...]:
    """Return the names under which the fields are sent; empty when they are not known yet."""
    try:
        return tuple(one.name for one in form_fields(value))
    except ComponentFailedError:
        return ()


def entry_of(fields: list[FormField], data: Json) -> dict[str, Json]:
    """Return name -> value of what was filled in; what the form does not ask for is left out."""
    given = as_object(data)
    return {one.name: _filled_in(one, given.get(one.name)) for one in fields}


def answer_form(
    ctx: Context, call: WebhookCall, form: Mapping[str, Json]
) -> dict[str, Json] | None:
    """Answer a call of a form's URL: a GET with its page, a POST with thanks.

    Args:
        ctx: Of the call.
        call: What came in.
        form: The values of `FORM_FIELDS`.

    Returns:
        What was filled in; None when the call only asked for the page.
    """
    fields = form_fields(form.get("fields"))
    if call.method == "POST":
        ctx.respond(_thanks(form), headers=_HEADERS)
        return entry_of(fields, call.data)
    ctx.respond(_page(form, fields), headers=_HEADERS)
    return None


def answer_missing(ctx: Context) -> None:
    """Answer a call of the URL of a form that is not there (any more)."""
    ctx.respond(_document("", "", "<p>There is no such form.</p>"), status=404, headers=_HEADERS)


def _form_field(position: int, one: Mapping[str, Json]) -> FormField:
    kind = to_text(one.get("type") or "text")
    if kind not in _TYPES:
        raise unusable("fields", f"has the type {kind!r}; there are {', '.join(_TYPES)}")
    label, description, default = (
        to_text(one.get(key) or "") for key in ("label", "description", "defaultValue")
    )
    index = parse_number(one.get("index"))
    return FormField(
        name=f"field_{position}",
        label=label or f"Field {position + 1}",
        type=kind,
        description=description,
        default=default,
        index=position if index is None else index,
    )


def _filled_in(field: FormField, value: Json) -> Json:
    if field.type == "checkbox":
        return is_on(value) or value == "on"
    if field.type == "number":
        number = parse_number(value)
        return value if number is None else number
    return value


def _page(form: Mapping[str, Json], fields: list[FormField]) -> str:
    title, description, call_to_action = (
        html.escape(to_text(form.get(key) or default))
        for key, default in (("title", ""), ("description", ""), ("cta", "Submit"))
    )
    inputs = "".join(_input(one) for one in sorted(fields, key=lambda one: one.index))
    body = (
        f"<h1>{title}</h1><p>{description}</p>"
        f'<form method="post">{inputs}<button type="submit">{call_to_action}</button></form>'
    )
    return _document(title, to_text(form.get("stylesheet") or ""), body)


def _input(field: FormField) -> str:
    label, description, default = (
        html.escape(text) for text in (field.label, field.description, field.default)
    )
    filled = "" if field.type == "checkbox" else f' value="{default}"'
    if field.type == "checkbox" and is_on(field.default):
        filled = " checked"
    about = f"<small>{description}</small>" if description else ""
    return f'<label>{label}{about}<input type="{field.type}" name="{field.name}"{filled}></label>'


def _thanks(form: Mapping[str, Json]) -> str:
    message = html.escape(to_text(form.get("thanksMessage") or "Thank you!"))
    image = to_text(form.get("thanksImage") or "").strip()
    shown = f'<img src="{html.escape(image)}" alt="">' if _IMAGE.match(image) else ""
    return _document(message, to_text(form.get("stylesheet") or ""), f"<p>{message}</p>{shown}")


def _document(title: str, stylesheet: str, body: str) -> str:
    # Within CSS, `<\/` means the same as `</`, but does not end the element.
    own_style = stylesheet.replace("</", "<\\/")
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style><style>{own_style}</style></head>"
        f"<body>{body}</body></html>"
    )

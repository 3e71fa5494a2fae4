"""Modifiers that run what somebody wrote in another language."""

from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.evaluator import JAVASCRIPT_MISSING, evaluate, knows_javascript
from appmixer_mcp.sandbox.javascript import UNDEFINED, to_text
from appmixer_mcp.sandbox.modifier import Argument, Modifier


def _jsonata(value: Json, expression: Json) -> Json:
    # What leads nowhere is undefined in JSONata as well; null is the nearest that JSON has.
    return evaluate("jsonata", to_text(expression), [None if value is UNDEFINED else value])


def _javascript(value: Json, code: Json) -> Json:
    return evaluate("javascript", to_text(code), [] if value is UNDEFINED else [value])


def _javascript_missing() -> str | None:
    return None if knows_javascript() else JAVASCRIPT_MISSING


MODIFIERS = (
    Modifier(
        id="g_jsonata", label="JSONata", categories=("object",), returns="any", run=_jsonata,
        arguments=(Argument("expression", "text"),), slow=True,
    ),
    Modifier(
        id="g_javascript", label="JavaScript Function", categories=("control",), returns="any",
        run=_javascript, arguments=(Argument("code", "text"),), slow=True,
        missing=_javascript_missing,
    ),
)  # fmt: skip

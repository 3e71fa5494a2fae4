"""The catalogue of modifiers, and a try of a function that could become one."""

from typing import Any, NotRequired

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox import modifiers
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.evaluator import (
    JAVASCRIPT_MISSING,
    EvaluationError,
    evaluate,
    in_thread,
    knows_javascript,
)
from appmixer_mcp.sandbox.javascript import UNDEFINED, is_object
from appmixer_mcp.sandbox.modifier import FlowFacts, Modifier
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint
from appmixer_mcp.sandbox.transform_compiler import TransformCompiler

_UNDEFINED = 'The function returned "undefined"'
"""Source: documented."""


class ModifierArgument(TypedDict):
    """What a modifier can be given besides the value."""

    name: str
    type: str
    isHash: bool
    isBlock: bool


class Returned(TypedDict):
    """What a modifier returns."""

    type: str


class ShownModifier(TypedDict):
    """A modifier, or a variable of the flow; without the JavaScript source that Appmixer has."""

    name: str
    label: str
    type: str
    category: list[str]
    arguments: list[ModifierArgument]
    returns: Returned
    isBlock: NotRequired[bool]
    variableArguments: NotRequired[bool]


class Category(TypedDict):
    """What modifiers are grouped by."""

    label: str
    index: int


class Catalogue(TypedDict):
    """Category -> what it is; modifier id -> what it is."""

    categories: dict[str, Category]
    modifiers: dict[str, ShownModifier]


class Trial(BaseModel):
    """A function and what to call it with."""

    helper_fn: str = Field(alias="helperFn")
    """JavaScript source of a function, or a modifier's id (ours, as ours have no such source)."""
    arguments: list[Any]


async def get_modifiers(_: Call) -> Catalogue:
    """List every modifier and flow variable, and their categories."""
    categories = enumerate(modifiers.CATEGORIES.items(), start=1)
    return {
        "categories": {key: {"label": label, "index": index} for index, (key, label) in categories},
        "modifiers": {modifier.id: _shown(modifier) for modifier in modifiers.every()},
    }


async def test_modifier(call: Call) -> Json:
    """Call a JavaScript function with arguments, and answer with what it returns."""
    trial = await call.body(Trial)
    if (modifier := modifiers.find(trial.helper_fn)) is not None:
        return await _of_modifier(call, modifier, trial.arguments)
    if not knows_javascript():
        raise InputError(JAVASCRIPT_MISSING)
    try:
        returned = await in_thread(evaluate, "helper", trial.helper_fn, trial.arguments)
    except EvaluationError as error:
        raise InputError(f"The function failed: {error}") from error
    if returned is UNDEFINED:
        raise InputError(_UNDEFINED)
    return returned


async def _of_modifier(call: Call, modifier: Modifier, arguments: list[Json]) -> Json:
    """Return what a modifier makes of the first argument, in a transform as flows have them.

    Named arguments are in the last one, `{"hash": {…}}`, as JavaScript functions get them.
    """
    value, *params = arguments or [None]
    last = params[-1] if params else None
    named = last.get("hash") if is_object(last) and len(last) == 1 else None
    function = {
        "name": modifier.id,
        "params": [{"value": one} for one in (params[:-1] if is_object(named) else params)],
        "hashParams": {name: {"value": one} for name, one in (named or {}).items()},
    }
    binding = {"variable": "$.component.out", "functions": [function]}
    compiler = TransformCompiler()
    transform = compiler.compile(
        {"lambda": {"value": "{{{value}}}"}, "modifiers": {"value": {"value": binding}}}
    )
    if compiler.problems:
        raise InputError("; ".join(problem.message for problem in compiler.problems))
    facts = FlowFacts(
        flow_id="", flow_name="", user_id=call.user.user_id, webhook_url="",
        custom_fields=dict, now=call.services.clock.now(),
    )  # fmt: skip
    outputs = {"component": {"out": value}}
    resolved = await in_thread(transform.resolve, None, outputs, facts)
    if "value" not in resolved:
        raise InputError(_UNDEFINED)
    return resolved["value"]


def _shown(modifier: Modifier) -> ShownModifier:
    named = ((argument, True) for argument in modifier.named)
    positional = ((argument, False) for argument in modifier.arguments)
    shown: ShownModifier = {
        "name": modifier.id,
        "label": modifier.label,
        "type": "flow" if modifier.flow_variable else "modifier",
        "category": list(modifier.categories),
        "arguments": [
            {
                "name": argument.name,
                "type": argument.type,
                "isHash": is_hash,
                "isBlock": modifier.block and not is_hash,
            }
            for argument, is_hash in (*positional, *named)
        ],
        "returns": {"type": modifier.returns},
    }
    if modifier.block:
        shown["isBlock"] = True
    if modifier.variadic:
        shown["variableArguments"] = True
    return shown


ENDPOINTS = (
    Endpoint("GET", "/modifiers", get_modifiers, answer=Catalogue),
    Endpoint("POST", "/modifiers/test", test_modifier, body=Trial),
)

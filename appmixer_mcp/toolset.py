"""What a tool is: a typed function, with its group, title, hints and, where it destroys, a preview.

A tool module makes one `Toolset` and decorates functions with it. Everything else (schemas,
confirmation, documentation, filters) reads the records that come of it.
"""

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from appmixer_mcp.confirmation import Confirmations, Decision, Impact
from appmixer_mcp.errors import InputError
from appmixer_mcp.results import Outcome, Result
from appmixer_mcp.schemas import Schema, expectation, flatten, shown

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.session import Session

Confirm = Annotated[bool, Field(description="True only after the person saw the preview.")]

_NAMES_OF_ONE = ("flow_id", "store_id", "key", "task_id", "chart_id")
"""Arguments that say which object a call is about."""


@dataclass(frozen=True, kw_only=True)
class Hints:
    """What a client may expect of a call, in the words of the MCP specification."""

    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False
    open_world: bool = False


READ = Hints(read_only=True, idempotent=True)
CREATE = Hints()
CHANGE = Hints(idempotent=True)
RUN = Hints(idempotent=True, open_world=True)
DESTROY = Hints(destructive=True, idempotent=True)
DECIDE = Hints(destructive=True, open_world=True)


@dataclass(frozen=True)
class ToolContext:
    """What a tool works with: the caller's session, and what the server keeps."""

    session: "Session"
    confirmations: Confirmations
    protocol_version: str

    async def client(self) -> "AppmixerClient":
        """Return the client signed in as the caller; the first call may have to open it."""
        return await self.session.client()


ToolFunction = Callable[..., Awaitable[Result]]
Preview = Callable[..., Awaitable[Impact | None]]


@dataclass(frozen=True, kw_only=True)
class ToolSpec:
    """A tool as data."""

    name: str
    title: str
    description: str
    group: str
    hints: Hints
    function: ToolFunction
    preview: Preview | None
    """Says what a call would destroy; None as its result means that there is nothing to ask."""
    arguments: type[BaseModel]
    result: type[Result]
    input_schema: Schema
    output_schema: Schema

    async def call(self, ctx: ToolContext, arguments: Mapping[str, Any]) -> Result:
        """Check the arguments, ask where it must be asked, and run the tool.

        Raises:
            InputError: An argument is unknown, missing or of the wrong kind; says which and what
                it takes.
        """
        values = self._checked(arguments)
        if self.preview is None:
            return await self.function(ctx, **values)
        confirm = values.pop("confirm")
        began_at = await ctx.confirmations.state.now()
        target = [value for name, value in values.items() if name in _NAMES_OF_ONE]
        async with ctx.confirmations.alone(*target):
            impact = await self.preview(ctx, **values)
            if impact is not None:
                decision = await ctx.confirmations.decide(
                    ctx.session.principal,
                    self.name,
                    values,
                    impact,
                    confirm=confirm,
                    began_at=began_at,
                )
                if not decision.act:
                    return self._asking(impact, decision)
            return await self.function(ctx, **values)

    def takes_secret(self, name: str) -> bool:
        """Say whether an argument of this name is a secret, which nothing may repeat."""
        field = self.arguments.model_fields.get(name)
        return field is not None and "SecretStr" in repr(field.annotation)

    def _asking(self, impact: Impact, decision: Decision) -> Result:
        return self.result.model_validate(
            {
                "done": False,
                "message": impact.question,
                "impact": impact.losses,
                "next_step": decision.next_step,
            }
        )

    def _checked(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        properties: Mapping[str, Schema] = self.input_schema["properties"]
        required = self.input_schema.get("required", ())
        parsed = {
            name: _parsed(value, properties.get(name, {}))
            for name, value in arguments.items()
            if value is not None or name in required or name not in properties
        }
        try:
            model = self.arguments.model_validate(parsed)
        except ValidationError as error:
            problems = {str(one["loc"][0]): one for one in reversed(error.errors())}
            said = [self._problem(name, one["type"], parsed) for name, one in problems.items()]
            raise InputError(" ".join(reversed(said))) from None  # its text echoes the values
        return {name: getattr(model, name) for name in type(model).model_fields}

    def _problem(self, name: str, kind: str, arguments: Mapping[str, Any]) -> str:
        properties: Mapping[str, Schema] = self.input_schema["properties"]
        if name not in properties:
            names = ", ".join(properties) or "no arguments"
            return f"{self.name} has no argument {shown(name)}; it takes {names}."
        schema = properties[name]
        if kind == "missing":
            return f"{name} is missing. {schema.get('description') or expectation(schema)}"
        if self.takes_secret(name):
            got = ""
        elif schema.get("type") == "object" and not isinstance(arguments[name], list):
            got = ", not a single value"  # which may be the token of an account
        else:
            got = f", not {shown(arguments[name])}"
        return f"{name} must be {expectation(schema)}{got}."


@dataclass(frozen=True)
class Toolset:
    """A group of tools that are switched on and off together."""

    name: str
    description: str
    tools: list[ToolSpec] = field(default_factory=list[ToolSpec])

    def tool(
        self, title: str, hints: Hints, *, preview: Preview | None = None
    ) -> Callable[[ToolFunction], ToolFunction]:
        """Register a function as a tool; its name, docstring and signature are the tool's.

        Args:
            title: What people see, such as `Delete flow`.
            hints: What clients may expect.
            preview: Takes the same arguments; makes the tool ask for confirmation. The function
                must then return an `Outcome`.
        """

        def register(function: ToolFunction) -> ToolFunction:
            self.tools.append(_spec(self.name, title, hints, function, preview))
            return function

        return register


def _spec(
    group: str, title: str, hints: Hints, function: ToolFunction, preview: Preview | None
) -> ToolSpec:
    name = function.__name__
    signature = inspect.signature(function, eval_str=True)
    _, *parameters = signature.parameters.values()
    fields: dict[str, Any] = {
        one.name: (one.annotation, ... if one.default is one.empty else one.default)
        for one in parameters
    }
    result = cast("type[Result]", signature.return_annotation)
    if preview is not None:
        fields["confirm"] = (Confirm, False)
        if not issubclass(result, Outcome):
            raise TypeError(f"{name} has a preview, so it must return an Outcome.")
    arguments = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
    return ToolSpec(
        name=name,
        title=title,
        description=inspect.cleandoc(function.__doc__ or ""),
        group=group,
        hints=hints,
        function=function,
        preview=preview,
        arguments=arguments,
        result=result,
        input_schema=flatten(arguments.model_json_schema()),
        output_schema=_output_schema(result),
    )


@cache  # several tools give back the same, and a start waits for each
def _output_schema(result: type[Result]) -> Schema:
    return flatten(result.model_json_schema(mode="validation"))


def _parsed(value: object, schema: Schema) -> object:
    """Read an object or list that a client sent as JSON text; texts stay texts."""
    if isinstance(value, str) and schema.get("type") in ("object", "array"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value

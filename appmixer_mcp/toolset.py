"""What a tool is: a typed function, with its group, title, hints and, where it destroys, a preview.

A tool module makes one `Toolset` and decorates functions with it: tools, resources that clients
read, and what completes their arguments. Everything else (schemas, confirmation, documentation,
filters) reads the records that come of it.
"""

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from appmixer_mcp.confirmation import Call, Confirmations, Decision, Impact
from appmixer_mcp.errors import InputError
from appmixer_mcp.results import Outcome, Result
from appmixer_mcp.schemas import Schema, expectation, flatten, shown
from appmixer_mcp.selecting import Fields, Selectable

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.asking import Person
    from appmixer_mcp.file_directory import FileDirectory
    from appmixer_mcp.journal import Journal
    from appmixer_mcp.profiles import Profiles
    from appmixer_mcp.progress import Progress
    from appmixer_mcp.session import Session

Confirm = Annotated[bool, Field(description="True only after the person saw the preview.")]
ConfirmToken = Annotated[str, Field(description="From the preview, once the person saw it.")]


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


def _whatever(_tool: str) -> bool:
    return True


@dataclass(frozen=True)
class ToolContext:
    """What a tool works with: the caller's session, and what the server keeps."""

    session: "Session"
    confirmations: Confirmations
    protocol_version: str
    person: "Person | None"
    """Who is asked before something is destroyed, where the client can."""
    progress: "Progress"
    """Says what is being done from now on, to a client that waits for long."""
    agreed: Impact | None = None
    """What was asked about and agreed to; None where there was nothing to ask."""
    serves: Callable[[str], bool] = _whatever
    """Says whether whoever calls can call a tool of this name, too."""
    journal: "Journal | None" = None
    """Keeps what a write replaces; see `ServerOptions`, as for the two below."""
    files: "FileDirectory | None" = None
    profiles: "Profiles | None" = None

    async def client(self) -> "AppmixerClient":
        """Return the client signed in as the caller; the first call may have to open it."""
        return await self.session.client()


ToolFunction = Callable[..., Awaitable[Result]]
Preview = Callable[..., Awaitable[Impact | None]]


@dataclass(frozen=True, kw_only=True)
class ToolSpec:
    """A tool as data; what its signature tells is worked out when somebody asks for it."""

    name: str
    title: str
    description: str
    group: str
    hints: Hints
    function: ToolFunction
    preview: Preview | None
    """Says what a call would destroy; None as its result means that there is nothing to ask."""
    selectable: Selectable | None
    """What `fields` choose from; None where the tool does not take them."""
    changes: tuple[str, ...] = ()
    """Resources that a call changes beside those of the ids that it names."""
    by_token: bool = False
    """Whether the token of its preview confirms it, not a flag; only where it has one."""

    @property
    def asks(self) -> Literal["never", "sometimes", "always"]:
        """When a call has to be confirmed."""
        if self.preview is None:
            return "never"
        shown = inspect.signature(self.preview, eval_str=True).return_annotation
        return "always" if shown is Impact else "sometimes"

    @cached_property
    def arguments(self) -> type[BaseModel]:
        """What it takes: its function's parameters, and some more."""
        fields: dict[str, Any] = {
            one.name: (one.annotation, ... if one.default is one.empty else one.default)
            for one in self._signature.parameters.values()
        }
        fields.pop("ctx")
        if self.by_token:
            fields["confirm_token"] = (ConfirmToken, "")
        elif self.preview is not None:
            fields["confirm"] = (Confirm, False)
        if self.selectable is not None:
            fields["fields"] = (Fields, [])
        return create_model(self.name, __config__=ConfigDict(extra="forbid"), **fields)

    @cached_property
    def result(self) -> type[Result]:
        """What it gives back."""
        result = cast("type[Result]", self._signature.return_annotation)
        if self.preview is not None and not issubclass(result, Outcome):
            raise TypeError(f"{self.name} has a preview, so it must return an Outcome.")
        return result

    @cached_property
    def input_schema(self) -> Schema:
        """The flat schema of its arguments."""
        return flatten(self.arguments.model_json_schema())

    @cached_property
    def output_schema(self) -> Schema:
        """The flat schema of its result."""
        schema = _output_schema(self.result)
        return self.selectable.loosened(schema) if self.selectable is not None else schema

    @cached_property
    def _signature(self) -> inspect.Signature:
        return inspect.signature(self.function, eval_str=True)

    async def call(self, ctx: ToolContext, arguments: Mapping[str, Any]) -> Result:
        """Check the arguments, ask where it must be asked, and run the tool.

        Raises:
            InputError: An argument is unknown, missing or of the wrong kind; says which and what
                it takes.
        """
        values = self._checked(arguments)
        if self.selectable is not None:
            fields = values.pop("fields")
            self.selectable.refuse_unknown(fields, self.output_schema)
            result = await self.function(ctx, **values)
            return self.selectable.selected(result, fields, self.output_schema)
        if self.preview is None:
            return await self.function(ctx, **values)
        call = Call(
            principal=ctx.session.principal,
            base_url=ctx.session.base_url,
            tool=self.name,
            title=self.title,
            confirm=values.pop("confirm", False),
            token=values.pop("confirm_token", ""),
            arguments=values,
            began_at=await ctx.confirmations.state.now(),
            can_ask=ctx.person is not None,
        )
        return await self._confirmed(ctx, call, self.preview)

    async def _confirmed(self, ctx: ToolContext, call: Call, preview: Preview) -> Result:
        values = call.arguments
        # What says which object the call is about.
        target = [value for name, value in values.items() if name.endswith("_id") or name == "key"]
        answer = await ctx.person.answer() if ctx.person else None
        while answer is None or answer.reply == "yes":
            async with ctx.confirmations.alone(*target):
                # While the person thought, somebody else may have signed in.
                call = replace(call, principal=ctx.session.principal)
                impact = await preview(ctx, **values)
                decision = await ctx.confirmations.decide(call, impact, answer)
                if decision.act:
                    return await self.function(replace(ctx, agreed=impact), **values)
            shown = answer.question.impact if impact is None and answer else impact
            if decision.question is None or ctx.person is None or shown is None:
                return self._asking(shown, decision)
            ctx.progress("waiting for the person's answer")
            answer = await ctx.person.ask(decision.question)
            ctx.progress("")
        return self._asking(answer.question.impact, ctx.confirmations.refused(call, answer.reply))

    def takes_secret(self, name: str) -> bool:
        """Say whether an argument of this name is a secret, which nothing may repeat."""
        field = self.arguments.model_fields.get(name)
        return field is not None and "SecretStr" in repr(field.annotation)

    def confirmed_by_token(self) -> "ToolSpec":
        """Return the same tool; if it has a preview, confirmed by the token of that, not a flag."""
        return replace(self, by_token=True) if self.preview is not None else self

    def _asking(self, impact: Impact | None, decision: Decision) -> Result:
        shown = {"message": impact.question, "impact": impact.losses} if impact else {}
        token = {"confirm_token": decision.token} if decision.token else {}
        said = {"done": False, "next_step": decision.next_step}
        return self.result.model_validate(said | shown | token)

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


@dataclass(frozen=True, kw_only=True)
class ResourceSpec:
    """A resource as data: what a client reads under an address, or under each of a template."""

    name: str
    title: str
    description: str
    group: str
    uri: str
    """An address, or a template whose variables are the function's parameters."""
    mime_type: str
    function: Callable[..., Awaitable[Result | str]]


@dataclass(frozen=True)
class Choice:
    """One way to complete an argument."""

    value: str
    """What the argument takes, such as an id."""
    name: str
    """What people call it."""


@dataclass(frozen=True)
class CompletionSpec:
    """How arguments of one name are completed, of resources and prompts alike."""

    argument: str
    group: str
    function: Callable[[ToolContext, str], Awaitable[list[Choice]]]
    """Takes what was typed so far, part of a name or an id."""


FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


@dataclass(frozen=True)
class Toolset:
    """A group of tools, with its resources, that are switched on and off together."""

    name: str
    description: str
    tools: list[ToolSpec] = field(default_factory=list[ToolSpec])
    resources: list[ResourceSpec] = field(default_factory=list[ResourceSpec])
    completions: list[CompletionSpec] = field(default_factory=list[CompletionSpec])

    def tool(
        self,
        title: str,
        hints: Hints,
        *,
        preview: Preview | None = None,
        selectable: Selectable | None = None,
        changes: tuple[str, ...] = (),
    ) -> Callable[[FunctionT], FunctionT]:
        """Register a function as a tool; its name, docstring and signature are the tool's.

        Args:
            title: What people see, such as `Delete flow`.
            hints: What clients may expect.
            preview: Takes the same arguments; makes the tool ask for confirmation, always if it
                returns an `Impact`, sometimes if `Impact | None`. The function must then return an
                `Outcome`.
            selectable: Makes the tool take `fields`. Not for one with a preview.
            changes: Addresses of resources that a call changes, beside those of the ids that its
                arguments or its result name; `{flow_id}` stands for the flow's.
        """

        def register(function: FunctionT) -> FunctionT:
            if preview is not None and selectable is not None:
                raise TypeError(f"{function.__name__} has a preview, so it takes no fields.")
            spec = ToolSpec(
                name=function.__name__,
                title=title,
                description=inspect.cleandoc(function.__doc__ or ""),
                group=self.name,
                hints=hints,
                function=function,
                preview=preview,
                selectable=selectable,
                changes=changes,
            )
            self.tools.append(spec)
            return function

        return register

    def resource(
        self, uri: str, title: str, mime_type: str = "application/json"
    ) -> Callable[[FunctionT], FunctionT]:
        """Register a function that returns what clients read; its docstring describes it.

        Args:
            uri: An address, or a template such as `appmixer://flows/{flow_id}`.
            title: What people see.
            mime_type: Of what it returns: a text, or a `Result` that is shown as JSON.
        """

        def register(function: FunctionT) -> FunctionT:
            self.resources.append(
                ResourceSpec(
                    name=function.__name__,
                    title=title,
                    description=inspect.cleandoc(function.__doc__ or ""),
                    group=self.name,
                    uri=uri,
                    mime_type=mime_type,
                    function=function,
                )
            )
            return function

        return register

    def completes(self, argument: str) -> Callable[[FunctionT], FunctionT]:
        """Register a function that completes the arguments of one name.

        Args:
            argument: Such as `flow_id`.
        """

        def register(function: FunctionT) -> FunctionT:
            self.completions.append(CompletionSpec(argument, self.name, function))
            return function

        return register


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

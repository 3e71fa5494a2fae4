"""The transform of a link: from what earlier components sent to the fields of an in port.

A transform is compiled once for a run of a flow, which also finds what is wrong with it, and
resolved for each message. Placeholders stand in text as `{{{binding id}}}`; the bindings, each a
variable and the modifiers it runs through, lie beside the text under the same field. The older
form has the variable itself in the text, `{{{$.componentId.port.path}}}`, or a helper call,
`{{{uppercase $.componentId.port.path}}}`.

Source: documented and observed, as said where it matters.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.javascript import UNDEFINED, get_path, is_list, is_object, to_text
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.modifier import FlowFacts, Modifier, bounded, keyword

_MOST_WORK = 200_000  # variables and modifiers evaluated for one message
_SIZE_OF_A_STEP = 1_000  # so many characters or items count as one step more
_HELPER_ERRORS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

Outputs = Mapping[str, Mapping[str, Json]]
"""What earlier components sent: component id -> out port -> content."""


@dataclass(frozen=True, slots=True)
class Block:
    """The item that a block argument is evaluated for."""

    value: Json
    index: int
    key: Json


@dataclass(slots=True)
class Budget:
    """What the expressions of one message may still cost."""

    work: int = 0
    size: int = 0

    def step(self, value: Json = None) -> None:
        """Count one evaluation, and more when the value it works on is long.

        Raises:
            InputError: There have been too many for one message.
        """
        self.work += 1 + _size(value) // _SIZE_OF_A_STEP
        if self.work > _MOST_WORK:
            raise InputError(
                f"The expressions of one message took more than {_MOST_WORK:,} steps. "
                "Use shorter lists, or fewer nested maps."
            )

    def made(self, value: Json) -> Json:
        """Count the size of a value that was made, and return it.

        Raises:
            InputError: All of them together are too large for one message.
        """
        self.size = bounded(self.size + _size(value))
        return value


@dataclass(frozen=True, slots=True)
class Scope:
    """What the placeholders of one message can see."""

    outputs: Outputs
    facts: FlowFacts
    blocks: tuple[Block, ...] = ()
    """Innermost last."""
    budget: Budget = field(default_factory=Budget)

    def inner(self, block: Block) -> "Scope":
        """Return the scope of a block argument."""
        return Scope(self.outputs, self.facts, (*self.blocks, block), self.budget)


@dataclass(frozen=True, slots=True)
class Constant:
    """Text, a number, a boolean or null, as it stands."""

    value: Json

    def resolve(self, scope: Scope) -> Json:
        """Return the value."""
        del scope
        return self.value


@dataclass(frozen=True, slots=True)
class Variable:
    """`$.componentId.port.path`: what a component sent."""

    component_id: str
    port: str
    path: tuple[str, ...]

    def resolve(self, scope: Scope) -> Json:
        """Return what the path leads to, or UNDEFINED."""
        scope.budget.step()
        content = scope.outputs.get(self.component_id, {}).get(self.port, UNDEFINED)
        return get_path(content, self.path)


@dataclass(frozen=True, slots=True)
class BlockVariable:
    """`@value`, `@index` or `@key` of the block that many levels out."""

    name: str
    """value, index or key"""
    path: tuple[str, ...]
    levels_out: int

    def resolve(self, scope: Scope) -> Json:
        """Return the variable of a block, or UNDEFINED outside of one."""
        scope.budget.step()
        if self.levels_out >= len(scope.blocks):
            return UNDEFINED
        block = scope.blocks[-1 - self.levels_out]
        return get_path(getattr(block, self.name), self.path)


@dataclass(frozen=True, slots=True)
class Call:
    """A modifier with its arguments, still to be resolved."""

    modifier: Modifier
    arguments: tuple["Template", ...]
    named: Mapping[str, "Template"]

    def apply(self, value: Json, scope: Scope) -> Json:
        """Return what the modifier makes of a value.

        A modifier that cannot handle the value leaves it as it is.

        Raises:
            InputError: It was asked for more work than is acceptable.

        Source: observed for the fail-safe; whether the live platform does so is not known.
        """
        scope.budget.step(value)
        before = (scope.facts, value) if self.modifier.uses_flow else (value,)
        try:
            if self.modifier.block:
                each = _Each(self.arguments[0], scope)
                return scope.budget.made(self.modifier.run(*before, each))
            arguments = [argument.resolve(scope) for argument in self.arguments]
            named = {keyword(name): one.resolve(scope) for name, one in self.named.items()}
            return scope.budget.made(self.modifier.run(*before, *arguments, **named))
        except RecursionError as error:
            raise InputError("A value is nested too deeply for a modifier.") from error
        except _HELPER_ERRORS:
            return value


@dataclass(frozen=True, slots=True)
class _Each:
    template: "Template"
    scope: Scope

    def __call__(self, item: Json, index: int, key: Json) -> Json:
        return self.template.resolve(self.scope.inner(Block(item, index, key)))


@dataclass(frozen=True, slots=True)
class Binding:
    """A value and the modifiers it runs through, left to right."""

    source: "Template"
    calls: tuple[Call, ...]

    def resolve(self, scope: Scope) -> Json:
        """Return the native value, or UNDEFINED."""
        value = self.source.resolve(scope)
        for call in self.calls:
            value = call.apply(value, scope)
        return _without_undefined(value) if self.calls else value


@dataclass(frozen=True, slots=True)
class Text:
    """Text with placeholders in it."""

    parts: tuple["Template", ...]

    def resolve(self, scope: Scope) -> Json:
        """Return the text; objects and lists stand in it as JSON.

        Source: observed, also that an unresolved placeholder reads `undefined`.
        """
        made = scope.budget.made
        return "".join([made(_inserted(part.resolve(scope))) for part in self.parts])


@dataclass(frozen=True, slots=True)
class Object:
    """An object whose values hold placeholders."""

    entries: tuple[tuple[str, "Template"], ...]

    def resolve(self, scope: Scope) -> Json:
        """Return the object without the keys whose values are undefined."""
        resolved = ((key, template.resolve(scope)) for key, template in self.entries)
        return {key: value for key, value in resolved if value is not UNDEFINED}


@dataclass(frozen=True, slots=True)
class Items:
    """A list whose items hold placeholders."""

    items: tuple["Template", ...]

    def resolve(self, scope: Scope) -> Json:
        """Return the list, with null for what is undefined."""
        resolved = (template.resolve(scope) for template in self.items)
        return [None if value is UNDEFINED else value for value in resolved]


Template = Constant | Variable | BlockVariable | Binding | Text | Object | Items


@dataclass(frozen=True, kw_only=True)
class Transform:
    """A compiled transform of one link."""

    fields: Object
    extends: bool
    """json2ext: the fields are laid over the original content, instead of replacing it."""

    def resolve(self, original: Json, outputs: Outputs, facts: FlowFacts) -> Json:
        """Return the content for the in port, a JSON value.

        Raises:
            InputError: The expressions ask for too much work, or a value is nested too deeply.
        """
        try:
            resolved = self.fields.resolve(Scope(outputs, facts))
        except RecursionError as error:
            raise InputError("A value is nested too deeply for the transform.") from error
        if self.extends and is_object(original):
            return {**original, **resolved}
        return resolved


def variables(template: Template) -> Iterator[Variable]:
    """Yield every variable that a template refers to, those in arguments included."""
    if isinstance(template, Variable):
        yield template
    for child in _children(template):
        yield from variables(child)


def _children(template: Template) -> Sequence[Template]:
    if isinstance(template, Text):
        return template.parts
    if isinstance(template, Items):
        return template.items
    if isinstance(template, Object):
        return [value for _, value in template.entries]
    if isinstance(template, Binding):
        given = [one for call in template.calls for one in (*call.arguments, *call.named.values())]
        return [template.source, *given]
    return ()


def _size(value: Json) -> int:
    return len(value) if isinstance(value, str) or is_list(value) or is_object(value) else 0


def _inserted(value: Json) -> str:
    return dumps(value) if is_list(value) or is_object(value) else to_text(value)


def _without_undefined(value: Json) -> Json:
    """Return the value as JSON.stringify would see it: modifiers may leave UNDEFINED in lists."""
    if is_list(value):
        return [None if item is UNDEFINED else _without_undefined(item) for item in value]
    if is_object(value):
        return {
            str(key): _without_undefined(item)
            for key, item in value.items()
            if item is not UNDEFINED
        }
    return value

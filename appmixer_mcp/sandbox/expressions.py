"""The transform of a link: from what earlier components sent to the fields of an in port.

A transform is compiled once for a run of a flow, which also finds what is wrong with it, and
resolved for each message. Placeholders stand in text as `{{{binding id}}}`; the bindings, each a
variable and the modifiers it runs through, lie beside the text under the same field. The older
form has the variable itself in the text, `{{{$.componentId.port.path}}}`, or a helper call,
`{{{uppercase $.componentId.port.path}}}`.

Source: documented and observed, as said where it matters.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.context import Json, Outputs
from appmixer_mcp.sandbox.javascript import UNDEFINED, get_path, is_list, is_object, to_text
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.modifier import MOST_CHARACTERS, FlowFacts, Modifier, bounded, keyword

_MOST_WORK = 200_000  # variables and modifiers evaluated for one message
_LONGEST_S = 5.0
_SIZE_OF_A_STEP = 1_000  # so many characters or items count as one step more
_HELPER_ERRORS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


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
    until_s: float = field(default_factory=lambda: time.monotonic() + _LONGEST_S)

    def step(self, size: int = 0) -> None:
        """Count one evaluation, and more when what it works on is large.

        Raises:
            InputError: There have been too many for one message, or they took too long.
        """
        self.work += 1 + size // _SIZE_OF_A_STEP
        if self.work > _MOST_WORK or time.monotonic() > self.until_s:
            raise InputError(
                f"The expressions of one message took more than {_MOST_WORK:,} steps, or "
                f"{_LONGEST_S:g} s. Use shorter lists, or fewer nested maps."
            )

    def filled(self, places: int) -> None:
        """Count the places of a list or object that is about to be filled.

        Raises:
            InputError: There are too many for one message.
        """
        self.step(places)
        self.size = bounded(self.size + places)

    def made(self, value: Json) -> Json:
        """Return a value that a modifier made, once it is known to be small enough.

        Raises:
            InputError: It is too large. A small list can stand for a huge JSON text, when it holds
                the same thing many times.
        """
        self.step(bounded(_size(value)))
        return value

    def placed(self, value: Json) -> Json:
        """Return a value that becomes part of the result, its size counted.

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
        scope.budget.step(_length(value))
        before = (scope.facts, value) if self.modifier.uses_flow else (value,)
        try:
            if self.modifier.block:
                each = _Each(self.arguments[0], scope)
                made = self.modifier.run(*before, each)
            else:
                arguments = [argument.resolve(scope) for argument in self.arguments]
                named = {keyword(name): one.resolve(scope) for name, one in self.named.items()}
                made = self.modifier.run(*before, *arguments, **named)
        except RecursionError as error:
            raise InputError("A value is nested too deeply for a modifier.") from error
        except _HELPER_ERRORS:
            return value
        return scope.budget.made(made)


@dataclass(frozen=True, slots=True)
class _Each:
    template: "Template"
    scope: Scope

    def __call__(self, item: Json, index: int, key: Json) -> Json:
        self.scope.budget.step()
        return self.template.resolve(self.scope.inner(Block(item, index, key)))


@dataclass(frozen=True, slots=True)
class Binding:
    """A placeholder: a value and the modifiers it runs through, left to right; perhaps none."""

    source: "Template"
    calls: tuple[Call, ...]

    def resolve(self, scope: Scope) -> Json:
        """Return the native value, or UNDEFINED."""
        value = self.source.resolve(scope)
        for call in self.calls:
            value = call.apply(value, scope)
        return scope.budget.placed(value)


@dataclass(frozen=True, slots=True)
class Text:
    """Text with placeholders in it."""

    parts: tuple["Template", ...]

    def resolve(self, scope: Scope) -> Json:
        """Return the text; objects and lists stand in it as JSON.

        Source: observed, also that an unresolved placeholder reads `undefined`.
        """
        text = "".join([_inserted(part.resolve(scope)) for part in self.parts])
        return scope.budget.placed(text)


@dataclass(frozen=True, slots=True)
class Object:
    """An object whose values hold placeholders."""

    entries: tuple[tuple[str, "Template"], ...]

    def resolve(self, scope: Scope) -> Json:
        """Return the object without the keys whose values are undefined."""
        scope.budget.filled(len(self.entries))
        resolved = ((key, template.resolve(scope)) for key, template in self.entries)
        return {key: value for key, value in resolved if value is not UNDEFINED}


@dataclass(frozen=True, slots=True)
class Items:
    """A list whose items hold placeholders."""

    items: tuple["Template", ...]

    def resolve(self, scope: Scope) -> Json:
        """Return the list, with null for what is undefined."""
        scope.budget.filled(len(self.items))
        resolved = (template.resolve(scope) for template in self.items)
        return [None if value is UNDEFINED else value for value in resolved]


Template = Constant | Variable | BlockVariable | Binding | Text | Object | Items


@dataclass(frozen=True, kw_only=True)
class Transform:
    """A compiled transform of one link."""

    fields: Object
    extends: bool
    """json2ext: the fields are laid over the original content, instead of replacing it."""

    @cached_property
    def slow(self) -> bool:
        """Whether it can take so long that it must not be resolved on the event loop."""
        bindings = (one for one in _every(self.fields) if isinstance(one, Binding))
        return any(call.modifier.slow for binding in bindings for call in binding.calls)

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
    return (one for one in _every(template) if isinstance(one, Variable))


def _every(template: Template) -> Iterator[Template]:
    yield template
    for child in _children(template):
        yield from _every(child)


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


def _length(value: Json) -> int:
    return len(value) if isinstance(value, str) or is_list(value) or is_object(value) else 0


def _size(value: Json) -> int:
    """Return about how long the JSON text of a value is; counts little beyond MOST_CHARACTERS."""
    if isinstance(value, str):
        return len(value)
    size, pending = 0, [value]
    while pending and size <= MOST_CHARACTERS:
        one = pending.pop()
        if isinstance(one, str):
            size += len(one)
        elif is_list(one):
            size += len(one)
            pending += one
        elif is_object(one):
            size += len(one) + sum(map(len, one))
            pending += one.values()
    return size


def _inserted(value: Json) -> str:
    return dumps(value) if is_list(value) or is_object(value) else to_text(value)

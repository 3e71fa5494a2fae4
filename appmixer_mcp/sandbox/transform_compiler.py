"""From a link's `config.transform` entry to a compiled `Transform`, with everything wrong in it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from appmixer_mcp.sandbox import modifiers
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.expressions import (
    Binding,
    BlockVariable,
    Call,
    Constant,
    Items,
    Object,
    Template,
    Text,
    Transform,
    Variable,
)
from appmixer_mcp.sandbox.javascript import UNDEFINED, is_list, is_object
from appmixer_mcp.sandbox.modifier import Modifier

_MOST_LEVELS = 60  # of lists, objects and nested arguments
_PLACEHOLDER = re.compile(r"\{\{\{([^{}]*)\}\}\}")
_VARIABLE = re.compile(r"\$\.([^.\[\]{}]+)\.(\w+)((?:[.\[].*)?)", re.DOTALL)
_BLOCK_VARIABLE = re.compile(
    r"((?:\.\./)*)@(value|index|key)((?:/(?:\.\.|@\w+))*)([.\[].*)?", re.DOTALL
)
_SEGMENT = re.compile(r"\[\s*(?:'([^']*)'|\"([^\"]*)\"|([^\]]*?))\s*\]|([^.\[\]]+)")
_NUMERIC = re.compile(r"(?:^|\.)\d+(?:\.|\[|$)|\[\s*\d+\s*\]")
_WORD = re.compile(
    r"""\s*(?: (?P<open>\() | (?P<close>\)) | (?P<name>\w+(?:\s\w+)?)=(?=\S)
    | "(?P<double>[^"]*)" | '(?P<single>[^']*)' | (?P<plain>[^\s()"']+) )""",
    re.VERBOSE,
)
_LITERALS: Mapping[str, Json] = {
    "true": True, "false": False, "null": None, "undefined": UNDEFINED,
}  # fmt: skip
_NUMBER = re.compile(r"-?\d{1,300}(\.\d{1,300})?", re.ASCII)


@dataclass(frozen=True)
class TransformProblem:
    """What is wrong in one field of a transform."""

    field: str
    message: str
    keyword: str


@dataclass
class TransformCompiler:
    """Compiles one transform; `problems` grows meanwhile."""

    problems: list[TransformProblem] = field(default_factory=list[TransformProblem])
    _field: str = ""
    _depth: int = 0

    def compile(self, raw: Mapping[str, Json]) -> Transform:
        """Return the transform; what cannot be understood in it resolves to nothing."""
        bindings_of = _object(raw.get("modifiers"))
        entries: list[tuple[str, Template]] = []
        for name, value in _object(raw.get("lambda")).items():
            self._field = name
            # Bindings belong to the top-level field, however deep the placeholder stands (observed)
            entries.append((name, self._template(value, _object(bindings_of.get(name)))))
        return Transform(fields=Object(tuple(entries)), extends=raw.get("type") == "json2ext")

    def _template(self, value: Json, bindings: Mapping[str, Json]) -> Template:
        if isinstance(value, str):
            return self._text(value, bindings)
        if not (is_list(value) or is_object(value)):
            return Constant(value)
        if self._too_deep():
            return Constant(None)
        self._depth += 1
        if is_list(value):
            items = tuple(self._template(item, bindings) for item in value)
            compiled: Template = Items(items)
            constant = all(isinstance(item, Constant) for item in items)
        else:
            pairs = cast("Mapping[str, Json]", value).items()
            entries = tuple((key, self._template(one, bindings)) for key, one in pairs)
            compiled = Object(entries)
            constant = all(isinstance(one, Constant) for _, one in entries)
        self._depth -= 1
        return Constant(value) if constant else compiled

    def _text(self, text: str, bindings: Mapping[str, Json]) -> Template:
        pieces = _PLACEHOLDER.split(text)
        if len(pieces) == 1:
            return Constant(text)
        parts: list[Template] = []
        for index, piece in enumerate(pieces):
            if index % 2:
                parts.append(self._placeholder(piece.strip(), bindings))
            elif piece:
                parts.append(Constant(piece))
        return parts[0] if len(parts) == 1 else Text(tuple(parts))

    def _placeholder(self, name: str, bindings: Mapping[str, Json]) -> Template:
        binding = bindings.get(name)
        if is_object(binding):
            return self._binding(binding)
        if name.startswith(("$", "@", "../")):
            return Binding(self._variable(name), ())
        return self._helper_call(name)

    def _binding(self, raw: Mapping[str, Json]) -> Template:
        if self._too_deep():
            return Constant(UNDEFINED)
        self._depth += 1
        path, functions = raw.get("variable"), raw.get("functions")
        calls = [
            call
            for function in (functions if is_list(functions) else ())
            if (call := self._call(function)) is not None
        ]
        source: Template = Constant(UNDEFINED)
        if isinstance(path, str) and path:
            source = self._variable(path)
        elif not calls:
            self._problem(f"Input field {self._field} has a binding without a variable.")
        self._depth -= 1
        return Binding(source, tuple(calls))

    def _call(self, raw: Json) -> Call | None:
        name = raw.get("name") if is_object(raw) else None
        modifier = modifiers.find(name) if isinstance(name, str) else None
        if modifier is None or not is_object(raw):
            self._unknown_modifier(name)
            return None
        self._check_installed(modifier)
        parameters = raw.get("params")
        positional = [self._argument(one) for one in parameters] if is_list(parameters) else []
        named = {key: self._argument(one) for key, one in _object(raw.get("hashParams")).items()}
        return _call(modifier, positional, named)

    def _argument(self, raw: Json) -> Template:
        if not (is_object(raw) and "value" in raw):
            return Constant(UNDEFINED) if is_object(raw) else self._template(raw, {})
        return self._template(raw["value"], _flat(_object(raw.get("modifiers"))))

    def _variable(self, path: str) -> Template:
        if match := _VARIABLE.fullmatch(path):
            if _NUMERIC.search(match[3]):
                # Documented as not resolving, seen to resolve: refused here, resolved all the same
                self._invalid(path, "a list index in a path; use the modifier g_nthIndex")
            return Variable(match[1], match[2], tuple(_segments(match[3])))
        if match := _BLOCK_VARIABLE.fullmatch(path):
            # Which spelling climbs a block is not known: `../@value` and `@value/@value` do here.
            levels = match[1].count("/") + match[3].count("/")
            return BlockVariable(match[2], tuple(_segments(match[4] or "")), levels)
        self._invalid(path, "it must be $.componentId.port.path")
        return Constant(UNDEFINED)

    def _helper_call(self, source: str) -> Template:
        words = list(_words(source))
        if not words or modifiers.find(words[0][1]) is None:
            self._invalid(source, "neither a binding, nor a variable, nor a modifier has this name")
            return Constant(UNDEFINED)
        template, rest = self._parse_call(words)
        if rest:
            self._invalid(source, "its parentheses do not match")
        return template

    def _parse_call(self, words: list[tuple[str, str]]) -> tuple[Template, list[tuple[str, str]]]:
        """Parse `helper value argument name=argument` up to a closing parenthesis."""
        modifier = modifiers.find(words[0][1]) if words else None
        if modifier is None:
            self._unknown_modifier(words[0][1] if words else "")
            return Constant(UNDEFINED), []
        self._check_installed(modifier)
        words = words[1:]
        positional: list[Template] = []
        named: dict[str, Template] = {}
        while words and words[0][0] != "close":
            name = words.pop(0)[1] if words[0][0] == "name" else None
            if not words:
                break
            if words[0][0] == "open" and not self._too_deep():
                self._depth += 1
                argument, words = self._parse_call(words[1:])
                self._depth -= 1
                words = words[1:]
            else:
                argument = self._word(*words.pop(0))
            if name is None:
                positional.append(argument)
            else:
                named[name] = argument
        source = positional[0] if positional else Constant(UNDEFINED)
        return Binding(source, (_call(modifier, positional[1:], named),)), words

    def _word(self, kind: str, word: str) -> Template:
        if kind in ("double", "single"):
            return Constant(word)
        if word in _LITERALS:
            return Constant(_LITERALS[word])
        if _NUMBER.fullmatch(word):
            return Constant(float(word) if "." in word else int(word))
        return self._variable(word)

    def _too_deep(self) -> bool:
        if self._depth < _MOST_LEVELS:
            return False
        self._problem(f"Input field {self._field} is nested too deeply.", "maxDepth")
        return True

    def _invalid(self, name: str, reason: str) -> None:
        self._problem(
            f"Input field {self._field} contains invalid variable {name[:200]!r}: {reason}."
        )

    def _unknown_modifier(self, name: Json) -> None:
        self._problem(
            f"Input field {self._field} uses the modifier {name!r}, which does not exist.",
            "modifier",
        )

    def _check_installed(self, modifier: Modifier) -> None:
        if missing := modifier.missing():
            self._problem(
                f"Input field {self._field} uses the modifier {modifier.id}. {missing}", "modifier"
            )

    def _problem(self, message: str, word: str = "variable") -> None:
        self.problems.append(TransformProblem(self._field, message, word))


def _call(modifier: Modifier, positional: list[Template], named: dict[str, Template]) -> Call:
    """Pad or cut the arguments to what the modifier takes; unknown names are left out."""
    if not modifier.variadic:
        missing = len(modifier.arguments) - len(positional)
        positional = [*positional, *[Constant(UNDEFINED)] * missing][: len(modifier.arguments)]
    names = {argument.name for argument in modifier.named}
    known = {name: one for name, one in named.items() if name in names}
    return Call(modifier, tuple(positional), known)


def _object(value: Json) -> Mapping[str, Json]:
    return value if is_object(value) else {}


def _flat(nested: Mapping[str, Json]) -> dict[str, Json]:
    """Return binding id -> binding, whether or not a level of field names lies in between."""
    flat: dict[str, Json] = {}
    for key, one in nested.items():
        if is_object(one) and not ("variable" in one or "functions" in one):
            flat.update(one)
        else:
            flat[key] = one
    return flat


def _segments(path: str) -> Iterator[str]:
    for match in _SEGMENT.finditer(path):
        yield next(group for group in match.groups() if group is not None)


def _words(source: str) -> Iterator[tuple[str, str]]:
    for match in _WORD.finditer(source):
        kind = match.lastgroup or "plain"
        yield kind, match[kind]

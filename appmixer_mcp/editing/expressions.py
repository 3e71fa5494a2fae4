"""Values that name what other components send, from how one writes them to how flows hold them.

Written `{{Label.port.path}}`, on a text of its own or within one, with modifiers behind it:
`{{Label.port.path | g_split ',' | g_first}}`, `{{g_now | g_addTimeSpan days=2}}`. A flow holds for
each of them a binding of the field, and `{{{binding id}}}` in its place.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.errors import InputError

_QUOTED = r"\"[^\"]*\"|'[^']*'"
_PLACEHOLDER = re.compile(
    rf"\{{\{{\{{(?P<whole>[^{{}}]*)\}}\}}\}}"
    rf"|\{{\{{(?P<text>[^{{}}|]*(?:\|(?:{_QUOTED}|[^\"'{{}}])*)?)\}}\}}"
)
_STEP = re.compile(rf"(?:{_QUOTED}|[^|\"'])+")
_STEPS = re.compile(rf"{_STEP.pattern}(?:\|{_STEP.pattern})*")
_WORD = re.compile(rf"\s*(?:(?P<name>\w+|{_QUOTED})=)?(?P<value>{_QUOTED}|[^\s\"'=]+)(?=\s|$)")
_FUNCTION = re.compile(r"\w+")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,15})(?:\.\d{1,16})?")
_LITERALS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
_WRITTEN = (
    "Write {{Label.port.path}}, or {{id.port.path}}; modifiers follow as in "
    "{{Label.port.path | g_split ',' | g_first}}."
)

_LONGEST_VARIABLE = 1_000  # which is looked for with each of its dots

_HEAD = re.compile(r"\{\{\s*(?:\$\.)?([^{}|]+)")

Bindings = dict[str, Any]


@dataclass(frozen=True)
class Binder:
    """Turns the values of one field into what a flow holds."""

    variable: Callable[[str], str | None]
    """Takes `Label.port.path`, gives `$.id.port.path`; None where it begins with no component."""
    components: Callable[[], str]
    """Says which components there are, for a message."""
    make_id: Callable[[], str]

    def bind(self, value: Any, known: Mapping[str, Any]) -> tuple[Any, Bindings]:
        """Return a field's value with bindings in place of expressions, and the bindings.

        Args:
            value: Any JSON value; its texts may hold expressions, however deep.
            known: The bindings that the field has; those that the value names itself are kept.

        Raises:
            InputError: An expression cannot be understood; says which, and how it is written.
        """
        bindings: Bindings = {}
        return self._bound(value, known, bindings), bindings

    def _bound(self, value: Any, known: Mapping[str, Any], bindings: Bindings) -> Any:
        if isinstance(value, str):
            return self._text(value, known, bindings)
        if isinstance(value, list):
            items = cast("list[object]", value)
            return [self._bound(one, known, bindings) for one in items]
        if isinstance(value, dict):
            pairs = cast("dict[str, object]", value).items()
            return {key: self._bound(one, known, bindings) for key, one in pairs}
        return value

    def _text(self, text: str, known: Mapping[str, Any], bindings: Bindings) -> str:
        def placeholder(match: re.Match[str]) -> str:
            name = match["whole"]
            if name is not None and name.strip() in known:
                bindings[name.strip()] = known[name.strip()]
                return match[0]
            binding_id = self.make_id()
            bindings[binding_id] = self._binding(match["text"] if name is None else name)
            return f"{{{{{{{binding_id}}}}}}}"

        # What is left is checked without what was understood, whose arguments may hold anything.
        if "{{" in _PLACEHOLDER.sub("", text):
            raise InputError(f"{quoted(text)} holds an expression that does not end. {_WRITTEN}")
        return _PLACEHOLDER.sub(placeholder, text)

    def _binding(self, expression: str) -> dict[str, Any]:
        head, bar, rest = expression.partition("|")
        steps = _STEP.findall(rest) if _STEPS.fullmatch(rest) else []
        if bar and not steps:
            raise InputError(f"{quoted(expression)} names no modifier. {_WRITTEN}")
        variable = self._named(head.strip())
        if variable is not None:
            return {"variable": variable, "functions": [self._function(one) for one in steps]}
        if head.strip().startswith("g_"):
            return {"functions": [self._function(one) for one in (head, *steps)]}
        raise InputError(
            f"{quoted(head.strip())} begins with no component of the flow, which has "
            f"{self.components()}. {_WRITTEN}"
        )

    def _named(self, text: str) -> str | None:
        return self.variable(text.removeprefix("$.")) if len(text) <= _LONGEST_VARIABLE else None

    def _function(self, step: str) -> dict[str, Any]:
        name, *words = step.split(maxsplit=1) or [""]
        if not _FUNCTION.fullmatch(name):
            raise InputError(f"{quoted(name)} is no modifier. {_WRITTEN}")
        function: dict[str, Any] = {"name": name}
        rest = words[0].strip() if words else ""
        place = 0
        while place < len(rest):
            match = _WORD.match(rest, place)
            if match is None:
                raise InputError(f"{quoted(step.strip())} cannot be understood. {_WRITTEN}")
            argument = {"value": self._argument(match["value"])}
            if match["name"]:
                function.setdefault("hashParams", {})[_unquoted(match["name"])] = argument
            else:
                function.setdefault("params", []).append(argument)
            place = match.end()
        return function

    def _argument(self, word: str) -> Any:
        if _unquoted(word) != word:
            return _unquoted(word)
        if word in _LITERALS:
            return _LITERALS[word]
        if _NUMBER.fullmatch(word):
            return json.loads(word)
        if "." in word and self._named(word) is not None:
            raise InputError(
                f"{quoted(word)} is an argument of a modifier, which takes no variable here; put a "
                "text into quotes."
            )
        return word


def heads_in(text: str) -> Iterator[str]:
    """Yield a text, and whatever in it may be the name of a component that an expression takes."""
    yield text
    for head in _HEAD.findall(text):
        variable = head.strip()[: _LONGEST_VARIABLE + 1]
        yield from (variable[:at] for at, sign in enumerate(variable) if sign == ".")


def _unquoted(word: str) -> str:
    return word[1:-1] if word[0] in "\"'" else word

"""JSON paths: the package `python-jsonpath`, held to bounds and to how JavaScript reads paths.

Source: RFC 9535 through the package. From Appmixer's older dialect come `.0` for `[0]`,
`[(@.length-1)]` for `[-1]`, `===`, `.length` in a filter, and that `[?(@.x)]` asks whether x is
truthy (ours: which of these Appmixer takes is not documented).
"""

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from jsonpath import (
    UNDEFINED,
    JSONPath,
    JSONPathEnvironment,
    JSONPathError,
    JSONPathMatch,
    NodeList,
)
from jsonpath.filter import BaseExpression, FilterQuery
from jsonpath.function_extensions import ExpressionType, FilterFunction
from jsonpath.selectors import Filter

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox import pattern
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import is_list, is_object, is_truthy

_MOST_NODES = 100_000
_MOST_PATH = 1_000
_LONGEST_S = 1.0
_OLDER = re.compile(
    r"""'(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | \d+\.\d+
    | \(\s*@\.length\s*-\s*(?P<from_end>\d+)\s*\)
    | (?P<sized>@[\w.-]*)\.length\b
    | (?P<equality>[=!]=)=
    | [^\W\d][\w-]*
    | (?<!\.)\.(?P<index>\d+)""",
    re.VERBOSE,
)


@dataclass
class Walk:
    """What the search of one or more paths may still cost."""

    nodes: int = _MOST_NODES
    until_s: float = field(default_factory=lambda: time.monotonic() + _LONGEST_S)

    def step(self) -> None:
        """Count one value that is looked at.

        Raises:
            InputError: There have been too many, or it took too long.
        """
        self.nodes -= 1
        if self.nodes < 0 or time.monotonic() > self.until_s:
            raise InputError(
                f"A JSON path looks at more than {_MOST_NODES:,} values, or for more than "
                f"{_LONGEST_S:g} s."
            )


def hits(value: Json, path: str, walk: Walk) -> Iterator[Json]:
    """Yield what a path finds in a list or object; in anything else it finds nothing.

    Args:
        value: Where to look.
        path: With or without `$` in front.
        walk: Is charged for every value looked at.

    Raises:
        InputError: The path is not valid, or looks at too much.
    """
    if not (is_list(value) or is_object(value)):
        return
    nodes: Iterable[JSONPathMatch] = [
        _Node(filter_context={"walk": walk}, obj=value, parent=None, path="", parts=(), root=value)
    ]
    try:
        for segment in _compiled(path).segments:
            nodes = segment.resolve(nodes)
        for node in nodes:
            yield node.obj
    except JSONPathError as error:
        raise InputError(f"The JSON path {path[:100]!r} cannot be followed: {error}") from error


class _Node(JSONPathMatch):
    __slots__ = ()

    def new_child(self, obj: object, key: int | str) -> "_Node":
        del key  # where it was found is never asked for
        context = self.filter_context()
        context["walk"].step()
        return _Node(
            filter_context=context, obj=obj, parent=None, path="", parts=(), root=self.root
        )

    def add_child(self, *children: JSONPathMatch) -> None:
        """Forget the children: nobody asks for them."""


class _Paths(JSONPathEnvironment):
    def is_truthy(self, obj: object) -> bool:
        if isinstance(obj, NodeList):
            return bool(obj) and is_truthy(obj[0].obj)
        return obj is not UNDEFINED and is_truthy(obj)

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions["match"] = _Search(r"^(?:%s)$")
        self.function_extensions["search"] = _Search("%s")


class _Search(FilterFunction):
    """The functions `match` and `search`, without the package's own regular expressions."""

    def __init__(self, form: str) -> None:
        self._form = form

    @property
    def arg_types(self) -> list[ExpressionType]:
        """What it takes."""
        return [ExpressionType.VALUE, ExpressionType.VALUE]

    @property
    def return_type(self) -> ExpressionType:
        """What it gives."""
        return ExpressionType.LOGICAL

    def __call__(self, value: object, wanted: object) -> bool:
        """Say whether a text has what is wanted."""
        if not (isinstance(value, str) and isinstance(wanted, str)):
            return False
        return pattern.search(self._form % wanted, value) is not None


_ENVIRONMENT = _Paths(strict=True)


@lru_cache(maxsize=256)
def _compiled(path: str) -> JSONPath:
    if len(path) > _MOST_PATH:
        raise InputError(f"A JSON path may have {_MOST_PATH:,} characters; this has {len(path):,}.")
    rooted = path if path.startswith("$") else f"${path}" if path.startswith("[") else f"$.{path}"
    try:
        compiled = _ENVIRONMENT.compile(_OLDER.sub(_modern, rooted))
    except (JSONPathError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path[:100]!r} is no JSON path: {reason}.") from error
    if not isinstance(compiled, JSONPath):
        raise InputError(f"{path[:100]!r} is more than one JSON path.")
    for segment in compiled.segments:
        for selector in segment.selectors:
            if isinstance(selector, Filter):
                _check_filter(path, selector.expression)
    return compiled


def _modern(older: re.Match[str]) -> str:
    if older["from_end"]:
        return f"-{older['from_end']}"
    if older["sized"]:
        return f"length({older['sized']})"
    if older["index"]:
        return f"[{older['index']}]"
    return older["equality"] or older[0]


def _check_filter(path: str, expression: BaseExpression) -> None:
    # A filter that searches in its turn multiplies the work, uncounted.
    if isinstance(expression, FilterQuery) and not expression.path.singular_query():
        raise InputError(f"In the filter of {path[:100]!r}, use names and indexes only.")
    for child in expression.children():
        _check_filter(path, child)

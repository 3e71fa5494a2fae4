"""What describes components, modules, services and bundles: their shape, and what breaks it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from typing_extensions import TypedDict

from appmixer_mcp.sandbox.context import Json

Kind = Literal["component", "module", "service", "bundle"]
"""What a manifest describes."""
JsonObject = dict[str, Any]
MOST_PROBLEMS = 100
"""So many are told of one upload (ours)."""

_NAME_MAX = 200
_Few = Field(max_length=200)  # of anything in a list (ours)
_PortName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,100}$")]


def _name(fewest_further: int, most_further: int) -> StringConstraints:
    further = rf"(\.[A-Za-z0-9_]+){{{fewest_further},{most_further}}}"
    return StringConstraints(pattern=rf"^[A-Za-z0-9_]+{further}$", max_length=_NAME_MAX)


class PortOption(TypedDict):
    """A value of an out port that later components can use."""

    label: NotRequired[str]
    value: NotRequired[str]
    schema: NotRequired[JsonObject]


class PortSource(TypedDict):
    """The call that tells what a port looks like."""

    url: NotRequired[str]
    data: NotRequired[JsonObject]


class PortManifest(TypedDict):
    """A port that is more than its name."""

    name: _PortName
    schema: NotRequired[JsonObject]
    inspector: NotRequired[JsonObject]
    source: NotRequired[PortSource]
    options: NotRequired[Annotated[list[PortOption], _Few]]
    maxConnections: NotRequired[int]


_Ports = Annotated[list[_PortName | PortManifest], _Few]


class AuthManifest(TypedDict):
    """The service of which a component needs an account."""

    service: NotRequired[str]
    scope: NotRequired[Annotated[list[str], _Few]]


class PropertiesManifest(TypedDict):
    """What can be set without a link."""

    schema: NotRequired[JsonObject]
    inspector: NotRequired[JsonObject]
    source: NotRequired[JsonObject]


class ComponentManifest(TypedDict):
    """A component type; further keys are kept as they are."""

    name: Annotated[str, _name(3, 3)]
    label: NotRequired[str]
    author: NotRequired[str]
    description: NotRequired[str]
    icon: NotRequired[str]
    version: NotRequired[str]
    private: NotRequired[bool]
    trigger: NotRequired[bool]
    tick: NotRequired[bool]
    webhook: NotRequired[bool]
    webhookAsync: NotRequired[bool]
    state: NotRequired[JsonObject]
    quota: NotRequired[JsonObject]
    auth: NotRequired[AuthManifest]
    authConfig: NotRequired[JsonObject]
    inPorts: NotRequired[_Ports]
    outPorts: NotRequired[_Ports]
    properties: NotRequired[PropertiesManifest]
    marker: NotRequired[str]
    shape: NotRequired[str]
    localization: NotRequired[JsonObject]
    dependencies: NotRequired[JsonObject]


class _About(TypedDict):
    label: NotRequired[str]
    category: NotRequired[str]
    description: NotRequired[str]
    icon: NotRequired[str]
    version: NotRequired[str]


class _ServiceManifest(_About):
    name: Annotated[str, _name(1, 1)]


class _ModuleManifest(_About):
    name: Annotated[str, _name(2, 2)]


class _BundleManifest(_About):
    name: Annotated[str, _name(1, 2)]


class ManifestProblem(TypedDict):
    """One thing that is wrong with a file, in the form of the validator that Appmixer uses."""

    keyword: str
    dataPath: str
    schemaPath: str
    params: JsonObject
    message: str


_SHAPES: Mapping[Kind, type] = {
    "component": ComponentManifest,
    "module": _ModuleManifest,
    "service": _ServiceManifest,
    "bundle": _BundleManifest,
}
_KEYWORDS = {
    "missing": "required", "string_pattern_mismatch": "pattern", "string_too_long": "maxLength",
    "too_long": "maxItems",
}  # fmt: skip
_UNION_BRANCHES = frozenset(("PortManifest", "constrained-str", "str"))


def problems(kind: Kind, manifest: Json, where: str) -> list[ManifestProblem]:
    """Return what is wrong with a manifest, the first things; empty when it can be published.

    Args:
        kind: What it should describe.
        manifest: Any JSON value.
        where: The file's path, with which each message begins.
    """
    try:
        _shape(kind).validate_python(manifest, strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        return list(islice(_told(found, where), MOST_PROBLEMS))
    if kind != "component":
        return []
    return [
        _problem("uniqueItems", f".{side}", f"{where}: {side} has two ports named {name!r}.")
        for side in ("inPorts", "outPorts")
        for name in _repeated(manifest.get(side, ()))
    ]


@cache
def _shape(kind: Kind) -> TypeAdapter[Any]:
    return TypeAdapter(_SHAPES[kind])


def _told(errors: Iterable[ErrorDetails], where: str) -> Iterator[ManifestProblem]:
    for error in errors:
        parts = [part for part in error["loc"] if part not in _UNION_BRANCHES]
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
        keyword = _KEYWORDS.get(error["type"], "type")
        yield _problem(keyword, path, f"{where}: {path.lstrip('.') or 'file'}: {error['msg']}")


def _problem(keyword: str, path: str, message: str) -> ManifestProblem:
    return {
        "keyword": keyword,
        "dataPath": path,
        "schemaPath": f"#/{keyword}",
        "params": {},
        "message": message,
    }


def _repeated(ports: Iterable[str | PortManifest]) -> list[str]:
    names = Counter(port if isinstance(port, str) else port["name"] for port in ports)
    return [name for name, count in names.items() if count > 1]

"""The two descriptions of Appmixer's API, and what the sandbox serves of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from appmixer_mcp.sandbox.app import endpoints
from appmixer_mcp.sandbox.openapi import document
from appmixer_mcp.sandbox.routes.endpoint import Endpoint

_HERE = Path(__file__).parent
PUBLIC_URL = "http://127.0.0.1:2200"
Dialect = Literal["appmixer", "openapi"]

LEFT_OUT: Mapping[str, str] = {}
"""Operations of the contract that a tenant must serve -> why the sandbox leaves them out."""
MORE = frozenset(
    (
        "POST /user/reset-password",
        "GET /users",
        "GET /users/count",
        "GET /users/{userId}",
        "PUT /users/{userId}",
        "DELETE /users/{userId}",
        "GET /users/{userId}/delete-status/{ticket}",
        "POST /public-files",
        "DELETE /public-files/{filename}",
    )
)
"""Operations of administrators and unconfirmed ones that are served all the same."""


@dataclass(frozen=True)
class Operation:
    """One method of one path, as a document has it."""

    method: str
    """In capitals."""
    path: str
    told: Mapping[str, Any]

    @property
    def name(self) -> str:
        """`GET /flows/{flowId}`."""
        return f"{self.method} {self.path}"

    @property
    def shape(self) -> str:
        """The name without the names of the path's parts, which differ between documents."""
        return shape(self.method, self.path)

    @property
    def is_asked_for(self) -> bool:
        """Whether a tenant must serve it: no administration, and seen to exist."""
        return not (self.told.get("x-admin") or self.told.get("x-unconfirmed"))

    @property
    def why_left_out(self) -> str:
        """Say why the sandbox does not serve it; empty when there is no reason."""
        if "Billing" in self.told["tags"]:
            return "billing"
        if self.told.get("x-admin"):
            return "administration"
        return LEFT_OUT.get(self.name, "" if self.is_asked_for else "unconfirmed")

    def aliases(self) -> Iterator[str]:
        """Give the shapes of the other paths of the same operation."""
        told: str | list[str] = self.told.get("x-alias", [])
        for alias in [told] if isinstance(told, str) else told:
            method, path = alias.split()[:2]
            yield shape(method, path)

    def parameters(self, place: str) -> set[str]:
        """Return the names of the parameters in `path` or `query`."""
        return {one["name"] for one in self.told.get("parameters", ()) if one["in"] == place}

    def statuses(self) -> set[str]:
        """Return the documented statuses, `default` left out."""
        return set(self.told["responses"]) - {"default"}

    def media_types(self) -> set[str]:
        """Return the documented media types of the body; empty when none is read."""
        return set(self.told.get("requestBody", {}).get("content", ()))


def shape(method: str, path: str) -> str:
    """Return what tells operations apart: `GET /flows/{}`."""
    parts = ("{}" if part.startswith("{") else part for part in path.split("/"))
    return f"{method} {'/'.join(parts)}"


@cache
def contract() -> dict[str, Any]:
    """Return the API as clients use it: what the documentation says, and what was observed."""
    return _loaded("appmixer.yaml")


@cache
def vendors() -> dict[str, Any]:
    """Return the operations of Appmixer's own OpenAPI document."""
    return _loaded("vendor.yaml")


@cache
def ours(dialect: Dialect) -> dict[str, Any]:
    """Return the sandbox's own description, as `/openapi.json` serves it."""
    return document(endpoints(), public_url=PUBLIC_URL, dialect=dialect)


def operations(told: Mapping[str, Any]) -> Iterator[Operation]:
    """Return the operations of a document, in its order."""
    for path, methods in told["paths"].items():
        for method, one in methods.items():
            yield Operation(method.upper(), path, one)


@cache
def served() -> dict[str, Endpoint]:
    """Return the sandbox's endpoints by their shape."""
    return {shape(one.method, one.path): one for _, one in endpoints()}


@cache
def component_types() -> dict[str, str]:
    """Return every known component type, with why the sandbox has none of it or an empty text."""
    lines = (_HERE / "components.txt").read_text("utf-8").splitlines()
    pairs = (line.partition(" | ") for line in lines if not line.startswith("#"))
    return {component_type: why for component_type, _, why in pairs}


def _loaded(name: str) -> dict[str, Any]:
    # The loader in C takes a sixth of the time.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load((_HERE / name).read_text("utf-8"), loader)  # noqa: S506 - safe
    return found

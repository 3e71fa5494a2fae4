"""What the tenant has to build flows of: the component library, and what users have published."""

import difflib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import NotRequired, cast

from typing_extensions import TypedDict

from appmixer_mcp import __version__
from appmixer_mcp.sandbox import components
from appmixer_mcp.sandbox.component_manifest import ComponentManifest
from appmixer_mcp.sandbox.custom_components import OWN_SERVICE, Manifest, is_published, published
from appmixer_mcp.sandbox.database import Database

_MOST_SEARCHES = 20
_OWN_APPS = {
    "agenttools": ("Agent Tools", "Make a chain of components a tool."),
    "appevents": ("App Events", "Begin a flow with what your application reports."),
    "controls": ("Flow Controls", "Begin, branch, loop, join and set variables."),
    "converters": ("Converters", "Turn files of one format into another."),
    "csv": ("CSV", "Read and change tables in CSV files."),
    "email": ("Email", "Write mails, which the sandbox keeps in its outbox."),
    "files": ("Files", "Save, load, download and delete files."),
    "filters": ("Filters", "Let messages through that meet a condition."),
    "forms": ("Forms", "Show a form and go on with what was entered."),
    "http": ("HTTP", "Call web services and be called by them."),
    "mcptools": ("MCP Tools", "Offer tools to assistants."),
    "rss": ("RSS", "Read news feeds."),
    "storage": ("Data Stores", "Read and change records in data stores."),
    "subflows": ("Subflows", "Call one flow from another."),
    "tasks": ("People Tasks", "Ask a person to approve something."),
    "test": ("Test", "Assert what a flow has done."),
    "timers": ("Timers", "Begin a flow at set times, or let it wait."),
    "xml": ("XML", "Read, write and check XML."),
}


class App(TypedDict):
    """A service, or one module of a service that has several."""

    name: str
    label: str
    category: str
    description: str
    icon: NotRequired[str]


class Bundle(TypedDict):
    """A set of components that is installed as one."""

    bundleId: str
    id: str
    name: str
    version: str
    bundleVersion: str
    currentVersion: str
    latestVersion: str


class Catalogue:
    """What one caller sees.

    Args:
        database: Knows what is published.
        published: Whether published components are seen beside the tenant's own.
        private: Whether private components are seen.
    """

    def __init__(self, database: Database, *, published: bool, private: bool) -> None:
        self._database = database
        self._published = published
        self._private = private

    async def manifests(self, selector: str = "") -> list[ComponentManifest]:
        """Return the manifests that a selector names, by type; all when it is empty.

        Args:
            selector: `vendor.service[.module[.Component]]`, with or without `.*` at its end.
        """
        prefix = selector.rstrip(".*")

        def read(connection: sqlite3.Connection) -> list[ComponentManifest]:
            found = [*_own(), *_custom(self._manifests(connection))]
            return sorted(
                (one for one in found if self._shows(one) and names(prefix, one["name"])),
                key=lambda one: one["name"],
            )

        return await self._database.read(read)

    async def apps(self) -> list[App]:
        """Return the apps that have a component which the caller sees, by name."""

        def read(connection: sqlite3.Connection) -> list[App]:
            manifests = self._manifests(connection)
            described = {
                one.selector: one for one in manifests if one.kind in ("service", "module")
            }
            seen = [one["name"] for one in (*_own(), *_custom(manifests)) if self._shows(one)]
            found = {_app_name(one, described): None for one in sorted(seen)}
            return [_app(name, described.get(name)) for name in found]

        return await self._database.read(read)

    async def bundles(self) -> list[Bundle]:
        """Return the bundles by name, those of the tenant's own modules among them."""

        def read(connection: sqlite3.Connection) -> list[Bundle]:
            versions = {
                one.selector: str(one.body.get("version", ""))
                for one in self._manifests(connection)
                if one.kind == "bundle"
            }
            versions |= {_module(one["name"]): __version__ for one in _own()}
            return [_bundle(name, versions[name]) for name in sorted(versions)]

        return await self._database.read(read)

    def _manifests(self, connection: sqlite3.Connection) -> list[Manifest]:
        return published(connection) if self._published else []

    def _shows(self, manifest: ComponentManifest) -> bool:
        return self._private or not manifest.get("private")


def names(selector: str, component_type: str) -> bool:
    """Say whether a selector names a component type; the empty one names all."""
    return not selector or f"{component_type}.".startswith(f"{selector}.")


def is_own(selector: str) -> bool:
    """Say whether a selector names components that the sandbox itself brings."""
    return any(names(selector, component.type) for component in components.every())


def why_not(database: Database) -> Callable[[str], str]:
    """Return what says, of a component type that cannot run, why it cannot.

    Names like it are looked for only so often: a descriptor may hold thousands of unknown types.
    """
    searches = iter(range(_MOST_SEARCHES))

    def explain(component_type: str) -> str:
        if is_published(database, component_type):
            return (
                f"{component_type} is a component that a user has published. The sandbox keeps "
                "its description, but does not execute its JavaScript: run this flow on an "
                "Appmixer tenant, or use another component here."
            )
        if next(searches, None) is None:
            return _unknown(component_type)
        return unknown_type(component_type)

    return explain


def unknown_type(component_type: str) -> str:
    """Return that there is no such component type, and which ones have names like it."""
    message = _unknown(component_type)
    known = {one.type.lower(): one.type for one in components.every()}
    near = difflib.get_close_matches(component_type.lower(), known, n=3, cutoff=0.75)
    return f"{message} Did you mean {' or '.join(known[one] for one in near)}?" if near else message


def _unknown(component_type: str) -> str:
    return f"The sandbox has no component of the type {component_type!r}."


def _own() -> Iterator[ComponentManifest]:
    for component in components.every():
        yield cast("ComponentManifest", component.manifest())


def _custom(manifests: Iterable[Manifest]) -> Iterator[ComponentManifest]:
    for manifest in manifests:
        if manifest.kind == "component":
            yield cast("ComponentManifest", manifest.body)


def _app_name(component_type: str, described: dict[str, Manifest]) -> str:
    """Return the app that a component belongs to: its module where that is described, as ours are.

    Source: documented, as "services or modules".
    """
    service, module = ".".join(component_type.split(".")[:2]), _module(component_type)
    is_app = service == OWN_SERVICE or module in described or is_own(module)
    return module if is_app else service


def _module(component_type: str) -> str:
    return ".".join(component_type.split(".")[:3])


def _app(name: str, described: Manifest | None) -> App:
    last = name.rpartition(".")[2]
    if described is None:
        is_own_app = name.startswith(f"{OWN_SERVICE}.") or is_own(name)
        label, description = _OWN_APPS.get(last, (last.capitalize(), "")) if is_own_app else (
            last.capitalize(), ""
        )  # fmt: skip
        category = "utilities" if is_own_app else "applications"
        return {"name": name, "label": label, "category": category, "description": description}
    body = described.body
    app: App = {
        "name": name,
        "label": body.get("label") or last.capitalize(),
        "category": body.get("category") or "applications",
        "description": body.get("description") or "",
    }
    if body.get("icon"):
        app["icon"] = body["icon"]
    return app


def _bundle(name: str, version: str) -> Bundle:
    return {
        "bundleId": name,
        "id": name,
        "name": name,
        "version": version,
        "bundleVersion": version,
        "currentVersion": version,
        "latestVersion": version,
    }

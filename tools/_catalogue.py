"""What a tenant has to build flows of, looked up once and kept for a while for each user.

A tenant may have thousands of component types, and manifests of megabytes with their icons. So
types and apps are listed, and manifests are read of those apps alone that a search is about.
"""

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from appmixer_mcp.errors import InputError, NotFoundError, UnexpectedAnswerError
from appmixer_mcp.toolset import ToolContext

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.components import App, ComponentManifest

CORE = "appmixer.utils"
"""The service of which every flow needs something, searched whatever was asked for."""

_KEPT_S = 300.0
_MOST_KEPT = 64  # users
_MOST_APPS = 6  # read for one search
_LONGEST_DESCRIPTION = 300
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")
_UNTELLING = (
    "a an and are as at by do for from how i in is it of on or that the this to what when with "
    "component components"
)
_SAID_AS = {
    "if": "condition filter", "branch": "condition switch", "check": "condition", "loop": "each",
    "iterate": "each", "foreach": "each", "cron": "scheduler", "daily": "scheduler timer",
    "hourly": "scheduler timer", "day": "scheduler", "every": "scheduler each", "api": "http",
    "rest": "http", "web": "http", "request": "http",
    "call": "http", "service": "http", "wait": "timers", "delay": "wait",
    "database": "storage", "table": "csv storage", "save": "set file", "mail": "email",
    "compare": "condition filter", "human": "tasks", "person": "tasks", "stop": "stopflow",
}  # fmt: skip
"""What people say -> what components that do it are called."""
_ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ed", "es", "als", "al", "e", "s", "y")
_SHORTEST_STEM = 3
_FIRST_LETTERS = 4


@dataclass(frozen=True)
class Component:
    """What is kept of a component type."""

    type: str
    label: str = ""
    description: str = ""
    is_trigger: bool = False


@dataclass
class Catalogue:
    """What one user of a tenant sees; filled as far as somebody asked."""

    until_s: float
    types: dict[str, str]
    """Component type -> label, empty where the list does not tell it."""
    apps: "list[App]"
    read: dict[str, Component] = field(default_factory=dict[str, Component])
    """Those of which the manifest was read."""
    apps_read: set[str] = field(default_factory=set[str])

    def app_of(self, component_type: str) -> str:
        """Return the name of the app that a component belongs to."""
        parts = component_type.split(".")
        module = ".".join(parts[:3])
        return module if module in self._names else ".".join(parts[:2])

    def components(self) -> Iterator[Component]:
        """Yield every component type, with what is known of it."""
        for name, label in self.types.items():
            yield self.read.get(name) or Component(name, label)

    async def describe(self, client: "AppmixerClient", app: str) -> None:
        """Read the manifests of an app, unless that was done; of none where it has none."""
        if app in self.apps_read:
            return
        try:
            found = await client.components.list_app_components(app)
        except (NotFoundError, InputError, UnexpectedAnswerError):  # the last: too large
            found = []
        self.apps_read.add(app)
        self.read |= {one.name: _kept(one) for one in found if one.name in self.types}

    @cached_property
    def _names(self) -> set[str]:
        return {app.name for app in self.apps}


_catalogues: dict[str, Catalogue] = {}
"""Principal -> what that user sees, the longest kept first."""


async def catalogue(ctx: ToolContext) -> Catalogue:
    """Return what the caller sees; not older than five minutes."""
    now_s = time.monotonic()
    kept = _catalogues.get(ctx.session.principal)
    if kept is not None and kept.until_s > now_s:
        return kept
    client = await ctx.client()
    types = {
        one.component_type: one.label or "" for one in await client.components.list_components()
    }
    made = Catalogue(now_s + _KEPT_S, types, await client.components.list_apps())
    forget(ctx)
    _catalogues[ctx.session.principal] = made
    while len(_catalogues) > _MOST_KEPT:
        del _catalogues[next(iter(_catalogues))]
    return made


def forget(ctx: ToolContext) -> None:
    """Look again next time, because the caller changed what there is."""
    _catalogues.pop(ctx.session.principal, None)


async def search(ctx: ToolContext, text: str) -> list[Component]:
    """Return the component types that do what a text says, the best first; empty when none does."""
    wanted = _wanted(text)
    if not wanted:
        return []
    known, client = await catalogue(ctx), await ctx.client()
    for app in _promising(known, wanted):
        ctx.progress(f"reads the components of {app}")
        await known.describe(client, app)
    described = {app.name: f"{app.label or ''} {app.name}" for app in known.apps}
    scored: list[tuple[int, int, str, Component]] = []
    for one in known.components():
        app = described.get(known.app_of(one.type), one.type.rpartition(".")[0])
        name = f"{one.label} {one.type.rpartition('.')[2]}"
        score = _score(wanted, ((name, 6), (app, 3), (one.description, 2)))
        if score:
            # Of equals the one with the shorter name: it is the more general.
            scored.append((-score, len(name), one.type, one))
    return [one for *_, one in sorted(scored, key=lambda found: found[:3])]


def _promising(known: Catalogue, wanted: frozenset[str]) -> list[str]:
    """Return the few apps that a search may be about, that of every flow first."""
    scores: dict[str, int] = {}
    for app in known.apps:
        places = ((app.label or "", 6), (app.name, 6), (app.category or "", 1))
        scores[app.name] = _score(wanted, (*places, (app.description or "", 2)))
    for name in known.types:
        app_name = known.app_of(name)
        scores[app_name] = scores.get(app_name, 0) + _score(wanted, ((name, 1),))
    others = [one for one in scores if not f"{one}.".startswith(f"{CORE}.")]
    best = sorted((one for one in others if scores[one]), key=lambda one: (-scores[one], one))
    few = others if len(others) <= _MOST_APPS else best[:_MOST_APPS]
    has_core = any(name.startswith(f"{CORE}.") for name in known.types)
    return [CORE, *few] if has_core else few


def _wanted(text: str) -> frozenset[str]:
    words = _stems(text)
    return words - _stems(_UNTELLING) or words


def _score(wanted: frozenset[str], places: Iterable[tuple[str, int]]) -> int:
    """Return how well texts fit: for each word the best place, twice over when it is there whole.

    Args:
        wanted: Stems.
        places: Texts, each with how much it counts.
    """
    weighed = [(_stems(text), weight) for text, weight in places]
    found = [max(_fit(word, stems) * weight for stems, weight in weighed) for word in wanted]
    return sum(found) * (1 + sum(one > 0 for one in found))


def _fit(word: str, stems: frozenset[str]) -> int:
    if word in stems:
        return 2
    if not _also(word).isdisjoint(stems):
        return 1
    begins = len(word) >= _FIRST_LETTERS and any(
        stem.startswith(word) or (len(stem) >= _FIRST_LETTERS and word.startswith(stem))
        for stem in stems
    )
    return 1 if begins else 0


@lru_cache(maxsize=1_000)
def _also(word: str) -> frozenset[str]:
    said = (also for one, also in _SAID_AS.items() if _stem(one) == word)
    return _stems(" ".join(said))


@lru_cache(maxsize=10_000)
def _stems(text: str) -> frozenset[str]:
    return frozenset(_stem(one.lower()) for one in _WORD.findall(text))


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word.removesuffix(ending)
    return word


def _kept(manifest: "ComponentManifest") -> Component:
    return Component(
        type=manifest.name,
        label=manifest.label or "",
        description=(manifest.description or "")[:_LONGEST_DESCRIPTION],
        is_trigger=is_trigger(manifest),
    )


def is_trigger(manifest: "ComponentManifest") -> bool:
    """Say whether a component type begins a flow."""
    said = manifest.model_extra or {}
    return bool(said.get("trigger")) or not said.get("inPorts")

"""The component library: one file for each component, found by its name.

`appmixer.utils.controls.JoinEach` lives in `controls_join_each.py` as `COMPONENT`; the names of
files for other services begin with the service. To add one, add a file; nothing lists them.
"""

import pkgutil
import re
from functools import lru_cache
from importlib import import_module, util

from appmixer_mcp.sandbox.component import Component

_FILES = {"appmixer.utils.": "", "appmixer.ai.": "ai_"}
"""How the names of the files of a service begin."""
_WORDS = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*")


@lru_cache(maxsize=1_000)  # names come from descriptors, of which there is no end
def find(component_type: str) -> Component | None:
    """Return the component of a type, or None when the sandbox has none of that name."""
    service = next((one for one in _FILES if component_type.startswith(one)), None)
    if service is None:
        return None
    module, _, name = component_type.removeprefix(service).partition(".")
    if not (module.isidentifier() and name.isidentifier()) or module.startswith("_"):
        return None
    file_name = _FILES[service] + "_".join(
        (module, *(word.lower() for word in _WORDS.findall(name)))
    )
    if util.find_spec(f"{__name__}.{file_name}") is None:
        return None
    component: Component = import_module(f"{__name__}.{file_name}").COMPONENT
    return component if component.type == component_type else None


def every() -> list[Component]:
    """Return every component of the library, by type."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if module.name[0] != "_"]
    found: list[Component] = [import_module(f"{__name__}.{name}").COMPONENT for name in names]
    return sorted(found, key=lambda component: component.type)

"""Where tools/ and prompts/ are: beside the package in a checkout, inside it in a wheel."""

import pkgutil
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Return the folder `name` of the wheel, or of the checkout when the wheel has none."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def load_modules(name: str) -> list[ModuleType]:
    """Import every public module of a folder, as `appmixer_mcp.<name>.<module>`, in name order.

    Raises:
        ImportError: A module does not import; none is ever skipped.
    """
    package = ModuleType(f"{__package__}.{name}")
    package.__path__ = [str(folder(name))]
    package = sys.modules.setdefault(package.__name__, package)
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return [import_module(f"{package.__name__}.{n}") for n in names if not n.startswith("_")]

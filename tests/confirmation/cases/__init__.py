"""One case for each way in which a tool destroys or decides something; one file a part."""

from importlib import import_module
from pkgutil import iter_modules

from tests.confirmation.case import Case

CASES: tuple[Case, ...] = tuple(
    case
    for module in iter_modules(__path__, f"{__name__}.")
    for case in import_module(module.name).CASES
)

"""Small edits of a flow descriptor: a list of operations, all carried out or none.

Everything here is pure: `edit` takes a descriptor and gives back another one, and what it was given
stays as it is. What does not change is the same in both, down to the order of its keys.
"""

from .component_types import ComponentType, component_type
from .draft import Edited
from .operations import OPERATIONS, edit, types_named
from .readable import readable, readable_diff

__all__ = [
    "OPERATIONS",
    "ComponentType",
    "Edited",
    "component_type",
    "edit",
    "readable",
    "readable_diff",
    "types_named",
]

"""The values that a flow's descriptor itself gives to fields and properties of a component."""

from collections.abc import Mapping

from appmixer_mcp.descriptor import link_transforms
from appmixer_mcp.sandbox.components._inputs import as_object
from appmixer_mcp.sandbox.context import Json


def static_field(entry: Mapping[str, Json], name: str) -> Json:
    """Return what the first transform that fills a field puts there; None when none does.

    Args:
        entry: A component's entry in the descriptor.
        name: The field of any of its in ports. Its text may hold placeholders.
    """
    filled = (as_object(transform.get("lambda")) for _, transform in link_transforms(entry))
    return next((fields[name] for fields in filled if name in fields), None)


def static_property(entry: Mapping[str, Json], name: str) -> Json:
    """Return a property of a component's entry in the descriptor; None when it is not set."""
    properties = as_object(as_object(entry.get("config")).get("properties"))
    return properties.get(name)

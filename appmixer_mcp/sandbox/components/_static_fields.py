"""What a descriptor says about a field without the flow having to run."""

from collections.abc import Iterator, Mapping

from appmixer_mcp.sandbox.components._inputs import as_object
from appmixer_mcp.sandbox.context import Json


def static_field(entry: Mapping[str, Json], name: str) -> Json:
    """Return what the first transform that fills a field puts there; None when none does.

    Args:
        entry: A component's entry in the descriptor.
        name: The field of any of its in ports. Its text may hold placeholders.
    """
    return next((fields[name] for fields in _lambdas(entry) if name in fields), None)


def static_property(entry: Mapping[str, Json], name: str) -> Json:
    """Return a property of a component's entry in the descriptor; None when it is not set."""
    properties = as_object(as_object(entry.get("config")).get("properties"))
    return properties.get(name)


def _lambdas(entry: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    transforms = as_object(as_object(entry.get("config")).get("transform"))
    for senders in transforms.values():
        for out_ports in as_object(senders).values():
            for transform in as_object(out_ports).values():
                yield as_object(as_object(transform).get("lambda"))

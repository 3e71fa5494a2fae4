"""Records of data stores in the shapes in which the storage components send them."""

from collections.abc import Mapping

from appmixer_mcp.sandbox.context import Json

READ = ("key", "value", "createdAt", "updatedAt")
WRITTEN = ("key", "oldValue", "newValue", "createdAt", "updatedAt")


def read(record: Mapping[str, Json]) -> dict[str, Json]:
    """Return a record as it is sent when it was looked up."""
    return {name: record[name] for name in READ}


def written(record: Mapping[str, Json]) -> dict[str, Json]:
    """Return a record as it is sent when it was written."""
    return {name: record["value" if name == "newValue" else name] for name in WRITTEN}

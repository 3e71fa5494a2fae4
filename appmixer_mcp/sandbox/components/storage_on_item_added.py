"""OnItemAdded: triggers when a record was added to a data store."""

from appmixer_mcp.sandbox.components._store_triggers import store_item_component

COMPONENT = store_item_component("OnItemAdded", "insert")

"""OnItemUpdated: triggers when a record was changed in a data store."""

from appmixer_mcp.sandbox.components._store_triggers import store_item_component

COMPONENT = store_item_component("OnItemUpdated", "update")

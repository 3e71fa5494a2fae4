"""The named selections of tools that `APPMIXER_TOOLSETS` takes, beside groups and single tools."""

SDK = (
    "authenticate_user", "signup_user", "get_user", "configure_session", "get_session",
    "list_flows", "count_flows", "get_flow", "create_flow", "update_flow", "clone_flow",
    "delete_flow", "start_flow", "stop_flow", "get_flow_authentication",
    "list_stores", "get_store", "create_store", "rename_store", "delete_store",
    "count_store_records", "list_store_records", "create_store_item", "delete_store_items",
    "list_accounts", "create_account", "list_component_accounts", "list_account_flows",
    "set_account_name",
    "query_logs", "get_log",
    "list_tasks", "count_tasks", "get_task", "approve_task", "reject_task",
    "list_charts", "get_chart", "delete_chart",
)  # fmt: skip
"""One tool for each method of Appmixer's SDK."""
DEFAULT = (*SDK, "edit_flow", "validate_flow", "diagnose_flow", "undo_change")
CORE = (
    "get_session",
    "list_flows", "get_flow", "create_flow", "edit_flow", "validate_flow", "test_flow",
    "start_flow", "stop_flow", "delete_flow",
    "diagnose_flow", "query_logs", "get_run", "wait_for_logs",
    "list_stores", "list_store_records", "create_store_item",
    "list_accounts", "assign_account",
    "list_tasks", "approve_task", "reject_task",
    "search_components", "get_component",
    "undo_change",
)  # fmt: skip
"""What building and repairing flows takes, for clients that are sparing with tools."""
PRESETS = {"default": DEFAULT, "sdk": SDK, "core": CORE}
"""Preset -> its tools; `all` is every group but those that must be named."""
GATEWAY = "gateway"
"""The group of tools that flows publish. Strangers write them, so it is served only if named."""
GROUPS = (
    "session", "flows", "stores", "accounts", "logs", "tasks", "charts",
    "authoring", "diagnosis", "changes", "versions", "transfer", "components", "messages",
    "files", "events", "users", GATEWAY,
)  # fmt: skip
"""In which order groups are listed: those of the SDK first; one that is not here comes last."""

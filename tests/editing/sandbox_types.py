"""What edits know of the sandbox's component types."""

from appmixer_mcp.editing import component_type
from appmixer_mcp.sandbox import components

ON_START, WEBHOOK, CONDITION, JOIN, GET, RESPONSE, JOIN_EACH, SET, EACH = (
    f"appmixer.utils.{name}"
    for name in (
        "controls.OnStart", "http.WebhookTrigger", "controls.Condition", "controls.Join",
        "http.Get", "http.Response", "controls.JoinEach", "storage.Set", "controls.Each",
    )
)  # fmt: skip


def known(*names):
    """Return what is known of these types, as `edit` takes it; None for one that there is not."""
    found = {name: components.find(name) for name in names}
    return {name: one and component_type(one.manifest()) for name, one in found.items()}


TYPES = known(ON_START, WEBHOOK, CONDITION, JOIN, GET, RESPONSE, JOIN_EACH, SET, EACH)

"""What the same change of a flow costs in tokens: as a few operations, and as a new descriptor."""

import tempfile
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from bench.measurement import TIMES, Measurement, Target
from bench.stdio_server import Object, StdioServer
from bench.tokens import count

COMPONENTS = 30
_SETTINGS = {"APPMIXER_TOOLSETS": "default", "APPMIXER_MAX_RESULT_BYTES": "1000000"}
_OPERATIONS = [
    {
        "op": "insert", "type": "appmixer.utils.controls.Condition", "label": "Large?",
        "from": "Step 11", "to": "Step 12", "out_port": "true",
        "fields": {"expression": {"AND": [{"OR": [
            {"input": "{{Orders.request.data.total}}", "operator": ">", "value": 1000}
        ]}]}},
    },
    {
        "op": "set", "component": "Step 20",
        "fields": {"url": "https://shop.example.com/v2/orders/{{Orders.request.data.id}}"},
    },
]  # fmt: skip


class _Spent:
    """Calls tools, and counts the tokens that arguments and results take."""

    def __init__(self, server: StdioServer) -> None:
        self._server = server
        self.sent = 0
        self.got = 0

    def __call__(self, tool: str, **arguments: Any) -> Object:
        result = self._server.call_tool(tool, arguments)
        if result.get("done") is False:
            raise RuntimeError(f"{tool} did nothing: {result['message']}")
        self.sent += count(arguments)
        self.got += count(result)
        return result

    @property
    def tokens(self) -> int:
        return self.sent + self.got

    def __str__(self) -> str:
        return f"{self.tokens:,} ({self.sent:,} in, {self.got:,} out)"


def measure() -> list[Measurement]:
    """Change two copies of a flow, each in one of the two ways, to the same flow."""
    with (
        tempfile.TemporaryDirectory() as data_dir,
        StdioServer(["appmixer_mcp"], {**_SETTINGS, "APPMIXER_DATA_DIR": data_dir}) as server,
    ):
        server.initialize()
        made = [
            server.call_tool("create_flow", {"name": "Orders", "descriptor": _descriptor()})
            for _ in range(2)
        ]
        edited_id, updated_id = (str(one["flow_id"]) for one in made)
        looked, listed, edited, updated = (_Spent(server) for _ in range(4))
        version = looked("get_flow", flow_id=edited_id, detail="summary")["version"]
        listed("get_flow", flow_id=edited_id)
        edited("edit_flow", flow_id=edited_id, base_version=version, operations=_OPERATIONS)
        wanted = server.call_tool("get_flow", {"flow_id": edited_id, "detail": "descriptor"})
        updated("get_flow", flow_id=updated_id, detail="descriptor")
        updated("update_flow", flow_id=updated_id, descriptor=wanted["descriptor"])
        updated_flow = server.call_tool("get_flow", {"flow_id": updated_id, "detail": "descriptor"})
        if updated_flow["version"] != wanted["version"]:
            raise RuntimeError("The two ways did not end at the same flow.")
    cheap = looked.tokens + edited.tokens
    return [
        Measurement(
            name=f"Tokens of one change of {COMPONENTS} components, `edit_flow`",
            value=updated.tokens / cheap,
            unit=f"{TIMES} fewer",
            target=Target("≥", 20),
            details=f"`get_flow` and `update_flow` {updated}; `edit_flow` {edited}, after "
            f"`get_flow` without components {looked}, or with them {listed}",
        )
    ]


def _descriptor() -> Object:
    """Return a flow of a webhook and requests behind each other, with their fields."""
    ids = [str(uuid5(NAMESPACE_URL, str(number))) for number in range(COMPONENTS)]
    hook: Object = {
        "type": "appmixer.utils.http.WebhookTrigger", "label": "Orders", "x": 64, "y": 16,
        "source": {}, "config": {"properties": {"immediateResponse": True}},
    }  # fmt: skip
    flow: Object = {ids[0]: hook}
    for number in range(1, COMPONENTS):
        sender, port = ids[number - 1], "request" if number == 1 else "response"
        bindings = [str(uuid5(NAMESPACE_URL, f"{number} {field}")) for field in ("url", "body")]
        url, body = bindings
        transform: Object = {
            "type": "json2new",
            "lambda": {
                "url": f"https://shop.example.com/orders/{{{{{{{url}}}}}}}/{number}",
                "body": f"{{{{{{{body}}}}}}}",
            },
            "modifiers": {
                "url": {url: {"variable": f"$.{ids[0]}.request.data.id", "functions": []}},
                "body": {body: {"variable": f"$.{sender}.{port}", "functions": []}},
            },
        }
        flow[ids[number]] = {
            "type": "appmixer.utils.http.Post", "label": f"Step {number}",
            "x": 64 + 192 * number, "y": 16, "source": {"in": {sender: [port]}},
            "config": {"transform": {"in": {sender: {port: transform}}}},
        }  # fmt: skip
    return flow

"""The MCP gateways that a user's flows, or programs, have announced, and who is told of them."""

import json
from functools import partial
from typing import NotRequired
from uuid import uuid4

from typing_extensions import TypedDict

from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.streams import Streams


class GatewayFunction(TypedDict):
    """What a gateway's tool is called, and takes."""

    name: str
    description: NotRequired[str]
    parameters: NotRequired[dict[str, Json]]


class GatewayTool(TypedDict):
    """One tool of a gateway."""

    type: NotRequired[str]
    function: NotRequired[GatewayFunction]


class Gateway(TypedDict):
    """A component whose tools an MCP server can offer."""

    gatewayId: NotRequired[str]
    flowId: NotRequired[str]
    componentId: NotRequired[str]
    webhook: NotRequired[str]
    tools: NotRequired[list[GatewayTool]]


class UserGateways:
    """The gateways of one user; nobody else's exist for it."""

    def __init__(self, database: Database, streams: Streams, user_id: str) -> None:
        self._database = database
        self._streams = streams
        self._user_id = user_id

    def every(self) -> list[Gateway]:
        """Return the gateways in the order in which they were first announced."""
        rows = self._database.rows(
            "SELECT * FROM gateway WHERE user_id = ? ORDER BY seq", (self._user_id,)
        )
        return [json.loads(row["body_json"]) for row in rows]

    def announce(self, gateway: Gateway) -> Gateway:
        """Keep a gateway, in place of one with its id, and return it.

        Its id is its own, or else that of its component, or else a new one (ours).
        """
        gateway_id = gateway.get("gatewayId") or gateway.get("componentId") or str(uuid4())
        kept = gateway.copy()
        kept["gatewayId"] = gateway_id
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO gateway (user_id, gateway_id, body_json) VALUES (?, ?, ?)"
                " ON CONFLICT (user_id, gateway_id) DO UPDATE SET body_json = excluded.body_json",
                (self._user_id, gateway_id, dumps(kept)),
            )
            self._tell("gateway-add", kept)
        return kept

    def retract(self, gateway_id: str) -> None:
        """Forget a gateway.

        Raises:
            NotFoundError: This user has announced none with this id.
        """
        with self._database.transaction() as connection:
            deleted = connection.execute(
                "DELETE FROM gateway WHERE user_id = ? AND gateway_id = ?",
                (self._user_id, gateway_id),
            )
            if not deleted.rowcount:
                raise NotFoundError("There is no gateway with this id.")
            self._tell("gateway-delete", {"gatewayId": gateway_id})

    def retract_all_of(self, flow_id: str) -> None:
        """Forget the gateways of a flow, whose webhooks answer no more; in a transaction."""
        gone = [one for one in self.every() if one.get("flowId") == flow_id]
        for gateway in gone:
            self.retract(gateway.get("gatewayId", ""))

    def _tell(self, kind: str, gateway: Gateway) -> None:
        event = {"type": kind, "data": gateway}
        topic = topic_of(self._user_id)
        self._database.after_commit(partial(self._streams.publish, topic, event))


def topic_of(user_id: str) -> str:
    """Return the topic of the streams that tells of a user's gateways."""
    return f"gateways:{user_id}"

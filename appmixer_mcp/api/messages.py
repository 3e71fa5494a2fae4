"""Messages that flows could not process."""

from appmixer_mcp.errors import NotFoundError

from .call import Call, no_such, path, query
from .dialect import count_pages, cut
from .models.base import FlowId, MessageId
from .models.messages import UnprocessedMessage
from .resource import Resource

MOST_COUNTED = 1000
"""Where `count_unprocessed` stops: beyond it only "very many" matters, and each page is large."""


class Messages(Resource):
    """Unprocessed messages of the flows that the signed-in user may see."""

    async def list_unprocessed(
        self, flow_id: FlowId | None = None, limit: int | None = None, offset: int | None = None
    ) -> list[UnprocessedMessage]:
        """Return one page of unprocessed messages; empty when there are none.

        Args:
            flow_id: Only this flow's.
            limit: Page size; the API's own default is 100.
            offset: Index of the first message, from 0.
        """
        if not self._openapi:
            asked = query({"flowId": flow_id, "limit": limit, "offset": offset})
            call = Call("GET", path("unprocessed-messages"), asked)
            return await self._transport.request(call, list[UnprocessedMessage])
        call = Call("GET", path("unprocessed-messages"))
        everything = await self._transport.request(call, list[UnprocessedMessage])
        of_flow = [m for m in everything if flow_id is None or m.flow_id == flow_id]
        return cut(of_flow, limit, offset)

    async def count_unprocessed(self, flow_id: FlowId) -> int:
        """Return how many unprocessed messages a flow has; 1,000 means that many or more.

        The API has no call that counts them, so all pages are read.
        """

        async def page(limit: int, offset: int) -> list[UnprocessedMessage]:
            return await self.list_unprocessed(flow_id, limit, offset)

        return await count_pages(page, lambda message: message.message_id, MOST_COUNTED)

    async def get_unprocessed(self, message_id: MessageId) -> UnprocessedMessage:
        """Return one unprocessed message.

        Raises:
            NotFoundError: There is none (any more).
        """
        if self._openapi:
            path(message_id)
            for message in await self.list_unprocessed():
                if message.message_id == message_id:
                    return message
            raise NotFoundError(_no_message(message_id)[404])
        call = _about("GET", message_id)
        return await self._transport.request(call, UnprocessedMessage)

    async def retry_unprocessed(self, message_id: MessageId) -> None:
        """Give a message back to its flow, which has to run.

        Raises:
            NotFoundError: There is no such message (any more).
            ConflictError: The flow does not run, or has lost the component.
            ForbiddenError: The flow is somebody else's, who shares it.

        Source: documented; what becomes of a message whose flow does not run is not.
        """
        await self._transport.send(_about("POST", message_id))

    async def delete_unprocessed(self, message_id: MessageId) -> None:
        """Throw a message away.

        Raises:
            NotFoundError: There is no such message (any more).
            ForbiddenError: The flow is somebody else's, who shares it.
        """
        await self._transport.send(_about("DELETE", message_id))


def _about(method: str, message_id: MessageId) -> Call:
    return Call(method, path("unprocessed-messages", message_id), advice=_no_message(message_id))


def _no_message(message_id: MessageId) -> dict[int, str]:
    return no_such("unprocessed message", message_id, "list_unprocessed") | {
        403: "Only the owner of a flow may retry or delete its unprocessed messages; this flow is "
        "shared with the signed-in user.",
        409: "The message was not put back. Its flow has to run (start_flow) and still have the "
        "component that failed.",
    }

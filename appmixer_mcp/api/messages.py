"""Messages that flows could not process."""

from .call import Call, path, query
from .dialect import count_pages, cut
from .models.base import FlowId
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

"""What starts flows from outside: app events, and requests to a component's webhook."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from .call import Call, json_body, path, query
from .models.base import ComponentId, FlowId
from .models.events import EventResult
from .resource import Resource


@dataclass(frozen=True)
class WebhookAnswer:
    """What a flow, or the engine in its place, answered."""

    status: int
    """The HTTP status; a redirect is not followed."""

    content_type: str
    """As it was sent; empty when it was not."""

    location: str
    """Where a redirect points, which nobody followed; mostly empty."""

    body: bytes
    """Of an error at most its first 64 kB."""


class Events(Resource):
    """What starts the flows of the signed-in user from outside."""

    async def send_app_event(
        self, event: str, data: JsonValue, *, flow_id: FlowId | None = None
    ) -> EventResult:
        """Tell all running flows that listen for an event, or one of them.

        Args:
            event: Its name, as the components have it.
            data: What it brings.
            flow_id: The only flow to tell.

        Raises:
            NotFoundError: The tenant has no app events.

        Source: documented as a plugin, which a tenant need not have.
        """
        self._needs_appmixer("send_app_event")
        call = Call(
            "POST",
            path("plugins", "appmixer", "utils", "appevents", "events", event),
            query({"flowId": flow_id}),
            json_body(data),
            advice={
                404: "This tenant has no app events (its plugin is not installed). A flow with a "
                "webhook can be called with trigger_component instead."
            },
        )
        return await self._transport.request(call, EventResult)

    async def call_webhook(
        self,
        flow_id: FlowId,
        component_id: ComponentId,
        method: str = "POST",
        *,
        parameters: Mapping[str, str | Sequence[str]] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> WebhookAnswer:
        """Send one request to the webhook of a component, without the access token.

        Nothing is sent twice, and nowhere else: a redirect is an answer as any other is.

        Args:
            flow_id: A flow that runs.
            component_id: One of its components.
            method: `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
            parameters: The query. `enqueueOnly` = `true` waits for no answer; `correlationId`
                names the run in the logs.
            body: Encoded; None for no body.
            content_type: What `body` is.

        Returns:
            The answer of the flow, or of the engine: 404 when the flow does not run or the
            component takes no requests, a time-out's status when nobody answers.

        Raises:
            UnavailableError: There was no answer at all.
        """
        self._needs_appmixer("call_webhook")
        call = Call(
            method,
            path("flows", flow_id, "components", component_id),
            query(dict(parameters or {})),
            body,
            content_type,
            signed=False,  # whoever built the flow reads every header
            to_flow=True,
        )
        answer = await self._transport.answer(call)
        return WebhookAnswer(
            status=answer.status,
            content_type=answer.headers.get("content-type", ""),
            location=answer.headers.get("location", ""),
            body=answer.body,
        )

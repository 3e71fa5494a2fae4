"""Flows: list, read, write, start and stop."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from .call import Call, json_body, no_such, path, query
from .dialect import count_pages, refuse_arguments
from .models.accounts import FlowAuthentication
from .models.base import Count, FlowId
from .models.flows import ComponentProblems, Flow, FlowReference, Validation
from .resource import Resource


class Flows(Resource):
    """The flows that the signed-in user owns or that are shared with that user."""

    async def list_flows(
        self,
        *,
        limit: int | None = None,
        offset: int | None = None,
        pattern: str | None = None,
        projection: str | None = None,
        sort: str | None = None,
        filters: Sequence[str] = (),
        shared_with_permissions: str | None = None,
    ) -> list[Flow]:
        """Return one page of flows; empty when none fits.

        Args:
            limit: Page size; the API's own default is 100.
            offset: Index of the first flow, from 0.
            pattern: Part of the name or of the id.
            projection: Fields to leave out (`-flow,-thumbnail`) or the only ones to send.
            sort: `field:1` ascending, `field:-1` descending.
            filters: `field:value`, `field:!value` or `field:~part`; all have to hold.
            shared_with_permissions: Out of `read,start,stop`; not in the `openapi` dialect.
        """
        if self._openapi:
            refuse_arguments("list_flows", shared_with_permissions=shared_with_permissions)
        asked = query(
            {
                "limit": limit,
                "offset": offset,
                "pattern": pattern,
                "projection": projection,
                "sort": sort,
                "filter": filters,
                "sharedWithPermissions": shared_with_permissions,
            }
        )
        return await self._transport.request(Call("GET", path("flows"), asked), list[Flow])

    async def count_flows(self, *, pattern: str | None = None, filters: Sequence[str] = ()) -> int:
        """Return how many flows fit; the `openapi` dialect reads all pages for it."""
        if self._openapi:

            async def page(limit: int, offset: int) -> list[Flow]:
                return await self.list_flows(
                    limit=limit,
                    offset=offset,
                    pattern=pattern,
                    filters=filters,
                    projection="-flow,-thumbnail",
                )

            return await count_pages(page, lambda flow: flow.flow_id)
        call = Call("GET", path("flows", "count"), query({"pattern": pattern, "filter": filters}))
        return (await self._transport.request(call, Count)).count

    async def get_flow(self, flow_id: FlowId, *, projection: str | None = None) -> Flow:
        """Return one flow.

        Args:
            flow_id: Which one.
            projection: As for `list_flows`; the `openapi` dialect always sends the whole flow.

        Raises:
            NotFoundError: There is none, or not for this user.
        """
        asked = "" if self._openapi else query({"projection": projection})
        return await self._transport.request(
            Call("GET", path("flows", flow_id), asked, advice=_no_flow(flow_id)), Flow
        )

    async def create_flow(
        self,
        name: str,
        descriptor: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> FlowId:
        """Create a stopped flow and return its id.

        Args:
            name: What people see; need not be unique.
            descriptor: Component id to component entry; none makes an empty flow.
            properties: Further fields, such as `customFields` and `description`.

        Raises:
            FlowInvalidError: The API lists what is wrong with the descriptor.
        """
        content: dict[str, Any] = {**(properties or {}), "name": name}
        if descriptor is not None:
            content["flow"] = descriptor
        call = Call("POST", path("flows"), body=json_body(content), about_flow=True)
        return (await self._transport.request(call, FlowReference)).flow_id

    async def update_flow(
        self, flow_id: FlowId, update: Mapping[str, Any], *, force: bool = False
    ) -> None:
        """Replace the given fields of a flow; a descriptor is replaced as a whole.

        Args:
            flow_id: Which one.
            update: `flow`, `name`, `customFields` and other fields by their own names.
            force: Also while the flow runs.

        Raises:
            FlowInvalidError: The API lists what is wrong with the descriptor.
            InputError: Among others that the flow runs and `force` was not given (400).
            ConflictError: The same on tenants that answer 409.
        """
        call = Call(
            "PUT",
            path("flows", flow_id),
            query({"forceUpdate": True if force else None}),
            json_body(dict(update)),
            advice=_no_flow(flow_id)
            | {409: "A running flow is not updated. Call stop_flow first, or force the update."},
            about_flow=True,
        )
        await self._transport.send(call)

    async def clone_flow(self, flow_id: FlowId, *, prefix: str | None = None) -> FlowId:
        """Copy a flow, with new component ids, and return the id of the stopped copy.

        Args:
            flow_id: Which one.
            prefix: Text before the copied name.
        """
        self._needs_appmixer("clone_flow")
        call = Call(
            "POST",
            path("flows", flow_id, "clone"),
            body=json_body({} if prefix is None else {"prefix": prefix}),
            advice=_no_flow(flow_id),
        )
        return (await self._transport.request(call, FlowReference)).flow_id

    async def delete_flow(self, flow_id: FlowId) -> None:
        """Delete a flow for good."""
        call = Call("DELETE", path("flows", flow_id), advice=_no_flow(flow_id))
        await self._transport.send(call)

    async def start_flow(self, flow_id: FlowId) -> None:
        """Start a flow; returns when it runs.

        Raises:
            FlowInvalidError: The API lists what keeps the flow from starting.
            InputError: It cannot start for another reason, which the text names.
        """
        await self._command(flow_id, "start")

    async def stop_flow(self, flow_id: FlowId) -> None:
        """Stop a flow; returns when it has stopped."""
        await self._command(flow_id, "stop")

    async def validate_flow(self, flow_id: FlowId) -> list[ComponentProblems] | None:
        """Return what keeps a flow from starting; None when the tenant does not say (404).

        Raises:
            ForbiddenError: The flow is another user's, who only shares it.

        Source: observed; neither the SDK nor the documentation has this call.
        """
        call = Call("GET", path("flows", flow_id, "validate"), advice=_no_flow(flow_id))
        found = await self._transport.find(call, Validation)
        return None if found is None else found.errors

    async def get_flow_authentication(self, flow_id: FlowId) -> FlowAuthentication:
        """Return which accounts the components of a flow need and have."""
        self._needs_appmixer("get_flow_authentication")
        call = Call("GET", path("auth", "flow", flow_id), advice=_no_flow(flow_id))
        return await self._transport.request(call, FlowAuthentication)

    async def _command(self, flow_id: FlowId, command: Literal["start", "stop"]) -> None:
        advice = _no_flow(flow_id) | {400: f"The flow did not {command}. Look at it with get_flow."}
        if self._openapi:
            call = Call("PUT", path("flows", flow_id, command), advice=advice, about_flow=True)
        else:
            call = Call(
                "POST",
                path("flows", flow_id, "coordinator"),
                body=json_body({"command": command}),
                advice=advice,
                about_flow=True,
            )
        await self._transport.send(call)


def _no_flow(flow_id: FlowId) -> dict[int, str]:
    return no_such("flow", flow_id, "list_flows")

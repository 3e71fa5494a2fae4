"""What helps to write flows: variables, modifiers, test runs."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from pydantic import JsonValue, ValidationError

from .call import Call, json_body, no_such, path
from .models.authoring import FlowVariables, Modifier, ModifierCatalogue, RunEvent
from .models.base import ComponentId, FlowId
from .resource import Resource

_LONGER_THAN_THE_RUN_S = 10.0


class Authoring(Resource):
    """Calls about flows in the making; the `openapi` dialect has none of them."""

    async def fetch_variables(
        self, flow_id: FlowId, component_ids: Sequence[ComponentId] | None = None
    ) -> FlowVariables:
        """Return what the components of a saved flow can refer to.

        Args:
            flow_id: Which one.
            component_ids: Only what these can refer to; None means every component's.
        """
        self._needs_appmixer("fetch_variables")
        wanted: dict[str, Any] = {"flow": False}
        if component_ids is not None:
            wanted["components"] = {"IDs": list(component_ids)}
        call = Call(
            "POST",
            path("variables", flow_id, "fetch"),
            body=json_body(wanted),
            advice=no_such("flow", flow_id, "list_flows"),
        )
        return await self._transport.request(call, FlowVariables)

    async def list_modifiers(self) -> dict[str, Modifier] | None:
        """Return the modifiers by id; None when the tenant does not list them (404)."""
        self._needs_appmixer("list_modifiers")
        found = await self._transport.find(Call("GET", path("modifiers")), ModifierCatalogue)
        return None if found is None else found.modifiers

    async def test_modifier(self, function: str, arguments: Sequence[JsonValue]) -> JsonValue:
        """Return what a JavaScript function makes of some arguments.

        Args:
            function: Its source text, such as the `helper_fn` of a modifier.
            arguments: The value, and what else the function takes.

        Raises:
            InputError: The function failed, or returned nothing.
            NotFoundError: The tenant has no such call.
        """
        self._needs_appmixer("test_modifier")
        call = Call(
            "POST",
            path("modifiers", "test"),
            body=json_body({"helperFn": function, "arguments": list(arguments)}),
            advice={404: "This tenant has no call that tries a modifier."},
        )
        return await self._transport.request(call, cast("type[JsonValue]", JsonValue))

    async def test_flow(
        self,
        flow_id: FlowId,
        component_id: ComponentId,
        heard: Callable[[str, RunEvent], None],
        *,
        inputs: dict[str, JsonValue] | None = None,
        payload: JsonValue = None,
        timeout_s: float = 30.0,
    ) -> bool:
        """Run a component and what follows it, without starting the flow; acts as a real run does.

        Args:
            flow_id: Which flow.
            component_id: Where it begins.
            heard: Takes the name and content of each event, such as `component:output`.
            inputs: In port -> content, for a component that is no trigger.
            payload: What a trigger is called with.
            timeout_s: After so long the tenant ends the run; at most 120.

        Returns:
            Whether there was a run; False when the tenant cannot test flows (404).

        Raises:
            FlowInvalidError: The API lists what keeps the component from running.
        """
        call = Call(
            "POST",
            path("flows", flow_id, "test"),
            body=json_body(
                {"componentId": component_id, "options": {"timeout": int(timeout_s * 1000)}}
                | ({"inputData": inputs} if inputs else {})
                | ({} if payload is None else {"payload": payload})
            ),
            about_flow=True,
            timeout_s=timeout_s + _LONGER_THAN_THE_RUN_S,
            heard=_told(heard),
        )
        return await self._transport.listen(call)


def _told(heard: Callable[[str, RunEvent], None]) -> Callable[[str, str], bool]:
    """Return what reads events, and says whether one was the last: tenants keep the line open."""

    def take(name: str, data: str) -> bool:
        try:
            event = RunEvent.model_validate_json(data)
        except ValidationError:
            event = RunEvent()  # a sign of life, or what a newer tenant tells
        heard(name, event)
        return name in ("test:done", "test:error")

    return take

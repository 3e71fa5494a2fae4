"""Components run for a try: one alone, or with everything that follows it in its flow."""

import sqlite3
from collections.abc import AsyncGenerator, Mapping
from functools import partial
from typing import Any
from uuid import uuid4

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from pydantic import BaseModel, Field
from starlette.responses import Response

from appmixer_mcp.errors import (
    AppmixerError,
    ComponentFailedError,
    InputError,
    NotFoundError,
)
from appmixer_mcp.sandbox import components
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.failures import failure
from appmixer_mcp.sandbox.javascript import is_object
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint, Parameter
from appmixer_mcp.sandbox.routes.flow_problems import refuse
from appmixer_mcp.sandbox.routes.sharing import owned_flow
from appmixer_mcp.sandbox.trial_run import TrialRun

_DEFAULT_TIMEOUT_MS = 30_000
_MAX_TIMEOUT_MS = 120_000
_CALL_MAX_BYTES = 4_194_304
"""Ours: nothing else happens while JSON is read, and Appmixer's own limit, 100 MB, takes half a
minute of that (documented: LIMIT_COMPONENT_STATIC_CALL_MAX_BYTES)."""


class _Options(BaseModel):
    timeout: int = Field(default=_DEFAULT_TIMEOUT_MS, ge=1, le=_MAX_TIMEOUT_MS)
    """In milliseconds."""


class _TestRun(BaseModel):
    componentId: str  # noqa: N815 - the API's name, as the next
    inputData: dict[str, Any] = Field(default_factory=dict[str, Any])  # noqa: N815
    payload: Any = None
    options: _Options = Field(default_factory=_Options)


class _StaticCall(BaseModel):
    componentId: str = ""  # noqa: N815 - the API's name
    properties: dict[str, Any] = Field(default_factory=dict[str, Any])
    messages: dict[str, Any] = Field(default_factory=dict[str, Any])


async def test_flow(call: Call) -> Response:
    """Run one component and what follows it, without starting the flow."""
    from sse_starlette import EventSourceResponse  # noqa: PLC0415 - few callers need it

    body = await call.body(_TestRun, call.services.config.flow_max_bytes)
    flow = owned_flow(call)
    if body.componentId not in flow["flow"]:
        raise InputError(f"The flow has no component {body.componentId!r}.")
    trial, problems = call.services.engine.trial(flow["flowId"], body.componentId)
    refuse(problems)
    sender, receiver = anyio.create_memory_object_stream[dict[str, str]]()
    return EventSourceResponse(
        _each(receiver), data_sender_callable=partial(_run, trial, body, sender)
    )


async def call_component(call: Call) -> Json:
    """Call a component outside of any flow, and return what it sends to one of its ports."""
    component_type = ".".join(
        call.path(part) for part in ("vendor", "service", "module", "component")
    )
    component = components.find(component_type)
    if component is None:
        raise NotFoundError(f"There is no component of the type {component_type!r}.")
    body = await call.body(_StaticCall, _CALL_MAX_BYTES)
    ports = [port.name for port in component.out_ports]
    wanted = call.query.get("outPort") or next(iter(ports), "")
    if wanted not in ports:
        raise InputError(f"{component_type} has no out port {wanted!r}.")
    inputs = _by_port(body.messages) or {port.name: {} for port in component.in_ports[:1]}
    try:
        sent = await call.services.engine.call_component(
            component,
            body.componentId or str(uuid4()),
            call.user.user_id,
            properties=body.properties,
            inputs=inputs,
        )
    except (AppmixerError, sqlite3.Error):
        raise
    except Exception as error:  # a component may raise anything
        why = failure(error)
        raise ComponentFailedError(
            f"{component_type} failed: {why.message}", retry=False, error_name=why.name
        ) from error
    found = [content for port, content in sent if port == wanted]
    return found[0] if found and found[0] is not None else {}


async def _each(
    events: MemoryObjectReceiveStream[dict[str, str]],
) -> AsyncGenerator[dict[str, str], None]:
    async with events:
        async for event in events:
            yield event


async def _run(
    trial: TrialRun, asked: _TestRun, events: MemoryObjectSendStream[dict[str, str]]
) -> None:
    async def emit(name: str, data: Mapping[str, Json]) -> None:
        await events.send({"event": name, "data": dumps(data)})

    run_id = str(uuid4())
    async with events:
        await emit("test:start", {"testRunId": run_id})
        try:
            with anyio.fail_after(asked.options.timeout / 1000):
                await trial.run(asked.componentId, asked.inputData, asked.payload, emit)
        except TimeoutError:
            text = f"The test run took longer than {asked.options.timeout} ms."
            await emit("test:error", {"message": text})
        except AppmixerError as error:
            await emit("test:error", {"message": str(error)})
        else:
            await emit("test:done", {"testRunId": run_id, "status": "completed"})


def _by_port(messages: Mapping[str, Json]) -> dict[str, Json]:
    """Return in port -> content, also of messages that are named `port/field`."""
    contents: dict[str, Json] = {}
    for name, value in messages.items():
        port, slash, field = name.partition("/")
        if not slash:
            contents[port] = value
        else:
            fields = contents.setdefault(port, {})
            if not is_object(fields):
                raise InputError(f"messages names {port!r} both as a port and with fields.")
            contents[port] = {**fields, field: value}
    return contents


ENDPOINTS = (
    Endpoint(
        "POST", "/flows/{flowId}/test", test_flow, body=_TestRun, answer_type="text/event-stream"
    ),
    Endpoint(
        "POST",
        "/component/{vendor}/{service}/{module}/{component}",
        call_component,
        query=(Parameter(name="outPort"),),
        body=_StaticCall,
    ),
)

"""Flow variables: modifiers that ignore the value and tell about the flow, or make something up."""

import math
import random
from uuid import uuid4

from appmixer_mcp.sandbox.clock import to_ms
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.modifier import FlowFacts, Modifier


def _flow_id(facts: FlowFacts, _value: Json) -> Json:
    return facts.flow_id


def _flow_name(facts: FlowFacts, _value: Json) -> Json:
    return facts.flow_name


def _user_id(facts: FlowFacts, _value: Json) -> Json:
    return facts.user_id


def _webhook_url(facts: FlowFacts, _value: Json) -> Json:
    return facts.webhook_url


def _custom_fields(facts: FlowFacts, _value: Json) -> Json:
    return facts.custom_fields()


def _timestamp(facts: FlowFacts, _value: Json) -> Json:
    return to_ms(facts.now) // 1000  # seconds: observed, though said elsewhere to be milliseconds


def _now(facts: FlowFacts, _value: Json) -> Json:
    return facts.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _uuid4(_value: Json) -> Json:
    return str(uuid4())


def _random(_value: Json) -> Json:
    return random.random()  # noqa: S311 - no secret


def _pi(_value: Json) -> Json:
    return math.pi


MODIFIERS = (
    Modifier(
        id="g_flowId", label="Flow ID", categories=("control",), returns="string", run=_flow_id,
        uses_flow=True, flow_variable=True,
    ),
    Modifier(
        id="g_flowName", label="Flow Name", categories=("control",), returns="string",
        run=_flow_name, uses_flow=True, flow_variable=True,
    ),
    Modifier(
        id="g_userId", label="User ID", categories=("control",), returns="string", run=_user_id,
        uses_flow=True, flow_variable=True,
    ),
    Modifier(
        id="g_webhookUrl", label="Webhook URL", categories=("control",), returns="string",
        run=_webhook_url, uses_flow=True, flow_variable=True,
    ),
    Modifier(
        id="g_customFields", label="Custom Fields", categories=("control",), returns="object",
        run=_custom_fields, uses_flow=True, flow_variable=True,
    ),
    Modifier(
        id="g_uuid4", label="UUID", categories=("control",), returns="string", run=_uuid4,
        flow_variable=True,
    ),
    Modifier(
        id="g_random", label="Random Number", categories=("math",), returns="number", run=_random,
        flow_variable=True,
    ),
    Modifier(
        id="g_pi", label="PI", categories=("math",), returns="number", run=_pi,
        flow_variable=True,
    ),
    Modifier(
        id="g_timestamp", label="Timestamp", categories=("date",), returns="number",
        run=_timestamp, uses_flow=True, flow_variable=True,
    ),
    Modifier(
        id="g_now", label="Now", categories=("date",), returns="string", run=_now, uses_flow=True,
        flow_variable=True,
    ),
)  # fmt: skip

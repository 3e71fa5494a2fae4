"""Flow variables: modifiers that ignore the value and tell about the flow, or make something up."""

import math
import random
from uuid import uuid4

from appmixer_mcp.sandbox.component import Json
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


def _uuid4(_value: Json) -> Json:
    return str(uuid4())


def _random(_value: Json) -> Json:
    return random.random()  # noqa: S311 - no secret


def _pi(_value: Json) -> Json:
    return math.pi


MODIFIERS = (
    Modifier(id="g_flowId", run=_flow_id, uses_flow=True),
    Modifier(id="g_flowName", run=_flow_name, uses_flow=True),
    Modifier(id="g_userId", run=_user_id, uses_flow=True),
    Modifier(id="g_webhookUrl", run=_webhook_url, uses_flow=True),
    Modifier(id="g_customFields", run=_custom_fields, uses_flow=True),
    Modifier(id="g_uuid4", run=_uuid4),
    Modifier(id="g_random", run=_random),
    Modifier(id="g_pi", run=_pi),
)

"""Flows and operations for property tests: drawn so that most operations can be carried out."""

from typing import Any

from hypothesis import strategies as st

from appmixer_mcp.descriptor import source_links
from appmixer_mcp.editing import OPERATIONS
from tests.editing.sandbox_types import (
    CONDITION,
    EACH,
    GET,
    JOIN,
    JOIN_EACH,
    ON_START,
    RESPONSE,
    SET,
    WEBHOOK,
)

_PORTS = {
    ON_START: ([], ["out"]), WEBHOOK: ([], ["request"]), CONDITION: (["in"], ["true", "false"]),
    JOIN: (["in"], ["out"]), GET: (["in"], ["response"]), RESPONSE: (["in"], ["out"]),
    JOIN_EACH: (["in", "count"], ["out", "timeout"]), SET: (["in"], ["out"]),
    EACH: (["in"], ["item", "done"]),
}  # fmt: skip
_RECEIVERS = [kind for kind, (in_ports, _) in _PORTS.items() if in_ports]
_LABELS = ["A", "a", "Get it", "v1.2", "Ann's | {x}", "Über"]
_FIELD_NAMES = st.sampled_from(["url", "value", "expression", "body"])
_PLAIN = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text("ab{}é $.|", max_size=6))


@st.composite
def descriptors(draw):
    """Draw a sound flow of 1 to 7 components; some have no label, place or transform."""
    flow: dict[str, Any] = {}
    for number in range(draw(st.integers(1, 7))):
        trigger = number == 0
        kind = draw(st.sampled_from([ON_START, WEBHOOK] if trigger else _RECEIVERS))
        entry = {"type": kind}
        if draw(st.booleans()):
            entry["label"] = draw(st.sampled_from(_LABELS))
        if draw(st.booleans()):
            entry |= {"x": draw(st.integers(0, 5)) * 96, "y": 16}
        if not trigger:
            _wire(draw, flow, entry)
        flow[f"c{number}"] = entry
    return flow


def _wire(draw, flow, entry):
    sender = draw(st.sampled_from(list(flow)))
    in_port = draw(st.sampled_from(_PORTS[entry["type"]][0]))
    out_port = draw(st.sampled_from([*_PORTS[flow[sender]["type"]][1], "error"]))
    as_text = draw(st.booleans())
    entry["source"] = {in_port: {sender: out_port if as_text else [out_port]}}
    if draw(st.booleans()):
        variable = f"$.{sender}.{out_port}.path"
        transform = {
            "type": "json2new",
            "lambda": {"url": "to {{{b}}}", "body": {"deep": ["{{{$.c0.error}}}", 1]}},
            "modifiers": {"url": {"b": {"variable": variable, "functions": []}}},
        }
        entry["config"] = {"transform": {in_port: {sender: {out_port: transform}}}}


@st.composite
def operations(draw, flow, name="new"):
    """Draw an operation on a flow, which may be one that cannot be carried out.

    What it adds has this name.
    """
    ids = st.sampled_from([*flow, *flow, *flow, "A", "nobody"])
    op = draw(st.sampled_from(OPERATIONS))
    kind, to = draw(st.sampled_from(_RECEIVERS)), draw(ids)
    linked = [
        (sender, one)
        for one, entry in flow.items()
        for _, sender, _ in source_links(entry.get("source"))
    ]
    sender, receiver = draw(ids), to
    if op in ("disconnect", "insert") and linked:
        sender, receiver = draw(st.sampled_from(linked))
    sends = kind if op == "insert" else flow.get(sender, {}).get("type", ON_START)
    takes = kind if op in ("add", "insert") else flow.get(to, {}).get("type", JOIN)
    drawn = {
        "op": op,
        "component": name if op in ("add", "insert") else draw(ids),
        "type": kind,
        "label": draw(st.sampled_from(_LABELS)),
        "from": sender,
        "to": receiver,
        "out_port": draw(st.sampled_from([*_PORTS[sends][1], "error"])),
        "in_port": draw(st.sampled_from([*_PORTS[takes][0], "in"])),
        "fields": draw(st.dictionaries(_FIELD_NAMES, _values(draw, flow), max_size=2)),
        "properties": _properties(draw, op),
        "x": draw(st.integers(-500, 500)),
        "y": draw(st.floats(0, 500)),
    }
    return {"op": op} | {name: drawn[name] for name in _TAKEN[op]}


_TAKEN = {
    "add": ("component", "type", "label", "from", "out_port", "in_port", "fields", "properties"),
    "remove": ("component",),
    "rename": ("component", "label"),
    "configure": ("component", "properties"),
    "connect": ("from", "to", "out_port", "in_port", "fields"),
    "disconnect": ("from", "to"),
    "insert": ("from", "to", "component", "type", "label", "out_port", "in_port", "fields"),
    "set": ("component", "fields"),
    "error_handling": ("component", "properties"),
    "move": ("component", "x", "y"),
    "replace": ("component", "to"),
}


def _properties(draw, op):
    if op == "error_handling":
        return draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "autoRetry": st.sampled_from([True, False, None]),
                    "maxRetries": st.sampled_from([0, 3, -1, None]),
                    "onError": st.sampled_from(["errorPort", "stopFlow", "explode", None]),
                },
            )
        )
    return draw(st.dictionaries(st.sampled_from(["event", "url"]), _PLAIN, max_size=2))


def _values(draw, flow):
    flow = flow or {"nobody": {"type": ON_START}}
    component_id = draw(st.sampled_from(list(flow)))
    port = draw(st.sampled_from(_PORTS.get(flow[component_id]["type"], ([], ["out"]))[1]))
    expression = f"{{{{{component_id}.{port}.a.b | g_split ', ' | g_first}}}}"
    return st.one_of(_PLAIN, st.just(expression), st.just({"ADD": [f"x {expression} y"]}))

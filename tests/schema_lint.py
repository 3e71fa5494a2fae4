"""What MCP clients refuse in a list of tools: one named rule each, which yields where it is broken.

A listing is looked at as it goes over the wire. One bad tool makes some clients drop all of them,
so the strictest reading counts: where a client raised a limit, its old one, which others kept.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Tool = dict[str, Any]
Schema = dict[str, Any]

COMBINATIONS = {"anyOf", "oneOf", "allOf", "not", "if", "then", "else", "$ref", "$defs"}
KINDS = {"string", "integer", "number", "boolean", "array", "object"}
KEYWORDS_OF_KINDS = {
    "string": {"enum", "minLength", "maxLength", "pattern"},
    "integer": {"minimum", "maximum"},
    "number": {"minimum", "maximum"},
    "boolean": set[str](),
    "array": {"items", "minItems", "maxItems"},
    "object": {"properties", "required", "additionalProperties"},
}
PYTHON_KINDS = {"string": str, "integer": int, "number": int | float, "boolean": bool}

PREFIXES = {
    "Claude Code": ("mcp__appmixer__", 64),
    "Claude Code, from a plugin": ("mcp__plugin_appmixer_appmixer__", 64),
    "Claude Code, connector": ("mcp__claude_ai_Appmixer__", 64),
    # Claude's API takes 128 characters; of a tool that was searched for, in early 2026 only 64.
    "Claude desktop, connector": ("mcp__00000000-0000-0000-0000-000000000000__", 128),
    "VS Code": ("mcp_appmixer_", 64),
    "Cursor": ("appmixer:", 60),
}
"""What clients put before a tool's name, and how long the whole may be."""

MAPS = {
    ("create_flow", "descriptor"),
    ("create_flow", "custom_fields"),
    ("update_flow", "descriptor"),
    ("update_flow", "custom_fields"),
    ("create_account", "token"),
    ("create_chart", "traces"),
    ("update_chart", "traces"),
    ("trigger_component", "body"),
    ("send_app_event", "data"),
    ("test_flow", "payload"),
    ("test_flow", "inputs"),
    ("test_modifier", "hash_params"),
    ("import_flow", "document"),
    ("get_component_options", "values"),
    ("publish_component", "manifest"),
    ("edit_flow", "operations[].fields"),
    ("edit_flow", "operations[].properties"),
}
"""Arguments whose keys are the caller's own, so that no schema can name them.

Clients of Gemini's older interface and OpenAI's strict mode have to send these as JSON text.
"""


@dataclass(frozen=True)
class Listing:
    """The tools of one mode."""

    tools: Sequence[Tool]
    is_core: bool = False
    """Whether this is what clients are served that take few tools."""


@dataclass(frozen=True)
class Rule:
    """What some clients demand."""

    name: str
    clients: str
    places: Callable[[Listing], Iterator[str]]
    """Names the places where it is broken."""


RULES: dict[str, Rule] = {}


def problems(listing: Listing) -> list[str]:
    """Return every break of every rule, each with its place."""
    return [
        f"{place}: {rule.name} ({rule.clients})"
        for rule in RULES.values()
        for place in rule.places(listing)
    ]


def walk(where: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield a schema and every schema within it, each with its place."""
    yield where, schema
    for name, one in schema.get("properties", {}).items():
        yield from walk(f"{where}.{name}", one)
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(schema.get(key), dict):
            yield from walk(where + mark, schema[key])


def _sides(tool: Tool) -> Iterator[tuple[str, Schema]]:
    for side, key in (("argument", "inputSchema"), ("result", "outputSchema")):
        yield f"{tool.get('name')} {side}", tool.get(key, {})


def _listing_rule(clients: str):
    def register(places: Callable[[Listing], Iterator[str]]):
        RULES[places.__name__] = Rule(places.__name__, clients, places)
        return places

    return register


def _tool_rule(clients: str):
    def register(keeps: Callable[[Tool], bool]):
        def places(listing: Listing):
            return (str(tool.get("name")) for tool in listing.tools if not keeps(tool))

        RULES[keeps.__name__] = Rule(keeps.__name__, clients, places)
        return keeps

    return register


def _side_rule(clients: str):
    def register(keeps: Callable[[Schema], bool]):
        def places(listing: Listing):
            for tool in listing.tools:
                yield from (where for where, schema in _sides(tool) if not keeps(schema))

        RULES[keeps.__name__] = Rule(keeps.__name__, clients, places)
        return keeps

    return register


def _schema_rule(clients: str):
    def register(keeps: Callable[[Schema], bool]):
        def places(listing: Listing):
            for tool in listing.tools:
                for side, whole in _sides(tool):
                    yield from (where for where, one in walk(side, whole) if not keeps(one))

        RULES[keeps.__name__] = Rule(keeps.__name__, clients, places)
        return keeps

    return register


# Every schema, of arguments and results alike.


@_schema_rule("Claude at the top, OpenAI beside a default, Gemini anywhere")
def holds_no_union_reference_or_condition(schema):
    return not COMBINATIONS & schema.keys()


@_schema_rule("Gemini; others guess")
def has_one_type_and_no_null(schema):
    return isinstance(schema.get("type"), str) and schema["type"] in KINDS


@_schema_rule("Gemini, VS Code")
def says_what_is_in_a_list(schema):
    return schema.get("type") != "array" or "type" in (schema.get("items") or {})


@_schema_rule("Gemini")
def says_what_is_in_an_object(schema):
    return schema.get("type") != "object" or isinstance(schema.get("properties"), dict)


@_schema_rule("Gemini")
def holds_only_keywords_of_its_type(schema):
    known = KEYWORDS_OF_KINDS.get(str(schema.get("type")), set())
    return schema.keys() - known - COMBINATIONS <= {"type", "description", "default"}


@_schema_rule("Gemini")
def requires_only_properties_it_has(schema):
    return set(schema.get("required", ())) <= set(schema.get("properties", {}))


@_schema_rule("Gemini")
def offers_only_texts_to_choose_from(schema):
    return all(isinstance(choice, str) and choice for choice in schema.get("enum", ()))


@_schema_rule("Gemini, OpenAI")
def has_a_default_of_its_type_or_none(schema):
    kind = PYTHON_KINDS.get(str(schema.get("type")), object)
    return "default" not in schema or (
        schema["default"] is not None and isinstance(schema["default"], kind)
    )


@_schema_rule("Claude")
def has_plain_names_of_properties(schema):
    names = schema.get("properties", {})
    return all(re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", name) for name in names)


@_schema_rule("OpenAI")
def is_described_in_less_than_1024_characters(schema):
    return len(schema.get("description", "")) < 1_024


# The whole of a tool's arguments, and of its result.


@_side_rule("MCP, Claude")
def is_an_object(schema):
    return schema.get("type") == "object"


@_side_rule("OpenAI strict")
def nests_at_most_five_deep(schema):
    return max(len(re.findall(r"\.|\[\]|\{\}", where)) for where, _ in walk("", schema)) <= 5


@_side_rule("OpenAI strict")
def has_at_most_100_properties(schema):
    return sum(len(one.get("properties", {})) for _, one in walk("", schema)) <= 100


@_side_rule("OpenAI strict")
def offers_at_most_500_choices(schema):
    return sum(len(one.get("enum", ())) for _, one in walk("", schema)) <= 500


@_side_rule("OpenAI strict")
def has_at_most_15000_characters_of_names_and_choices(schema):
    texts = (
        text
        for _, one in walk("", schema)
        for text in (*one.get("properties", {}), *one.get("enum", ()))
    )
    return sum(len(str(text)) for text in texts) <= 15_000


# A tool.


@_tool_rule("Claude, Gemini, VS Code")
def has_a_plain_name(tool):
    return re.fullmatch(r"[a-z]+(_[a-z]+)+", tool["name"]) is not None


@_tool_rule("every client that puts something before it")
def has_a_name_of_at_most_24_characters(tool):
    return len(tool["name"]) <= 24


@_tool_rule(", ".join(PREFIXES))
def fits_behind_every_prefix(tool):
    return all(len(prefix + tool["name"]) <= longest for prefix, longest in PREFIXES.values())


@_tool_rule("people, in every client")
def has_a_title(tool):
    return bool(tool.get("title"))


@_tool_rule("OpenAI, and every model that has to choose")
def says_what_it_does(tool):
    return 20 <= len(tool.get("description", "")) < 1_024


@_tool_rule("the model")
def says_what_its_arguments_are(tool):
    arguments = tool["inputSchema"].get("properties", {})
    return all(one.get("description") for one in arguments.values())


@_tool_rule("Claude Code, VS Code")
def says_what_it_returns(tool):
    return bool(tool.get("outputSchema", {}).get("properties"))


@_listing_rule("OpenAI strict; Gemini's older interface")
def closes_its_arguments_but_for_known_maps(listing):
    for tool in listing.tools:
        for where, one in walk("", tool["inputSchema"]):
            is_map = (tool["name"], where.removeprefix(".")) in MAPS
            open_or_empty = one.get("additionalProperties") is not False or (
                where and not one.get("properties")
            )
            if one.get("type") == "object" and open_or_empty and not is_map:
                yield f"{tool['name']}{where}"


# The list.


@_listing_rule("Claude")
def names_every_tool_once(listing):
    names = [tool["name"] for tool in listing.tools]
    yield from sorted({name for name in names if names.count(name) > 1})


@_listing_rule("Cursor")
def has_at_most_40_tools_in_core(listing):
    if listing.is_core and len(listing.tools) > 40:
        yield f"{len(listing.tools)} tools"


@_listing_rule("VS Code")
def has_at_most_128_tools(listing):
    if len(listing.tools) > 128:
        yield f"{len(listing.tools)} tools"

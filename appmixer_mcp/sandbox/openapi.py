"""The OpenAPI document of the tenant, made from what its endpoints say of themselves."""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal, cast

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from appmixer_mcp import __version__
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.routes.endpoint import Endpoint, Parameter

_IN_PATH = re.compile(r"\{(\w+)\}")
_ANY = object()
"""Answers and bodies that are any JSON."""
_DEFINITIONS = "#/components/schemas/"
_BINARY: Json = {"type": "string", "format": "binary"}
_BODIES: Mapping[str, Json] = {
    "text/plain": {"type": "string"},
    "multipart/form-data": {"type": "object", "properties": {"file": _BINARY}},
    "application/x-www-form-urlencoded": {"type": "object"},
}
_ERROR: Json = {
    "type": "object",
    "properties": {
        "statusCode": {"type": "integer"},
        "error": {"type": "string"},
        "message": {"type": "string"},
        "details": {},
    },
    "required": ["statusCode", "error", "message"],
}
_NO_CONTENT = frozenset((202, 204, 304))
ANY_ANSWER = "*/*"
"""The media type of an endpoint that answers what a flow wants, with any status."""

Tagged = tuple[str, Endpoint]
"""A resource's name, and one of its endpoints."""
_Type = tuple[str, JsonSchemaMode, object]
"""A name of one's own for a type, whether it is read or written, and the type."""


class _Schemas:
    """The JSON schemas of all endpoints' types, made together so that names are unique."""

    def __init__(self, types: Iterable[_Type]) -> None:
        adapters: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = [
            (key, mode, TypeAdapter(cast("Any", kind)))
            for key, mode, kind in types
            if kind is not _ANY
        ]
        found, whole = TypeAdapter.json_schemas(
            adapters, ref_template=f"{_DEFINITIONS}{{model}}", schema_generator=_Untitled
        )
        self._found = {key: schema for (key, _), schema in found.items()}
        definitions: dict[str, dict[str, Json]] = whole.get("$defs", {})
        for definition in definitions.values():
            definition.pop("title", None)  # generators take it for the name, which must be unique
        self.definitions: dict[str, Json] = {**definitions}

    def of(self, key: str) -> dict[str, Json]:
        """Return a schema; that of any JSON is empty."""
        return self._found.get(key, {})

    def partly(self, schema: dict[str, Json]) -> dict[str, Json]:
        """Return a schema of the same objects, of which a projection may leave out any field."""
        if "items" in schema:
            return {**schema, "items": self.partly(schema["items"])}
        name = str(schema.get("$ref", "")).removeprefix(_DEFINITIONS)
        whole = self.definitions.get(name, schema)
        part = {key: value for key, value in whole.items() if key != "required"}
        if not name:
            return part
        self.definitions[f"{name}Part"] = part
        return {"$ref": f"{_DEFINITIONS}{name}Part"}

    def demands(self, key: str) -> bool:
        """Say whether a request without a body is refused."""
        schema = self.of(key)
        name = str(schema.get("$ref", "")).removeprefix(_DEFINITIONS)
        schema = self.definitions.get(name, schema)
        return bool(schema.get("required")) or schema.get("type", "object") != "object"


class _Untitled(GenerateJsonSchema):
    """Leaves out the titles, which repeat the names of the fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's own
        """Say no."""
        return False


def document(
    endpoints: Sequence[Tagged], *, public_url: str, dialect: Literal["appmixer", "openapi"]
) -> dict[str, Json]:
    """Return the OpenAPI 3.1 document of some endpoints.

    Args:
        endpoints: Each with its resource's name, which becomes its tag.
        public_url: Where they answer.
        dialect: Which shape is told where there are two.
    """
    schemas = _Schemas(_types(endpoints, dialect))
    names = _operation_ids(endpoints)
    paths: dict[str, dict[str, Json]] = {}
    for index, (tag, endpoint) in enumerate(endpoints):
        answer = schemas.of(f"{index} answer")
        if any(one.name == "projection" for one in endpoint.query):
            answer = schemas.partly(answer)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = {
            "operationId": names[index],
            "tags": [tag],
            "summary": (inspect.getdoc(endpoint.handler) or "").partition("\n")[0].rstrip("."),
            "parameters": _parameters(endpoint),
            **_body(endpoint, schemas, f"{index} body"),
            "responses": _responses(endpoint, answer),
            **_security(endpoint),
            **({"x-ours": True} if endpoint.ours else {}),
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Appmixer-compatible sandbox", "version": __version__},
        "servers": [{"url": public_url}],
        "security": [{"bearerAuth": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(tag for tag, _ in endpoints)],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearerAuth": {"type": "http", "scheme": "bearer"}},
            "schemas": {**schemas.definitions, "Error": _ERROR},
        },
    }


def _types(endpoints: Sequence[Tagged], dialect: str) -> Iterator[_Type]:
    for index, (_, endpoint) in enumerate(endpoints):
        yield f"{index} body", "validation", _ANY if endpoint.body is None else endpoint.body
        yield f"{index} answer", "serialization", _answer(endpoint, dialect)


def _answer(endpoint: Endpoint, dialect: str) -> object:
    other = endpoint.answer_openapi if dialect == "openapi" else None
    return next((one for one in (other, endpoint.answer) if one is not None), _ANY)


def _operation_ids(endpoints: Sequence[Tagged]) -> list[str]:
    """Return a name for each endpoint: its handler's, told apart by method or path if need be."""
    taken: set[str] = set()
    named_paths: set[tuple[str, str]] = set()
    names: list[str] = []
    for _, endpoint in endpoints:
        handler = getattr(endpoint.handler, "__name__", "call")
        words, more = [handler], re.findall(r"[A-Za-z0-9]+", endpoint.path)
        if (handler, endpoint.path) in named_paths:
            words = [f"{handler}_{endpoint.method.lower()}"]
        while (name := _camel(words)) in taken:
            words.append(more.pop(0))
        taken.add(name)
        named_paths.add((handler, endpoint.path))
        names.append(name)
    return names


def _camel(words: Iterable[str]) -> str:
    first, *rest = [part for word in words for part in word.split("_") if part]
    return first + "".join(part[0].upper() + part[1:] for part in rest)


def _parameters(endpoint: Endpoint) -> list[Json]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _IN_PATH.findall(endpoint.path)
    ]
    in_query = [
        {"name": one.name, "in": "query", "required": one.required, "schema": _value(one)}
        for one in endpoint.query
    ]
    return [*in_path, *in_query]


def _value(parameter: Parameter) -> Json:
    schema: dict[str, Json] = {"type": parameter.kind}
    if parameter.options:
        schema["enum"] = list(parameter.options)
    return {"type": "array", "items": schema} if parameter.repeated else schema


def _media_types(text: str) -> list[str]:
    return [one.strip() for one in text.split(",")]


def _has_body(endpoint: Endpoint) -> bool:
    return endpoint.body is not None or endpoint.body_type != "application/json"


def _body(endpoint: Endpoint, schemas: _Schemas, key: str) -> dict[str, Json]:
    if not _has_body(endpoint):
        return {}
    content = {
        media_type: {
            "schema": schemas.of(key)
            if media_type == "application/json"
            else _BODIES.get(media_type, _BINARY)
        }
        for media_type in _media_types(endpoint.body_type)
    }
    required = endpoint.body is not None and schemas.demands(key)
    return {"requestBody": {"required": required, "content": content}}


def _responses(endpoint: Endpoint, schema: Json) -> dict[str, Json]:
    content = {
        media_type: {"schema": schema} if media_type == "application/json" else {}
        for media_type in _media_types(endpoint.answer_type)
    }
    error = {"application/json": {"schema": {"$ref": f"{_DEFINITIONS}Error"}}}
    told: dict[str, Json] = {}
    for status in sorted({200, *endpoint.statuses, *_usual_errors(endpoint)}):
        told[str(status)] = {"description": HTTPStatus(status).phrase}
        if status not in _NO_CONTENT:
            told[str(status)]["content"] = content if status < HTTPStatus.BAD_REQUEST else error
    if endpoint.answer_type == ANY_ANSWER:
        told["default"] = {"description": "What the flow answers", "content": {ANY_ANSWER: {}}}
    return told


def _usual_errors(endpoint: Endpoint) -> set[int]:
    errors = {400}
    if endpoint.auth != "none":
        errors.add(401)
    if endpoint.admin:
        errors.add(403)
    if _IN_PATH.search(endpoint.path):
        errors.add(404)
    if _has_body(endpoint):
        errors.add(413)
    return errors


def _security(endpoint: Endpoint) -> dict[str, Json]:
    told: dict[str, Json] = {"x-admin": True} if endpoint.admin else {}
    if endpoint.auth == "none":
        told["security"] = []
    elif endpoint.auth == "optional":
        told["security"] = [{"bearerAuth": []}, {}]
    return told

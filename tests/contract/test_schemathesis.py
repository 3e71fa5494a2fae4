"""Every operation answers what its descriptions say, whatever it is sent."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx2
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, checks

from tests.contract.belongings import made_for, mark
from tests.contract.documents import Dialect, contract, operations, ours, served, vendors
from tests.contract.living import Living, town

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


def vendors_with_refusals() -> dict[str, Any]:
    """Return the vendor's document with a shape for refusals, of which it has but 401 and 404."""
    refusal = {"application/json": {"schema": contract()["components"]["schemas"]["Error"]}}
    paths = {
        path: {
            method: {
                **told,
                "responses": {"4XX": {"description": "", "content": refusal}, **told["responses"]},
            }
            for method, told in methods.items()
        }
        for path, methods in vendors()["paths"].items()
    }
    return {**vendors(), "paths": paths}


def other_shapes() -> dict[str, Any]:
    """Return the sandbox's own document of the other dialect, where it is another one."""
    document, usual = ours("openapi"), ours("appmixer")
    paths = {
        path: {m: told for m, told in methods.items() if told != usual["paths"][path][m]}
        for path, methods in document["paths"].items()
    }
    return {**document, "paths": paths}


DOCUMENTS: Mapping[str, tuple[Dialect, dict[str, Any]]] = {
    "contract": ("appmixer", contract()),
    "vendor": ("openapi", vendors_with_refusals()),
    "ours": ("appmixer", ours("appmixer")),
    "ours in the other dialect": ("openapi", other_shapes()),
}
OPERATIONS = [
    pytest.param(
        name,
        one,
        id=f"{name}: {one.name}",
        marks=[pytest.mark.long] if name == "ours in the other dialect" else [],
    )
    for name, (_, document) in DOCUMENTS.items()
    for one in operations(document)
    if one.shape in served()
]
EXAMPLES = [2, pytest.param(200, marks=pytest.mark.long)]


@cache
def loaded(document: str) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_dict(DOCUMENTS[document][1])


def sent(tenant: Living, case: Case[Any], headers: dict[str, str]) -> httpx2.Response:
    """Send a case, without what the client library would add."""
    found = case.as_transport_kwargs(base_url=tenant.url)
    request = requests.Request(**{**found, "headers": {**found["headers"], **headers}}).prepare()
    body = request.body or b""
    content = body.encode() if isinstance(body, str) else body
    assert request.url
    assert isinstance(content, bytes)
    fields = {name: str(value) for name, value in request.headers.items()}
    return tenant.exchange(case.method, request.url, fields, content)


@pytest.mark.parametrize("examples", EXAMPLES)
@pytest.mark.parametrize(("document", "operation"), OPERATIONS)
def test_an_operation_answers_as_described(tenants, document, operation, examples):
    people = town(tenants[DOCUMENTS[document][0]])
    caller = people.root if operation.told.get("x-admin") else people.ann
    query = operation.parameters("query")
    known = [made_for(person, operation.path, query) for person in (caller, people.bob)]
    tested = loaded(document)[operation.path][operation.method]

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],  # pyright: ignore[reportArgumentType] - an enumeration is iterable
    )
    @given(
        case=st.one_of(
            tested.as_strategy(generation_mode=GenerationMode.POSITIVE),
            tested.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        ),
        ids=st.sampled_from([*known, {}]),
    )
    def check(case, ids):
        case.path_parameters |= {k: v for k, v in ids.items() if k in case.path_parameters}
        case.query |= {k: v for k, v in ids.items() if k in case.query}

        answer = sent(people.tenant, case, {"authorization": f"Bearer {caller.token}"})

        assert mark(people.bob) not in answer.text
        case.validate_response(answer, checks=CHECKS)

    check()

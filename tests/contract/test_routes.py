"""The two descriptions of the API and the routes say the same."""

import re

import pytest
import schemathesis
from _pytest.mark import ParameterSet

from appmixer_mcp.sandbox import components
from appmixer_mcp.sandbox.app import endpoints
from tests.contract.documents import (
    LEFT_OUT,
    MORE,
    component_types,
    contract,
    operations,
    ours,
    served,
    vendors,
)

CONTRACT = list(operations(contract()))
VENDORS = list(operations(vendors()))
NEVER_ANSWERED = {
    "POST /user": {"201", "401"},  # two pages of the documentation disagree; no token is looked at
    "GET /user": {"404"},  # the token of a deleted user is refused with 401
    "POST /forgot-password/reset": {"404"},  # a wrong code is refused with 400
    "POST /flows": {"403"},
    "POST /component/{vendor}/{service}/{module}/{component}": {"500"},
}
"""Documented statuses that the sandbox has no cause for."""
MORE_LENIENT = {
    "POST /user",  # an old token that a client still sends keeps nobody from signing up
    "PUT /people-task/tasks/{}",  # an approver's secret will do, as for the decision itself
    "PUT /plugins/appmixer/utils/tasks/tasks/{}",
}
"""Operations that ask less of the caller than the contract says."""
OWN = {one.shape: one for one in operations(ours("appmixer"))}


def both_served(*documents: str) -> list[ParameterSet]:
    return [
        pytest.param(one, id=f"{name}: {one.name}")
        for name, told in (("contract", CONTRACT), ("vendor", VENDORS))
        for one in told
        if one.shape in OWN and name in (documents or (name,))
    ]


def test_every_operation_of_the_contract_is_served_or_left_out_by_intention():
    missing = {one.name for one in CONTRACT if one.is_asked_for and one.shape not in served()}

    assert missing == set(LEFT_OUT)


def test_of_administration_and_unconfirmed_operations_only_the_known_ones_are_served():
    found = {one.name for one in CONTRACT if not one.is_asked_for and one.shape in served()}

    assert found == MORE


def test_every_operation_of_the_vendors_document_is_served():
    assert [one.name for one in VENDORS if one.shape not in served()] == []


def test_at_least_120_operations_of_the_contract_are_served():
    assert sum(one.shape in served() for one in CONTRACT) >= 120


def test_every_endpoint_is_in_a_description_or_marked_as_ours():
    described = {name for one in (*CONTRACT, *VENDORS) for name in (one.shape, *one.aliases())}

    for name, endpoint in served().items():
        assert (name in described) is not endpoint.ours, name


def test_every_endpoint_is_in_the_sandboxs_own_description():
    assert set(OWN) == set(served())
    assert {one.shape for one in operations(ours("openapi"))} == set(served())


@pytest.mark.parametrize("operation", both_served())
def test_an_endpoint_takes_and_answers_what_a_description_says(operation):
    own = OWN[operation.shape]

    assert len(own.parameters("path")) == len(operation.parameters("path"))
    assert own.parameters("query") >= operation.parameters("query")
    assert own.media_types() >= operation.media_types()
    if "default" not in own.told["responses"]:
        never = NEVER_ANSWERED.get(operation.name, set())
        assert operation.statuses() - own.statuses() == never & operation.statuses()


@pytest.mark.parametrize("operation", both_served("contract"))
def test_an_endpoint_names_its_path_and_asks_for_a_token_as_the_contract_says(operation):
    own = OWN[operation.shape]

    assert own.path == operation.path
    if operation.shape not in MORE_LENIENT:
        assert own.told.get("security") == operation.told.get("security")
    assert own.told.get("x-admin") == operation.told.get("x-admin")


@pytest.mark.parametrize("dialect", ["appmixer", "openapi"])
def test_the_sandboxs_own_description_is_valid(dialect):
    schemathesis.openapi.from_dict(ours(dialect)).validate()


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does():
    found = list(OWN.values())

    assert len({one.told["operationId"] for one in found}) == len(found)
    assert [one.name for one in found if not one.told["summary"]] == []


@pytest.mark.parametrize("dialect", ["appmixer", "openapi"])
def test_generated_code_can_tell_schemas_and_parameters_apart(dialect):
    schemas = ours(dialect)["components"]["schemas"]
    named = [set(schemas), *(one.parameters("query") for one in OWN.values())]

    for names in named:
        identifiers = [re.sub(r"\W|_", "", name).lower() for name in names]
        assert len(set(identifiers)) == len(identifiers), sorted(names)
    assert [name for name, schema in schemas.items() if "title" in schema] == []


def test_no_shape_is_served_twice():
    assert len(served()) == len(endpoints())


def test_every_known_component_is_served_or_left_out_by_intention():
    found = {one.type for one in components.every()}

    assert {name for name, why in component_types().items() if not why} == found
    assert len(found) >= 90

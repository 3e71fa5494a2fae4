"""What authoring asks of a tenant, and what it says where a tenant has less."""

import httpx2
import pytest

from .conftest import ECHO, between, tools_on


@pytest.fixture
async def older(tenant):
    """The tools on a tenant that answers 404 for what older ones have not."""

    def lacks(request):
        if request.url.path.endswith(("/validate", "/test", "/modifiers", "/versions")):
            missing = {"statusCode": 404, "error": "Not Found", "message": "Not Found"}
            return httpx2.Response(404, json=missing)
        return None

    async with tools_on(tenant, transport=between(tenant, lacks)) as tools:
        yield tools


async def test_an_older_tenant_gets_plain_answers(older):
    flow_id = (await older("create_flow", name="Broken", descriptor=ECHO))["flow_id"]
    checked = await older("validate_flow", flow_id=flow_id)

    assert "start_flow tells the rest" in checked["note"]
    assert "query_logs" in await older.refused("test_flow", flow_id=flow_id)
    for call in ({"name": "g_add", "value": "1"}, None):
        said = await older.refused(
            *(["test_modifier"] if call else ["list_modifiers"]), **call or {}
        )
        assert "get_flow_guide" in said


async def test_an_edit_on_an_older_tenant_is_made_and_says_that_less_was_checked(older):
    flow_id = (await older("create_flow", name="Echo", descriptor=ECHO))["flow_id"]
    version = (await older("get_flow", flow_id=flow_id))["version"]
    label = {"op": "rename", "component": "Hook", "label": "New"}

    edited = await older("edit_flow", flow_id=flow_id, base_version=version, operations=[label])

    assert edited["diff"] == ["~ 'New': label: 'Hook' -> 'New'"]
    assert "start_flow tells the rest" in edited["message"]


async def test_a_search_reads_few_manifests_and_none_twice(tenant):
    asked: list[str] = []

    def note(request):
        asked.append(request.url.raw_path.decode())

    async with tools_on(tenant, transport=between(tenant, note)) as tools:
        for _ in range(2):
            await tools("search_components", query="approval")

    assert asked.count("/apps/components?app=appmixer.utils") == 1
    assert len([one for one in asked if "manifest" in one or "/apps/" in one]) <= 7

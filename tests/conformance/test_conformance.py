"""The official conformance suite, from npm, against our web application."""

from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from appmixer_mcp.settings import Settings
from appmixer_mcp.web.app import build_app
from tests.conformance.pack import extend
from tests.conformance.suite import expected_failures, run_suite
from tests.serving import client_of, serving

HERE = Path(__file__).parent
REVISIONS = ("2025-11-25", "2026-07-28")

pytestmark = [
    pytest.mark.long,
    # What newer revisions give up is still to be served to older clients.
    pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning"),
]


@asynccontextmanager
async def served(data_dir, extend=None):
    """Serve the embedded sandbox, as `--auth none` does."""
    settings = Settings(data_dir=data_dir, auth="none")
    async with serving(lambda _url: build_app(settings, extend=extend)) as url:
        yield url


async def test_the_fixtures_stand_beside_our_own(tmp_path):
    async with served(tmp_path / "ours") as url, client_of(url, "modern") as client:
        ours = await listed(client)
    async with served(tmp_path / "all", extend) as url, client_of(url, "modern") as client:
        everything = await listed(client)

    for kind, names in ours.items():
        assert everything[kind][: len(names)] == names
        assert len(everything[kind]) > len(names)


async def listed(client):
    """Return the names of what is served, by kind."""
    return {
        "tools": [tool.name for tool in (await client.list_tools()).tools],
        "prompts": [prompt.name for prompt in (await client.list_prompts()).prompts],
        "resources": [one.uri for one in (await client.list_resources()).resources],
        "templates": [
            one.uri_template for one in (await client.list_resource_templates()).resource_templates
        ],
    }


@pytest.mark.parametrize("revision", REVISIONS)
async def test_beside_our_tools_everything_conforms(revision, tmp_path, record_property):
    expected = HERE / "expected" / "with_fixtures.yml"

    async with served(tmp_path / "data", extend) as url:
        verdict = await run_suite(f"{url}/mcp", revision, expected, tmp_path / "results")

    record_property(f"{revision} with fixtures", str(verdict))
    assert verdict.faults == {}
    assert verdict.skipped == []
    assert verdict.accepted, verdict.summary


@pytest.mark.parametrize("revision", REVISIONS)
async def test_without_fixtures_exactly_what_needs_them_fails(revision, tmp_path, record_property):
    expected = HERE / "expected" / f"without_fixtures_{revision}.yml"

    async with served(tmp_path / "data") as url:
        verdict = await run_suite(f"{url}/mcp", revision, expected, tmp_path / "results")

    record_property(f"{revision} without fixtures", str(verdict))
    assert sorted(verdict.faults) == sorted(expected_failures(expected)), verdict.faults
    assert verdict.accepted, verdict.summary

"""Text and structured content carry the same facts, whichever of the two a client shows its model.

Every tool is called on one tenant with room for its results, and on another with nearly none. The
tests below look at each answer; a tool that is not called fails them.
"""

import json

import anyio
import jsonschema  # type: ignore[import-untyped] # ships no types
import pytest
from mcp.types import ResourceLink, TextContent

from appmixer_mcp.surface import load_toolsets
from tests.tools.touring import go, parts

SPECS = {spec.name: spec for toolset in load_toolsets().values() for spec in toolset.tools}
LISTS = sorted(name for name, spec in SPECS.items() if "items" in spec.output_schema["properties"])
ASKING = sorted(name for name, spec in SPECS.items() if spec.preview is not None)
CUT = sorted(name for part in parts() for name in part.CUT)
"""Tools whose results can be longer than there is room for."""
ROOMY, TIGHT = 20_000, 900

pytestmark = pytest.mark.xdist_group("same facts")  # they share two long tours


@pytest.fixture(scope="module")
def roomy(tmp_path_factory):
    """What each tool answered where there was room for it."""
    directory = tmp_path_factory.mktemp("roomy")

    async def tour():
        return await go(directory, max_result_bytes=ROOMY, policy="auto", mode="auto")

    return anyio.run(tour)


@pytest.fixture(scope="module")
def tight(tmp_path_factory):
    """What each tool answered where there was hardly any room."""
    directory = tmp_path_factory.mktemp("tight")

    async def tour():
        return await go(directory, max_result_bytes=TIGHT, policy="token", mode="legacy")

    return anyio.run(tour)


def facts(answer):
    """Return the facts of an answer, which both channels must carry alone and alike."""
    text, *links = answer.content
    assert isinstance(text, TextContent)
    assert json.loads(text.text) == answer.structured_content
    for link in links:
        assert isinstance(link, ResourceLink)
        assert link.uri in answer.structured_content["left_out"]
    return answer.structured_content


def declared(content, schema):
    """Yield every value that a schema names."""
    for name, one in schema.get("properties", {}).items():
        if name in content:
            yield content[name]
            if one["type"] == "object":
                yield from declared(content[name], one)
            if one["type"] == "array" and one["items"]["type"] == "object":
                for item in content[name]:
                    yield from declared(item, one["items"])


@pytest.mark.parametrize("room", ["roomy", "tight"])
@pytest.mark.parametrize("tool", SPECS)
def test_both_channels_say_the_same_and_what_the_schema_promises(tool, room, request):
    answers = request.getfixturevalue(room)[tool]
    schema = SPECS[tool].output_schema

    assert answers, f"the tour above does not call {tool}"
    for answer in answers:
        content = facts(answer)
        jsonschema.validate(content, schema)
        assert content.keys() <= schema["properties"].keys()
        assert None not in declared(content, schema)


@pytest.mark.parametrize("tool", LISTS)
def test_an_empty_list_is_an_empty_list_in_both_channels(tool, roomy):
    empty = [facts(answer) for answer in roomy[tool] if not answer.structured_content["items"]]

    assert empty, f"the tour above never sees {tool} without items"
    assert {json.dumps(content) for content in empty} <= {
        '{"total": 0, "items": []}',
        '{"total": 0, "items": [], "days": []}',
    }


@pytest.mark.parametrize("tool", CUT)
def test_what_was_cut_is_named_in_both_channels(tool, tight, roomy):
    cut = [facts(one) for one in tight[tool] if "left_out" in one.structured_content]

    assert cut
    assert all("left_out" not in one.structured_content for one in roomy[tool])


@pytest.mark.parametrize("tool", sorted(SPECS.keys() - set(CUT)))
def test_every_other_result_is_short_enough_to_be_whole(tool, tight):
    assert not any("left_out" in one.structured_content for one in tight[tool])


@pytest.mark.parametrize("tool", [name for name in LISTS if name in CUT])
def test_a_list_that_was_cut_says_how_to_go_on(tool, tight):
    missing = [
        content
        for content in map(facts, tight[tool])
        if "items did not fit" in content.get("left_out", "")
    ]

    assert missing
    for content in missing:
        assert content["next_offset"] == len(content["items"])
        assert content["next_offset"] < content["total"]


@pytest.mark.parametrize("room", ["roomy", "tight"])
@pytest.mark.parametrize("tool", ASKING)
def test_a_preview_shows_all_that_is_needed_to_answer_in_both_channels(tool, room, request):
    answers = [facts(one) for one in request.getfixturevalue(room)[tool]]

    previews = [one for one in answers if not one["done"]]

    assert previews
    for preview in previews:
        assert preview["message"].endswith("?")
        assert preview["impact"]
        assert ("confirm_token" if room == "tight" else "confirm=true") in preview["next_step"]
        assert ("confirm_token" in preview) == (room == "tight")
    assert any(one["done"] for one in answers)

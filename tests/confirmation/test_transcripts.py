"""docs/confirmation.md shows what goes over the wire."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.confirmation.wire import ERAS, NO, YES, outcome
from tests.transcripts import DOCS, compare, pretty

pytestmark = pytest.mark.xdist_group("docs/confirmation.md")  # which they may write

PAGE = DOCS / "confirmation.md"
ANSWERS = {"yes": YES, "no": NO, "closed": {"action": "cancel"}}
SOON_S = 0.05
MASKS = (
    (r"http://127\.0\.0\.1:\d+", "https://api.acme.appmixer.cloud"),
    (r"chg_[0-9a-f]+", "CHANGE_ID"),
    (r"[0-9a-f]{8}-[0-9a-f-]{27}", "FLOW_ID"),
    (r'"v1\.[\w-]+"', '"v1.SEALED"'),
    (r'("confirm_token": )"[\w-]+"', r'\1"TOKEN"'),
    (rf"\({SOON_S} s\)", "(600 s)"),
)


@pytest.fixture
async def flow(api):
    return await api.make_flow("Order intake", runs=True)


def shortened(message: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is the same in every message, and what is said twice."""
    shown: dict[str, Any] = json.loads(json.dumps(message))
    del shown["jsonrpc"]
    params, result = shown.get("params", {}), shown.get("result", {})
    result.pop("_meta", None)
    meta = params.pop("_meta", None)
    if meta:
        name = "io.modelcontextprotocol/clientCapabilities"
        params["_meta"] = {name: meta[name]}
    if "structuredContent" in result:
        shown["result"] = {"structuredContent": result["structuredContent"]}
    return shown


def transcript(log: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    said = "\n".join(f"{who}: {pretty(shortened(message))}" for who, message in log)
    for pattern, mask in MASKS:
        said = re.sub(pattern, mask, said)
    return f"```text\n{said}\n```"


@pytest.fixture
def shown(request):
    """What compares a transcript with the page, or writes it there when that is asked for."""

    def shown(name, log):
        update = request.config.getoption("--update-docs")
        compare(PAGE, name, f"{transcript(log)}\n", update=update)

    return shown


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("said", ANSWERS)
async def test_the_page_shows_how_a_client_with_forms_asks(shown, connect, flow, era, said):
    async with connect(era) as wire:
        wire.log.clear()
        result = outcome(await (await wire.begin("delete_flow", flow)).answered(ANSWERS[said]))

    assert result["done"] is (said == "yes")
    shown(f"{era}-{said}", wire.log if said == "yes" else wire.log[2:])


async def test_the_page_shows_how_a_yes_comes_too_late(shown, connect, clock, flow):
    async with connect("today") as wire:
        asked = await wire.begin("delete_flow", flow)
        clock.now += 660
        result = outcome(await asked.answered(YES))

    assert result["done"] is False
    shown("today-late", wire.log[2:])


async def test_the_page_shows_how_the_question_of_an_older_client_is_taken_back(
    shown, connect, flow
):
    async with connect("before", valid_s=SOON_S) as wire:
        wire.log.clear()
        asked = await wire.begin("delete_flow", flow)
        result = outcome(await wire.answer_to(asked.call))

    assert result["done"] is False
    shown("before-late", wire.log[2:])


@pytest.mark.parametrize("era", ERAS)
async def test_the_page_shows_what_a_client_without_forms_gets(shown, connect, flow, era):
    async with connect(era, capabilities={}) as wire:
        wire.log.clear()
        await wire.call("delete_flow", flow)
        done = outcome(await wire.call("delete_flow", flow | {"confirm": True}))

    assert done["done"] is True
    shown(f"{era}-without", wire.log)


async def test_the_page_shows_what_a_token_is_for(shown, connect, flow):
    async with connect("before", "token", capabilities={}) as wire:
        wire.log.clear()
        token = outcome(await wire.call("delete_flow", flow))["confirm_token"]
        done = outcome(await wire.call("delete_flow", flow | {"confirm_token": token}))

    assert done["done"] is True
    shown("token", wire.log)

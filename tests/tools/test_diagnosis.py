"""Diagnosing a flow, following a run, counting records and waiting for them."""

import json
import random

import anyio
import httpx2
import pytest

from appmixer_mcp.options import ServerOptions
from appmixer_mcp.sandbox import logs
from appmixer_mcp.server import build_server
from bench.tokens import count
from tests.test_progress import connected

from .conftest import ECHO, FAILING, between, session_on, tenant_in, tools_on

MOST_TOKENS = 2_000
CRM = "acme.crm.contacts.Create"
LATER_MS = 1_800_000_000_000


def serving(tenant, **options):
    return tools_on(tenant, "sdk", "diagnosis", "authoring", "messages", **options)


@pytest.fixture
async def tools(tenant):
    async with serving(tenant) as tools:
        yield tools


@pytest.fixture
async def older_tools(tenant):
    """Tools on a tenant that has none of the newer calls."""

    def lacks(request):
        path = request.url.path
        newer = any(part in path for part in ("/validate", "/auth/flow", "/unprocessed-messages"))
        if newer or (request.method, path) == ("POST", "/logs"):
            return httpx2.Response(404, json={"statusCode": 404, "error": "Not Found"})
        return None

    async with serving(tenant, transport=between(tenant, lacks)) as tools:
        yield tools


@pytest.fixture
async def failed_flow(tools, tenant):
    """A flow whose only run has failed."""
    flow_id = (await tools("create_flow", name="Export", descriptor=FAILING))["flow_id"]
    await tools("start_flow", flow_id=flow_id)
    await tenant.engine.wait_idle()
    return flow_id


async def write(tools, tenant, flow_id, records):
    """Write log records, each a dict of what differs from an info record of its own instant."""
    user_id = (await tools("get_user"))["user_id"]
    with tenant.database.transaction():
        for place, record in enumerate(records):
            known = {"user_id": user_id, "flow_id": flow_id, "at_ms": LATER_MS + place}
            logs.write(tenant.database, logs.LogRecord(**known | record))


async def test_a_diagnosis_names_the_cause_the_proof_and_the_next_step(tools, failed_flow):
    found = await tools("diagnose_flow", flow_id=failed_flow)

    (error,) = found["errors"]
    assert (error["component"], error["count"], found["error_count"]) == ("Save", 1, 1)
    assert error["message"].startswith("There is no data store")
    assert "no-such-store" in error["input"]
    assert (await tools("get_log", log_id=error["log_id"], index=error["index"]))["record"]
    assert found["stage_since"] <= error["first_at"] == error["last_at"]
    assert [one["component"] for one in found["unprocessed"]] == ["Save"]
    assert [one["outcome"] for one in found["runs"]] == ["failed at 'Save'"]
    assert f"edit_flow (base_version {found['version']})" in found["next_step"]
    assert "retry_unprocessed" in found["next_step"]
    assert "notes" not in found


async def test_errors_from_before_the_last_change_are_not_told_to_be_mended_again(
    tools, failed_flow
):
    await tools("stop_flow", flow_id=failed_flow)
    await tools("update_flow", flow_id=failed_flow, name="Mended")

    found = await tools("diagnose_flow", flow_id=failed_flow)

    assert found["error_count"] == 1
    assert found["next_step"].startswith("The flow was changed after the last error: start_flow, ")
    assert "retry_unprocessed" in found["next_step"]
    assert "If not, mend 'Save'" in found["next_step"]


async def test_errors_that_differ_in_numbers_alone_are_one_kind_and_hold_no_secret(
    tools, tenant, failed_flow
):
    await write(
        tools,
        tenant,
        failed_flow,
        [
            {
                "severity": "error",
                "component_id": "save",
                "msg": f'"Order {number} of 3fa85f64-5717-4562-b3fc-2c963f66afa{number}: refused"',
                "input_messages": '{"in": [{"content": {"password": "hidden-word", "n": 7}}]}',
            }
            for number in range(9)
        ],
    )

    found = await tools("diagnose_flow", flow_id=failed_flow)

    assert [one["count"] for one in found["errors"]] == [9, 1]
    assert '"n": 7' in found["errors"][0]["input"]
    assert "hidden-word" not in json.dumps(found)


def signs(length):
    """Return signs that no tokenizer has a token for."""
    return "".join(chr(0x12000 + place * 97 % 0x399) for place in range(length))


@pytest.mark.parametrize(
    ("made_of", "records"),
    [
        pytest.param(lambda length: "~y" * (length // 2), 1_100, id="a token a character"),
        pytest.param(signs, 60, id="four tokens a character"),
        pytest.param(lambda length: '"\\\n' * (length // 3), 60, id="escapes"),
    ],
)
async def test_a_diagnosis_is_short_whatever_the_flow_holds(tools, tenant, made_of, records):
    ids = [f"{number:08}-1111-4111-8111-111111111111" for number in range(200)]
    entries = {one: {"type": CRM, "label": made_of(90), "source": {}} for one in ids}
    created = await tools("create_flow", name=made_of(90), descriptor=entries)
    await tools("create_account", service="acme:crm", token={"key": "k"})
    text = made_of(600)
    await write(
        tools,
        tenant,
        created["flow_id"],
        [
            {
                "severity": "error",
                "component_id": ids[number % 200],
                "correlation_id": f"{number:08}-2222-4222-8222-222222222222",
                "msg": json.dumps(text),
                "err": json.dumps({"message": f"{text}{'x' * (number % 7)}", "stack": text}),
                "input_messages": json.dumps({text[:20]: [{"content": {text[:30]: text}}]}),
            }
            for number in range(records)
        ],
    )

    found = await tools("diagnose_flow", flow_id=created["flow_id"])

    assert found["error_count"] == records
    assert all(found[part] for part in ("errors", "runs", "accounts", "problems", "notes"))
    assert count(found) < MOST_TOKENS


async def test_what_a_tenant_lacks_is_left_out_of_a_diagnosis_and_named(older_tools, failed_flow):
    found = await older_tools("diagnose_flow", flow_id=failed_flow)
    said = await older_tools.refused("log_stats", flow_id=failed_flow)

    assert found["errors"]
    assert not found.keys() & {"accounts", "unprocessed"}
    notes = " ".join(found["notes"])
    assert all(part in notes for part in ("accounts: ", "unprocessed: ", "only its structure"))
    assert "query_logs" in said


async def test_the_other_dialect_gives_a_diagnosis_too(tmp_path):
    async with (
        tenant_in(tmp_path, dialect="openapi") as tenant,
        serving(tenant, session=session_on(tenant, dialect="openapi")) as tools,
    ):
        flow_id = (await tools("create_flow", name="Export", descriptor=FAILING))["flow_id"]
        await tools("start_flow", flow_id=flow_id)
        await tenant.engine.wait_idle()

        found = await tools("diagnose_flow", flow_id=flow_id)
        searches = [
            await tools.refused("query_logs", flow_id=flow_id, severity="error"),
            await tools.refused("log_stats", flow_id=flow_id),
            await tools.refused("wait_for_logs", flow_id=flow_id),
            await tools.refused("get_run", correlation_id="x"),
        ]
        variables = await tools.refused("get_flow_variables", flow_id=flow_id)
        modifiers = await tools.refused("list_modifiers")
        records = await tools("query_logs", flow_id=flow_id)

    assert all("call query_logs with flow_id" in said for said in searches)
    assert "get_component shows" in variables
    assert "get_flow_guide" in modifiers
    assert records["items"]
    assert "what the errors tell of" in found["next_step"]
    assert "query_logs proves it" in found["next_step"]
    assert "There is no data store" in found["errors"][0]["message"]
    assert found["unprocessed_count"] == 1
    assert any(note.startswith("runs: ") for note in found["notes"])


async def test_flows_without_trouble_are_told_from_those_that_wait(tools, tenant):
    stopped = (await tools("create_flow", name="Echo", descriptor=ECHO))["flow_id"]
    waiting = await tools("diagnose_flow", flow_id=stopped)
    await tools("start_flow", flow_id=stopped)
    started = await tools("diagnose_flow", flow_id=stopped)

    assert "start_flow" in waiting["next_step"]
    assert "trigger" in started["next_step"]
    assert "list_flows" in await tools.refused("diagnose_flow", flow_id="no-such-flow")


async def test_a_run_is_followed_message_by_message_to_where_it_ended(tools, tenant, failed_flow):
    echo = (await tools("create_flow", name="Echo", descriptor=ECHO))["flow_id"]
    await tools("start_flow", flow_id=echo)
    hook = f"/flows/{echo}/components/hook"
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=tenant.app), base_url="http://127.0.0.1:2200"
    ) as http:
        await http.post(f"{hook}?correlationId=order-7", json={"id": 7, "token": "hidden-word"})
    await tenant.engine.wait_idle()
    (error,) = (await tools("query_logs", flow_id=failed_flow, severity="error"))["items"]

    run = await tools("get_run", correlation_id="order-7")
    failed = await tools("get_run", correlation_id=error["correlation_id"])
    rest = await tools("get_run", correlation_id="order-7", limit=1, offset=1)
    nothing = await tools("get_run", correlation_id='x" OR severity:"info')

    steps = [(step["component"], step["event"], step.get("port")) for step in run["items"]]
    assert steps[:2] == [("Hook", "sent", "request"), ("Reply", "received", "in")]
    assert run["items"][1]["sender"] == "Hook.request"
    assert "hidden-word" not in json.dumps(run)
    assert run["flow_name"] == "Echo"
    assert len(run["ended"]) == 1
    assert run["ended"][0].startswith("'Reply' ")
    assert failed["ended"] == ["'Save' failed."]
    assert failed["items"][-1]["log_id"] == error["log_id"]
    assert rest["items"] == run["items"][1:2]
    assert nothing == {"total": 0, "items": []}


async def test_logs_are_found_by_label_age_and_words(tools, tenant, failed_flow):
    by_label = await tools("query_logs", flow_id=failed_flow, component="save")
    by_type = await tools("query_logs", flow_id=failed_flow, component="OnStart", since="1h")
    by_words = await tools("query_logs", text="no  data store", since="1d", severity="error")
    none = await tools("query_logs", text='store" OR severity:"info', since="2026-01-01")
    future = await tools("query_logs", flow_id=failed_flow, since="2099-01-01T00:00:00Z")
    unknown = await tools.refused("query_logs", flow_id=failed_flow, component="Sav")
    untimely = await tools.refused("query_logs", since="yesterday")

    assert {one["component_id"] for one in by_label["items"]} == {"save"}
    assert {one["component_id"] for one in by_type["items"]} == {"start"}
    assert len(by_words["items"]) == 1
    assert none["items"] == future["items"] == []
    assert "'Save'" in unknown
    assert "2h" in untimely


async def test_records_are_counted_over_time_by_component_and_by_severity(tools, failed_flow):
    everything = await tools("query_logs", flow_id=failed_flow)

    counted = await tools("log_stats", flow_id=failed_flow, since="2h", interval="1h")
    errors = await tools("log_stats", severity="error", text="no data store")
    refused = await tools.refused("log_stats", since="30d", interval="1m")

    assert counted["total"] == everything["total"]
    assert sum(one["count"] for one in counted["over_time"]) == everything["total"]
    (save,) = [one for one in counted["by_component"] if one["component"] == "Save"]
    assert (save["errors"], counted["errors"]) == (1, 1)
    assert [(one["severity"], one["count"]) for one in errors["by_severity"]] == [("error", 1)]
    assert errors["by_component"][0]["flow_id"] == failed_flow
    assert "longer interval" in refused


async def test_waiting_ends_with_the_record_and_tells_of_its_progress(tools, tenant):
    flow_id = (await tools("create_flow", name="Export", descriptor=FAILING))["flow_id"]
    heard = anyio.Event()
    answers = []

    async def hear(_seconds, _total, message):
        if "0 records so far" in message:
            heard.set()

    async def wait(client):
        asked = {"flow_id": flow_id, "component": "Save", "severity": "error"}
        answers.append(await client.call_tool("wait_for_logs", asked, progress_callback=hear))

    session = session_on(tenant)
    options = ServerOptions(session=session, toolsets=("diagnosis",), progress_every_s=0.01)
    with anyio.fail_after(10):
        async with (
            connected(build_server(options), "auto") as client,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(wait, client)
            await heard.wait()
            await tools("start_flow", flow_id=flow_id)
    await session.aclose()

    (waited,) = (answer.structured_content for answer in answers)
    assert waited["found"] is True
    assert [one["component_id"] for one in waited["records"]] == ["save"]


async def test_waiting_again_with_the_cursor_misses_nothing_and_repeats_nothing(tools, tenant):
    flow_id = (await tools("create_flow", name="Echo", descriptor=ECHO))["flow_id"]
    chance = random.Random(7)  # noqa: S311 - chance, not secrets
    cursor, seen = "", []

    async def ask():
        how = {"cursor": cursor} if cursor else {"since": "2026-01-01"}
        return await tools("wait_for_logs", flow_id=flow_id, limit=4, count=4, wait_s=0, **how)

    for batch in range(12):
        # Many of one instant, and some that become visible later than newer ones.
        at = [LATER_MS + 4_000 * batch - chance.choice([0, 0, 0, 1, 7_999]) for _ in range(7)]
        records = [{"at_ms": one, "msg": f'"{batch}-{place}"'} for place, one in enumerate(at)]
        await write(tools, tenant, flow_id, records)
        for _ in range(chance.randint(1, 3)):
            repeated = await ask()  # an answer that got lost on its way
            found = await ask()
            assert found == repeated
            cursor = found["cursor"]
            seen += [one["message"] for one in found["records"]]
    while (found := await ask())["records"]:
        cursor = found["cursor"]
        seen += [one["message"] for one in found["records"]]

    assert sorted(seen) == sorted(f"{batch}-{place}" for batch in range(12) for place in range(7))
    assert found["found"] is False
    assert len(cursor) < 500
    assert "cursor" in await tools.refused("wait_for_logs", cursor="nonsense!")

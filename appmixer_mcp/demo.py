"""`appmixer-mcp demo`: the main job, visible, through a real MCP client over stdio.

Every step says what it will show, shows the calls that it takes, and checks what came back; the
first step that does not do what it says ends the demo.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import anyio
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError
from mcp.types import ElicitRequestParams, ElicitResult, TextContent
from rich.console import Console
from rich.text import Text

from appmixer_mcp.demo_flow import NEEDS_APPROVAL, order_flow

Answer = dict[str, Any]

_LONGEST_WAIT_S = 15.0
_BETWEEN_LOOKS_S = 0.05
_SHOWN_CHARACTERS = 60
_SHOWN_ITEMS = 3
_HEALTH = "Health"
_NUMBER = "A-1001"
_ORDER = {"number": _NUMBER, "customer": "Ada Lovelace", "amount": 4200}


class StepFailedError(Exception):
    """A step did not do what it says; the text says what was seen instead."""


class _Console(Console):
    """Ends the demo in order when nobody reads on; rich would end the process at once."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


async def run_demo() -> int:
    """Show everything, on a data directory that is removed afterwards.

    Returns:
        The exit code: 0 when every step did what it says, else 1.
    """
    console = _Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="appmixer-demo-") as folder:
        log = Path(folder) / "server.log"
        # Only this variable reaches the server; the stdio client hands on no other of ours.
        parameters = StdioServerParameters(
            command=sys.executable,
            args=["-m", "appmixer_mcp"],
            env={"APPMIXER_DATA_DIR": str(Path(folder) / "data")},
        )
        with log.open("w", encoding="utf-8") as errors:
            person = _Person(console)
            transport = stdio_client(parameters, errlog=errors)
            async with Client(transport, elicitation_callback=person.asked) as client:
                demo = _Demo(client, person, console)
                failure = await demo.run()
        if failure:
            console.print(Text(f"\nFailed: {demo.heading}\n{failure}", style="bold red"))
            console.print(Text(f"The server's log:\n{log.read_text(encoding='utf-8')}"))
            return 1
    console.print(
        Text(f"\nEvery step did what it says, in {demo.calls} calls.", style="bold green")
    )
    said = "Next: add it to your assistant, such as `claude mcp add appmixer -- appmixer-mcp`."
    console.print(said, soft_wrap=True)
    return 0


class _Person:
    """Reads what the server asks, and answers as the story has it."""

    def __init__(self, console: Console) -> None:
        self.agrees = False
        self.questions = 0
        self._console = console

    async def asked(
        self,
        context: object,  # noqa: ARG002 - the SDK's name
        params: ElicitRequestParams,
    ) -> ElicitResult:
        self.questions += 1
        for line in params.message.splitlines():
            self._console.print(Text(f"  ? {line}", style="yellow"), soft_wrap=True)
        said = "ticks the box and accepts" if self.agrees else "declines"
        self._console.print(Text(f"  ! The person {said}.", style="yellow"))
        if not self.agrees:
            return ElicitResult(action="decline")
        return ElicitResult(action="accept", content={"confirm": True})


class _Demo:
    """The story, and what it has made so far."""

    def __init__(self, client: Client, person: _Person, console: Console) -> None:
        self.heading = ""
        self.calls = 0
        self._client = client
        self._person = person
        self._console = console

    async def run(self) -> str:
        """Go through all steps; return what failed, or nothing."""
        try:
            await self._story()
        except (StepFailedError, MCPError, httpx2.HTTPError) as error:
            return str(error) or type(error).__name__
        return ""

    async def _story(self) -> None:
        await self._look_around()
        await self._wait_for_first_round()
        before = await self._snapshot("Note which flows, stores and records there are")
        store_id, flow_id = await self._build()
        await self._order(flow_id)
        task_id = await self._approve()
        await self._read_record(store_id)
        await self._repair(store_id)
        await self._delete_flow(flow_id)
        await self._delete_store(store_id)
        after = await self._snapshot("See that flows, stores and records are what they were")
        self._check(before == after, f"They differ.\nBefore: {before}\nAfter: {after}")
        self._say(f"Nothing is left but the decided task {task_id}: decisions cannot be deleted.")

    async def _look_around(self) -> None:
        self._step("List the tools, and see where we are")
        tools = (await self._client.list_tools()).tools
        self.calls += 1
        self._show_call("tools/list", {})
        self._show_answer({"tools": [tool.name for tool in tools]})
        self._check(len(tools) > 0, "There are no tools.")
        session = await self._call("get_session")
        self._check(session["signed_in_with"] != "nothing", "Nobody is signed in.")

    async def _wait_for_first_round(self) -> None:
        self._step("See the sandbox's own flows at work: one checks another and stores the result")
        stores = await self._call("list_stores")
        health = [one["store_id"] for one in stores["items"] if one["name"] == _HEALTH]
        self._check(len(health) == 1, f"There are {len(health)} stores {_HEALTH!r}.")
        checked = await self._until(
            "list_store_records", lambda found: bool(found["items"]), store_id=health[0]
        )
        self._check(checked["items"], "Nothing was stored.")

    async def _build(self) -> tuple[str, str]:
        self._step("Build a flow: orders over a limit wait for a person, others are stored at once")
        user = await self._call("get_user")
        store = await self._call("create_store", name="Demo orders")
        decide_by = datetime.now(UTC) + timedelta(days=1)
        descriptor = order_flow(store["store_id"], user["username"], decide_by)
        flow = await self._call("create_flow", name="Demo: order intake", descriptor=descriptor)
        self._step("Start it")
        started = await self._call("start_flow", flow_id=flow["flow_id"])
        self._check(started["stage"] == "running", f"Its stage is {started['stage']}.")
        return store["store_id"], flow["flow_id"]

    async def _order(self, flow_id: str) -> None:
        self._step("Send an order to its webhook, as a shop would")
        flow = await self._call("get_flow", flow_id=flow_id, detail="components")
        urls = [one["webhook_url"] for one in flow["components"] if "webhook_url" in one]
        self._check(len(urls) == 1, f"There are {len(urls)} webhook URLs.")
        self._show_call(f"POST {urls[0]}", _ORDER)
        async with httpx2.AsyncClient(trust_env=False) as http:
            answer = await http.post(urls[0], json=_ORDER)
        self._say(f"HTTP {answer.status_code}: {answer.text}")
        self._check(
            (answer.status_code, answer.text) == (202, NEEDS_APPROVAL),
            f"The flow should have answered 202 {NEEDS_APPROVAL!r}.",
        )
        self._step("Wait for the log record that proves it")
        logs = await self._until(
            "query_logs",
            lambda found: bool(found["items"]),
            flow_id=flow_id,
            query="portType:out AND port:created",
        )
        message = str(logs["items"][0].get("message"))
        self._check(_NUMBER in message, f"The record does not name the order: {message}")

    async def _approve(self) -> str:
        self._step("Find the task that waits for a person, and approve it")
        tasks = await self._call(
            "list_tasks", role="approver", filter=["status:pending"], pattern=_NUMBER
        )
        self._check(len(tasks["items"]) == 1, f"There are {len(tasks['items'])} such tasks.")
        task_id = tasks["items"][0]["task_id"]
        await self._asked("approve_task", agrees=True, task_id=task_id)
        return str(task_id)

    async def _read_record(self, store_id: str) -> None:
        self._step("Read the record that the flow wrote once the order was approved")
        records = await self._until(
            "list_store_records", lambda found: bool(found["items"]), store_id=store_id
        )
        keys = [record["key"] for record in records["items"]]
        self._check(keys == [_NUMBER], f"The store holds {keys}.")

    async def _repair(self, store_id: str) -> None:
        self._step("Find out why another flow fails")
        flows = await self._call("list_flows", pattern="broken on purpose")
        self._check(len(flows["items"]) == 1, f"There are {len(flows['items'])} such flows.")
        flow_id = flows["items"][0]["flow_id"]
        found = await self._until(
            "diagnose_flow", lambda found: bool(found["errors"]), flow_id=flow_id
        )
        failing = found["errors"][0]
        self._say(f"It says: {failing['message']}")
        self._step("Mend it with one small operation; the flow runs, so the person is asked")
        operation = {
            "op": "set",
            "component": failing["component"],
            "fields": {"storeId": store_id},
        }
        version = found["version"]
        edited = await self._asked(
            "edit_flow", agrees=True, flow_id=flow_id, base_version=version, operations=[operation]
        )
        self._step("See that it works now")
        await self._until(
            "query_logs",
            lambda found: bool(found["items"]),
            flow_id=flow_id,
            component=failing["component"],
            text="newValue",
        )
        self._step("It was a rehearsal: take the change back")
        await self._asked("undo_change", agrees=True, change_id=edited["change_id"])

    async def _delete_flow(self, flow_id: str) -> None:
        self._step("Try to delete our flow: the person is asked, and does not want it")
        kept = await self._asked("delete_flow", agrees=False, flow_id=flow_id, confirm=True)
        self._check(kept.get("impact"), "Nothing is said of what would be lost.")
        flow = await self._call("get_flow", flow_id=flow_id)
        self._check(flow["flow_id"] == flow_id, "The flow is gone.")
        self._step("Try again; now the person agrees")
        await self._asked("delete_flow", agrees=True, flow_id=flow_id)

    async def _delete_store(self, store_id: str) -> None:
        self._step("Delete our store the same way")
        await self._asked("delete_store", agrees=True, store_id=store_id)

    async def _snapshot(self, heading: str) -> Answer:
        self._step(heading)
        flows = await self._call("list_flows")
        stores = await self._call("list_stores")
        records = {
            store["name"]: await self._call("list_store_records", store_id=store["store_id"])
            for store in stores["items"]
        }
        return {
            "flows": sorted((flow["name"], flow["stage"]) for flow in flows["items"]),
            "records": {
                # Every five minutes a flow of the sandbox's own writes its health anew.
                name: sorted((one["key"], name == _HEALTH or one["value"]) for one in page["items"])
                for name, page in records.items()
            },
        }

    async def _asked(self, tool: str, *, agrees: bool, **arguments: Any) -> Answer:
        """Call what asks the person first, and do as they say."""
        before = self._person.questions
        self._person.agrees = agrees
        answer = await self._call(tool, **arguments)
        self._check(self._person.questions == before + 1, "Nobody was asked.")
        self._check(answer["done"] is agrees, f"The person's answer made no difference: {answer}")
        return answer

    async def _until(self, tool: str, enough: Callable[[Answer], bool], **arguments: Any) -> Answer:
        """Call a tool until its answer is enough; show the last call only."""
        with anyio.move_on_after(_LONGEST_WAIT_S):
            while not enough(await self._ask(tool, arguments)):  # noqa: ASYNC110 - the server's doing
                await anyio.sleep(_BETWEEN_LOOKS_S)
        return await self._call(tool, **arguments)

    async def _call(self, tool: str, **arguments: Any) -> Answer:
        self._show_call(tool, arguments)
        answer = await self._ask(tool, arguments)
        self._show_answer(answer)
        return answer

    async def _ask(self, tool: str, arguments: Answer) -> Answer:
        self.calls += 1
        result = await self._client.call_tool(tool, arguments)
        if result.is_error or result.structured_content is None:
            said = [part.text for part in result.content if isinstance(part, TextContent)]
            raise StepFailedError(f"{tool} answered: {' '.join(said)}")
        return cast("Answer", result.structured_content)

    def _check(self, holds: object, otherwise: str) -> None:
        if not holds:
            raise StepFailedError(otherwise)

    def _step(self, heading: str) -> None:
        self.heading = heading
        self._console.print(Text(f"\n{heading}", style="bold"))

    def _say(self, text: str) -> None:
        self._console.print(Text(f"    {text}", style="dim"), soft_wrap=True)

    def _show_call(self, name: str, arguments: Answer) -> None:
        shown = ", ".join(f"{key}={_shown(value)}" for key, value in arguments.items())
        self._console.print(Text(f"  → {name}({shown})", style="cyan"), soft_wrap=True)

    def _show_answer(self, answer: Answer) -> None:
        for key, value in answer.items():
            self._say(f"{key}: {_shown(value)}")


def _shown(value: object) -> str:
    """Shorten what a call takes or gives to what a person reads."""
    if isinstance(value, list):
        items = cast("list[object]", value)
        more = len(items) - _SHOWN_ITEMS
        texts = [_shown(item) for item in items[:_SHOWN_ITEMS]] + [f"… {more} more"] * (more > 0)
        return f"[{', '.join(texts)}]"
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        if fields and all(isinstance(one, dict) for one in fields.values()):
            return f"{{{len(fields)} components}}"
        told = (f"{key}: {one}" for key, one in fields.items() if not key.endswith("_id"))
        return f"{{{_cut(', '.join(told))}}}"
    return _cut(value if isinstance(value, str) else json.dumps(value))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"

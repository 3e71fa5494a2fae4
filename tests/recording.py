"""A client that notes every call it makes, as a page of docs/ shows it to people."""

import re
from typing import Any

from mcp import Client
from mcp.types import ElicitRequestParams, ElicitResult

from appmixer_mcp.wiring import Wiring
from bench.tokens import count
from tests.transcripts import pretty

_MASKS = (
    (r"https?://[\w.:]+", "https://api.example.com"),
    (r"\d{4}-\d\d-\d\d(T[\d:.]+(Z|\+00:00))?", "WHEN"),
    (r"appmixer-\d{6}", "INDEX"),
    (r"[0-9a-f]{11}\.[\w-]{8}", "CURSOR"),
)
_ID = re.compile(
    r"chg_[0-9a-f]+|[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9a-f]{24}\b|\b[0-9a-f]{16}\b|\b[0-9a-f]{12}\b"
)


class Recording:
    """Calls tools for an assistant whose person says yes to each question.

    Attributes:
        calls: How many were made.
        tokens: Of what came back, o200k.
    """

    def __init__(self, wiring: Wiring) -> None:
        self.calls = 0
        self.tokens = 0
        self.client = Client(wiring.server(), elicitation_callback=self._asked)
        self._lines: list[str] = []
        self._names: dict[str, str] = {}

    async def __call__(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a tool, and return its result; a refusal fails the test."""
        self.calls += 1
        self._lines.append(f"> {tool} {pretty(arguments)}")
        answer = await self.client.call_tool(tool, arguments)
        content: dict[str, Any] | None = answer.structured_content
        assert content is not None, answer.content
        assert not answer.is_error, answer.content
        self.tokens += count(content)
        self._lines.append(f"{pretty(content)}\n")
        return content

    def say(self, text: str) -> None:
        """Note what the assistant says between two calls."""
        self._lines.append(f"# {text}")

    def name(self, identifier: str, name: str) -> None:
        """Show an id by a name from now on, and in what was noted."""
        self._names[identifier] = name

    def transcript(self) -> str:
        """Return all that was noted, which is the same in each run."""
        said = "\n".join(self._lines).rstrip()
        for pattern, mask in _MASKS:
            said = re.sub(pattern, mask, said)
        for identifier, name in self._names.items():
            said = said.replace(identifier, name)
        others = dict.fromkeys(_ID.findall(said))
        for number, identifier in enumerate(others, 1):
            said = said.replace(identifier, f"ID_{number}")
        return f"```text\n{said}\n```\n"

    async def _asked(
        self,
        context: object,  # noqa: ARG002 - the SDK's name
        params: ElicitRequestParams,
    ) -> ElicitResult:
        question = "\n".join(f"? {line}" for line in params.message.splitlines() if line)
        self._lines.append(f"{question}\n! The person ticks the box and accepts.")
        return ElicitResult(action="accept", content={"confirm": True})

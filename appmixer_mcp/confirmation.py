"""Asking before something is destroyed or decided: one mechanism for every tool that needs it.

A tool declares, beside itself, a preview: a function of the same arguments that says what would
be lost. The policy then decides whether the call goes on; the tool's own body knows nothing of it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from weakref import WeakValueDictionary

import anyio
from pydantic import SecretStr

from appmixer_mcp.state import MemoryState, SharedState

Policy = Literal["auto", "flag", "off"]

_VALID_S = 600.0
_MOST_PREVIEWS = 1_000  # of a server that keeps its own


@dataclass(frozen=True, kw_only=True)
class Impact:
    """What a call would destroy or decide."""

    question: str
    """One sentence for the person, with names and numbers: `Delete the flow "X", which runs?`"""
    losses: list[str]
    """What would be lost or decided, one line each."""
    identity: Mapping[str, str]
    """Facts that must still hold when the call is confirmed: id, name, stage, change time.

    Not what moves by itself, such as a count of records.
    """


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether a call goes on, and if not, what to tell the caller."""

    act: bool
    next_step: str = ""


@dataclass
class Confirmations:
    """Remembers which previews were given to whom, and decides by the operator's policy.

    `auto`: a call with `confirm=true` acts only after a preview of the same arguments, with the
    same identity facts, was given to the same principal in the last ten minutes; each preview
    serves once, and only a call that began after it was given. `flag`: `confirm=true` acts at once.
    `off`: every call acts at once.
    """

    policy: Policy
    state: SharedState = field(default_factory=lambda: MemoryState(max_entries=_MOST_PREVIEWS))
    """Keeps the previews; shared by workers, any of them takes the answer to a preview."""
    _locks: WeakValueDictionary[str, anyio.Lock] = field(
        default_factory=WeakValueDictionary[str, anyio.Lock]
    )

    def alone(self, *target: object) -> anyio.Lock:
        """Return the lock that a call holds from its preview to its end.

        Of calls of this process that ask about one object, each then sees what the one before
        did. Calls that ask nothing, such as starting a flow, do not wait.

        Args:
            target: The values that name the object, such as the ids of a store and a record.
        """
        return self._locks.setdefault(_digest(*target), anyio.Lock())

    async def decide(
        self,
        principal: str,
        tool: str,
        arguments: Mapping[str, Any],
        impact: Impact,
        *,
        confirm: bool,
        began_at: float,
    ) -> Decision:
        """Return whether the call acts now; a preview that is used up is forgotten first.

        Args:
            principal: Who calls: base URL and user.
            tool: The tool's name.
            arguments: Its arguments, without `confirm`.
            impact: What the call would do at this moment.
            confirm: Whether the caller says that the person agreed.
            began_at: When the call began, by the clock of `state`. Calls sent together with the
                one that asks for the preview come from somebody who has not seen it.

        Raises:
            UnavailableError: What several workers share does not answer.
        """
        if self.policy == "off" or (self.policy == "flag" and confirm):
            return Decision(act=True)
        if self.policy == "flag":
            return Decision(act=False, next_step=f"Call {tool} again with confirm=true to do it.")
        key, facts = f"preview:{_digest(principal, tool, arguments)}", _digest(impact.identity)
        seen = await self.state.take(key) if confirm else None
        seen_facts, given_at = json.loads(seen) if seen else ("", 0.0)
        if seen_facts == facts and given_at <= began_at:
            return Decision(act=True)
        preview = json.dumps((facts, await self.state.now()))
        await self.state.put(key, preview.encode(), ttl_s=_VALID_S)
        changed = seen_facts not in ("", facts)
        ask = f"Show this to the person; only if they agree, call {tool} again with confirm=true."
        return Decision(act=False, next_step=f"It changed, look again. {ask}" if changed else ask)


def _digest(*parts: object) -> str:
    text = json.dumps(parts, sort_keys=True, default=_opened)
    return hashlib.sha256(text.encode()).hexdigest()


def _opened(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

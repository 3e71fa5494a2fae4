"""Asking before something is destroyed or decided: one mechanism for every tool that needs it.

A tool declares, beside itself, a preview: a function of the same arguments that says what would
be lost. The policy then decides whether the call goes on; the tool's own body knows nothing of it.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Policy = Literal["auto", "flag", "off"]

_VALID_S = 600.0
_MOST_PREVIEWS = 1_000


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
    serves once. `flag`: `confirm=true` acts at once. `off`: every call acts at once.
    """

    policy: Policy
    clock: Callable[[], float] = time.monotonic
    _previews: dict[str, tuple[str, float]] = field(default_factory=dict)

    def decide(
        self,
        principal: str,
        tool: str,
        arguments: Mapping[str, Any],
        impact: Impact,
        *,
        confirm: bool,
    ) -> Decision:
        """Return whether the call acts now; a preview that is used up is forgotten first.

        Args:
            principal: Who calls: base URL and user.
            tool: The tool's name.
            arguments: Its arguments, without `confirm`.
            impact: What the call would do at this moment.
            confirm: Whether the caller says that the person agreed.
        """
        if self.policy == "off" or (self.policy == "flag" and confirm):
            return Decision(act=True)
        if self.policy == "flag":
            return Decision(act=False, next_step=f"Call {tool} again with confirm=true to do it.")
        key, facts = _digest(principal, tool, arguments), _digest(impact.identity)
        seen = self._previews.pop(key, None) if confirm else None
        if seen is not None and seen[1] >= self.clock() and seen[0] == facts:
            return Decision(act=True)
        self._remember(key, facts)
        changed = seen is not None and seen[0] != facts
        ask = f"Show this to the person; only if they agree, call {tool} again with confirm=true."
        return Decision(act=False, next_step=f"It changed, look again. {ask}" if changed else ask)

    def _remember(self, key: str, facts: str) -> None:
        now = self.clock()
        self._previews = {k: v for k, v in self._previews.items() if v[1] >= now and k != key}
        while len(self._previews) >= _MOST_PREVIEWS:
            del self._previews[next(iter(self._previews))]
        self._previews[key] = (facts, now + _VALID_S)


def _digest(*parts: object) -> str:
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()

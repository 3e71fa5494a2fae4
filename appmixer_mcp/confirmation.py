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
from weakref import WeakValueDictionary

import anyio
from pydantic import SecretStr

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
    serves once, and only a call that began after it was given. `flag`: `confirm=true` acts at once.
    `off`: every call acts at once.
    """

    policy: Policy
    clock: Callable[[], float] = time.monotonic
    _previews: dict[str, tuple[str, float]] = field(default_factory=dict)
    """What was asked, as a digest -> digest of the identity facts, and when it was given."""
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

    def decide(
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
            began_at: When the call began, by `clock`. Calls sent together with the one that asks
                for the preview come from somebody who has not seen it.
        """
        if self.policy == "off" or (self.policy == "flag" and confirm):
            return Decision(act=True)
        if self.policy == "flag":
            return Decision(act=False, next_step=f"Call {tool} again with confirm=true to do it.")
        key, facts = _digest(principal, tool, arguments), _digest(impact.identity)
        seen, given_at = self._previews.get(key, ("", 0.0))
        valid = given_at <= began_at <= given_at + _VALID_S
        if confirm and seen == facts and valid:
            del self._previews[key]
            return Decision(act=True)
        self._remember(key, facts)
        changed = confirm and seen not in ("", facts)
        ask = f"Show this to the person; only if they agree, call {tool} again with confirm=true."
        return Decision(act=False, next_step=f"It changed, look again. {ask}" if changed else ask)

    def _remember(self, key: str, facts: str) -> None:
        now = self.clock()
        self._previews = {
            k: v for k, v in self._previews.items() if v[1] + _VALID_S >= now and k != key
        }
        while len(self._previews) >= _MOST_PREVIEWS:
            del self._previews[next(iter(self._previews))]
        self._previews[key] = (facts, now)


def _digest(*parts: object) -> str:
    text = json.dumps(parts, sort_keys=True, default=_opened)
    return hashlib.sha256(text.encode()).hexdigest()


def _opened(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

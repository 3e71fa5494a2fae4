"""Asking before something is destroyed or decided: one mechanism for every tool that needs it.

A tool declares, beside itself, a preview: a function of the same arguments that says what would
be lost. The policy then decides whether the call goes on; the tool's own body knows nothing of it.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal
from uuid import uuid4
from weakref import WeakValueDictionary

import anyio
from pydantic import SecretStr

from appmixer_mcp.state import MemoryState, SharedState

Policy = Literal["auto", "flag", "token", "off"]

Reply = Literal["yes", "no", "dismissed", "late", "unasked", "spent"]
"""What became of a question: `unasked` is one that the client could not put to the person, `spent`
one that was answered before."""

VALID_S = 600.0
_MOST_LOSSES = 20  # that a person reads in a dialog
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
class Call:
    """A call of a tool that has a preview."""

    principal: str
    """Who calls: base URL and user."""
    base_url: str
    """Whose tenant it is about."""
    tool: str
    title: str
    arguments: Mapping[str, Any]
    """Without what confirms."""
    confirm: bool = False
    """Whether the caller says that the person agreed."""
    token: str = ""
    """What the preview gave along, where the policy is `token`."""
    began_at: float
    """By the clock of the shared state."""
    can_ask: bool
    """Whether the person can be asked through the client."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What the person is asked; counts stay those of the moment when it was."""

    impact: Impact
    facts: str
    """A digest of who calls and of the identity of what the question is about."""
    where: str
    yes: str

    @property
    def text(self) -> str:
        """The whole question, as the person reads it."""
        listed = "".join(f"\n- {line}" for line in self.impact.losses)
        return f"{self.impact.question}{listed}\nTenant: {self.where}"

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` makes the same question of, but for what `facts` stands for."""
        return asdict(replace(self, impact=replace(self.impact, identity={})))

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Question":
        """Return the question that `as_json` was asked of."""
        impact = Impact(**fields["impact"])
        return cls(impact=impact, facts=fields["facts"], where=fields["where"], yes=fields["yes"])


@dataclass(frozen=True)
class Answer:
    """What the person said to a question."""

    reply: Reply
    question: Question


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether a call goes on, and if not, what to tell the caller."""

    act: bool = False
    question: Question | None = None
    """To be put to the person before it is decided."""
    next_step: str = ""
    token: str = ""
    """Confirms the same call, once."""


@dataclass
class Confirmations:
    """Remembers which previews were given to whom, and decides by the operator's policy.

    `auto`: the person is asked where the client can; elsewhere a call with `confirm=true` acts only
    after a preview of the same arguments, with the same identity facts, was given to the same
    principal; each preview serves once, and only a call that began after it was given. `token`:
    likewise, but the second call must bring the token that came with the preview. `flag`:
    `confirm=true` acts at once. `off`: every call acts at once.
    """

    policy: Policy
    state: SharedState = field(default_factory=lambda: MemoryState(max_entries=_MOST_PREVIEWS))
    """Keeps the previews; shared by workers, any of them takes the answer to a preview."""
    valid_s: float = VALID_S
    """How long a preview or a question waits for its answer."""
    _locks: WeakValueDictionary[str, anyio.Lock] = field(
        default_factory=WeakValueDictionary[str, anyio.Lock]
    )

    def alone(self, *target: object) -> anyio.Lock:
        """Return the lock that a call holds from its preview to its end.

        Of calls of this process that ask about one object, each then sees what the one before
        did. Calls that ask nothing, such as starting a flow, do not wait, and nobody waits for a
        person.

        Args:
            target: The values that name the object, such as the ids of a store and a record.
        """
        return self._locks.setdefault(_digest(*target), anyio.Lock())

    async def expect_answer(self) -> str:
        """Return the number of a question whose answer comes with another call.

        Raises:
            UnavailableError: What several workers share does not answer.
        """
        number = uuid4().hex
        await self.state.put(_awaited(number), b"", ttl_s=2 * self.valid_s)
        return number

    async def take_answer(self, number: str) -> bool:
        """Say whether the question still waits; from then on it does not.

        Kept is what is open, not what was answered: what is forgotten, be it in a restart, is asked
        again and never done twice.

        Raises:
            UnavailableError: What several workers share does not answer.
        """
        return await self.state.take(_awaited(number)) is not None

    async def decide(self, call: Call, impact: Impact | None, answer: Answer | None) -> Decision:
        """Return whether the call acts now; what confirms it is used up first.

        Args:
            call: What is to be done.
            impact: What it would do at this moment; None when there is nothing to ask.
            answer: The person's yes, once they were asked.

        Raises:
            UnavailableError: What several workers share does not answer.
        """
        if answer is not None:
            return self._agreed(call, impact, answer)
        if impact is None or self.policy == "off" or (self.policy == "flag" and call.confirm):
            return Decision(act=True)
        if self.policy == "flag":
            return Decision(next_step=f"Call {call.tool} again with confirm=true to do it.")
        facts = _digest(call.principal, impact.identity)
        if call.can_ask:
            yes = f"Yes: {call.title}"
            shown = replace(impact, losses=_readable(impact.losses))
            return Decision(
                question=Question(impact=shown, facts=facts, where=call.base_url, yes=yes)
            )
        if self.policy == "token":
            return await self._by_token(call, facts)
        return await self._by_preview(call, facts)

    def refused(self, call: Call, reply: Reply) -> Decision:
        """Return what to tell the caller when the person did not say yes."""
        tool = call.tool
        if reply == "no":
            said = "The person said no, and nothing was changed. Do not ask again on your own."
        elif reply == "dismissed":
            said = (
                "The person closed the question without an answer, and nothing was changed. Ask "
                f"them what they want before you call {tool} again."
            )
        elif reply == "late":
            said = (
                f"Nobody answered in time ({self.valid_s:g} s), and nothing was changed. Call "
                f"{tool} again when the person is there; they are asked anew."
            )
        elif reply == "spent":
            said = (
                "That answer has served already, or is from before a restart. See whether it is "
                f"done before you call {tool} again."
            )
        else:
            said = (
                "The client says that it can ask the person, but it could not, and nothing was "
                "changed. Tell the person; APPMIXER_CONFIRM names other ways to confirm."
            )
        return Decision(next_step=said)

    def _agreed(self, call: Call, impact: Impact | None, answer: Answer) -> Decision:
        if impact is None or _digest(call.principal, impact.identity) != answer.question.facts:
            return Decision(
                next_step=f"It changed, look again: call {call.tool} once more, and the person is "
                "asked about what it is now."
            )
        return Decision(act=True)

    async def _by_preview(self, call: Call, facts: str) -> Decision:
        key = f"preview:{_digest(call.principal, call.tool, call.arguments)}"
        seen = await self.state.take(key) if call.confirm else None
        seen_facts, given_at = json.loads(seen) if seen else ("", 0.0)
        # Calls sent together with the one that asks come from somebody who has not seen it.
        if seen_facts == facts and given_at <= call.began_at:
            return Decision(act=True)
        preview = json.dumps((facts, await self.state.now()))
        await self.state.put(key, preview.encode(), ttl_s=self.valid_s)
        changed = "It changed, look again. " if seen_facts not in ("", facts) else ""
        return Decision(
            next_step=f"{changed}Show this to the person; only if they agree, call {call.tool} "
            "again with confirm=true."
        )

    async def _by_token(self, call: Call, facts: str) -> Decision:
        same_call = _digest(call.principal, call.tool, call.arguments)
        seen = await self.state.take(f"token:{_digest(call.token)}") if call.token else None
        seen_call, seen_facts = json.loads(seen) if seen else ("", "")
        if (seen_call, seen_facts) == (same_call, facts):
            return Decision(act=True)
        token = secrets.token_urlsafe(16)
        kept = json.dumps((same_call, facts)).encode()
        await self.state.put(f"token:{_digest(token)}", kept, ttl_s=self.valid_s)
        said = ""
        if call.token:
            changed = seen_call == same_call
            said = "It changed, look again. " if changed else "That token does not confirm this. "
        return Decision(
            next_step=f"{said}Show this to the person; only if they agree, call {call.tool} again "
            "with this confirm_token.",
            token=token,
        )


def _readable(losses: list[str]) -> list[str]:
    """Return as many lines as a person reads, and a client carries to and fro."""
    if len(losses) <= _MOST_LOSSES:
        return losses
    return [*losses[:_MOST_LOSSES], f"and {len(losses) - _MOST_LOSSES} more such lines"]


def _awaited(number: str) -> str:
    return f"question:{number}"


def _digest(*parts: object) -> str:
    text = json.dumps(parts, sort_keys=True, default=_opened)
    return hashlib.sha256(text.encode()).hexdigest()


def _opened(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

"""What a measurement says, and how much work it takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

TIMES = "×"  # noqa: RUF001 - the sign for a ratio, not the letter


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is done for each number."""

    starts: int
    """Starts of each server."""
    rounds: int
    """Turns that the servers take; each turn gives one latency and one throughput."""
    calls_a_round: int
    warm_up_calls: int
    memory_calls: int
    served_rounds: int
    """Turns of calls over HTTP for each number of callers and workers."""
    webhooks: int
    webhook_calls: int
    """Answered webhooks for each number of callers."""
    load_s: float
    """How long the engine is kept busy."""
    log_records: int
    log_searches: int
    """Of each kind."""


FULL = Effort(
    starts=15,
    rounds=9,
    calls_a_round=300,
    warm_up_calls=1_000,
    memory_calls=10_000,
    served_rounds=3,
    webhooks=1_000,
    webhook_calls=1_000,
    load_s=60.0,
    log_records=1_000_000,
    log_searches=200,
)
QUICK = Effort(
    starts=3,
    rounds=3,
    calls_a_round=50,
    warm_up_calls=100,
    memory_calls=500,
    served_rounds=2,
    webhooks=50,
    webhook_calls=50,
    load_s=3.0,
    log_records=20_000,
    log_searches=20,
)


@dataclass(frozen=True)
class Target:
    """The bound that a number should keep."""

    kind: Literal["≤", "<", "≥"]
    bound: float

    def met_by(self, value: float) -> bool:
        """Say whether a measured number keeps the bound."""
        match self.kind:
            case "≤":
                return value <= self.bound
            case "<":
                return value < self.bound
            case "≥":
                return value >= self.bound


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One line of the report."""

    name: str
    value: float
    unit: str
    target: Target | None = None
    """None: for information."""
    digits: int = 2
    """Shown after the decimal point."""
    details: str = ""
    """What the number comes from, and what the bare server did in the same run."""

    @property
    def met(self) -> bool | None:
        """Whether the target is kept; None when there is none."""
        return None if self.target is None else self.target.met_by(self.value)

    def shown(self, number: float) -> str:
        """Format a number as this measurement's."""
        return f"{number:,.{self.digits}f} {self.unit}"


def ratio(ours: Sequence[float], bare: Sequence[float]) -> float:
    """Return the median of the turns' ratios, which what else the machine does hardly moves.

    Args:
        ours: A number for each turn; never empty.
        bare: The other server's in the same turns.
    """
    return median(one / other for one, other in zip(ours, bare, strict=True))


def milliseconds(durations_s: Sequence[float]) -> str:
    """Format the median of durations."""
    return f"{median(durations_s) * 1000:,.1f} ms"

"""Time that a test turns."""

from dataclasses import dataclass


@dataclass
class Clock:
    """Stands still until a test turns it."""

    now: float = 0.0
    """In seconds."""

    def __call__(self) -> float:
        return self.now

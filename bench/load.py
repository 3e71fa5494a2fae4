"""Whether the sandbox's engine keeps its pace, and its memory, for as long as there is work."""

import json
import time
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from itertools import count, pairwise
from threading import Event, Thread

from bench.engine import start_chain
from bench.measurement import Effort, Measurement, Target
from bench.tenant import JSON_HEADERS, ORDER, connect, exchange, tenant

_SENDERS = 4
_WINDOWS = 6
_MOST_UNDER_WAY = 100  # orders that are accepted and not done
_BETWEEN_LOOKS_S = 0.1


def measure(effort: Effort) -> list[Measurement]:
    """Keep a chain of components busy: the slowest window counts, and what memory becomes."""
    window_s = effort.load_s / _WINDOWS
    with tenant() as user:
        store_id, webhook, length = start_chain(user)
        done, memory = [(time.perf_counter(), 0)], list[int]()
        with _senders(user.url, webhook) as progress:
            while len(done) <= _WINDOWS:
                time.sleep(_BETWEEN_LOOKS_S)
                progress.done = user.ask("GET", f"/store/count?storeId={store_id}")["count"]
                if time.perf_counter() - done[-1][0] >= window_s:
                    done.append((time.perf_counter(), progress.done))
                    memory.append(user.rss_bytes)
    rates = [
        (late - early) * length / (end - start) for (start, early), (end, late) in pairwise(done)
    ]
    return [
        Measurement(
            name=f"Sandbox: slowest {window_s:.0f} s of {effort.load_s:.0f} s under load",
            value=min(rates),
            unit="messages a second",
            target=Target("≥", 500),
            digits=0,
            details=f"logs on; {sum(rates) / len(rates):,.0f} messages a second on average",
        ),
        Measurement(
            name="Sandbox: memory growth under load",
            value=(memory[-1] - memory[0]) / 1e6,
            unit="MB",
            target=Target("<", 20),
            digits=1,
            details=f"from the end of the first {window_s:.0f} s to the end; then "
            f"{memory[-1] / 1e6:.0f} MB",
        ),
    ]


class _Progress:
    """What the senders have to know."""

    def __init__(self) -> None:
        self.done = 0
        self.over = Event()


@contextmanager
def _senders(url: str, webhook: str) -> Generator[_Progress]:
    """Send numbered orders until the block ends, never far more than are done."""
    progress = _Progress()
    threads = [
        Thread(target=_send, args=(url, webhook, count(first, _SENDERS), progress))
        for first in range(_SENDERS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield progress
    finally:
        progress.over.set()
        for thread in threads:
            thread.join()


def _send(url: str, webhook: str, numbers: Iterable[int], progress: _Progress) -> None:
    with closing(connect(url)) as connection:
        for number in numbers:
            while number - progress.done > _MOST_UNDER_WAY and not progress.over.is_set():
                progress.over.wait(_BETWEEN_LOOKS_S / 10)
            if progress.over.is_set():
                return
            body = json.dumps({**ORDER, "number": str(number)})
            exchange(connection, "POST", webhook, body, JSON_HEADERS)

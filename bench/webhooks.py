"""How long a caller of a webhook waits for the flow's own answer, alone and among others."""

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from statistics import quantiles

from bench.measurement import Effort, Measurement, Target, milliseconds
from bench.tenant import JSON_HEADERS, ORDER, connect, exchange, tenant

_HOOK, _RESPONSE = "hook", "response"
_CALLERS = (1, 16, 100)
_TARGETS = {100: Target("<", 2_000)}
_FLOW = {
    _HOOK: {
        "type": "appmixer.utils.http.WebhookTrigger",
        "config": {"properties": {"immediateResponse": False}},
    },
    _RESPONSE: {
        "type": "appmixer.utils.http.Response",
        "source": {"in": {_HOOK: ["request"]}},
        "config": {
            "transform": {
                "in": {
                    _HOOK: {
                        "request": {
                            "type": "json2new",
                            "modifiers": {},
                            "lambda": {"body": "{{{$.hook.request.data}}}", "statusCode": 200},
                        }
                    }
                }
            }
        },
    },
}


def measure(effort: Effort) -> list[Measurement]:
    """Call a webhook whose answer another component of the flow gives."""
    with tenant() as user:
        path = f"/flows/{user.started('Echo', _FLOW)}/components/{_HOOK}"
        _durations_s(user.url, path, 1, effort.webhook_calls)
        return [
            _measurement(callers, _durations_s(user.url, path, callers, effort.webhook_calls))
            for callers in _CALLERS
        ]


def _measurement(callers: int, durations_s: Sequence[float]) -> Measurement:
    """Report the 95th percentile; every call was answered by the flow, or an error was raised."""
    return Measurement(
        name=f"Sandbox: webhook answered, {callers} at once",
        value=quantiles(durations_s, n=20)[-1] * 1000,
        unit="ms",
        target=_TARGETS.get(callers),
        digits=1,
        details=f"95th percentile of {len(durations_s):,} calls through two components; median "
        f"{milliseconds(durations_s)}, longest {max(durations_s) * 1000:,.1f} ms",
    )


def _durations_s(url: str, path: str, callers: int, calls: int) -> list[float]:
    def caller(first: int) -> list[float]:
        found: list[float] = []
        with closing(connect(url)) as connection:
            for number in range(first, max(calls, 2 * callers), callers):
                order = {**ORDER, "number": number}
                began = time.perf_counter()
                answer = exchange(connection, "POST", path, json.dumps(order), JSON_HEADERS)
                found.append(time.perf_counter() - began)
                if answer != order:
                    raise RuntimeError(f"The webhook answered {answer!r} to {order!r}.")
        return found

    with ThreadPoolExecutor(callers) as pool:
        return [one for found in pool.map(caller, range(callers)) for one in found]

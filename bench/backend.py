"""A backend that costs next to nothing: it answers the calls about flows from memory.

It takes the number of flows as its only argument, and prints its URL when it accepts connections.
"""

import json
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import uvicorn

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def _flow(number: int) -> dict[str, Any]:
    return {
        "flowId": f"5f2d7a3c-9b1e-4c46-8d0a-{number:012}",
        "userId": "5f804b96ea48ec47a8c444a7",
        "name": f"Order intake {number}",
        "description": "Validates an order and asks for approval above a limit.",
        "stage": "running" if number % 2 else "stopped",
        "btime": "2026-01-05T09:14:07.120Z",
        "mtime": "2026-02-11T16:40:32.511Z",
        "started": "2026-02-11T16:40:33.002Z",
        "stopped": None,
        "type": "automation",
        "customFields": {"team": "sales"},
        "sharedWith": [],
    }


def _app(flows: int) -> App:
    answers = {
        "/flows": json.dumps([_flow(number) for number in range(flows)]).encode(),
        "/flows/count": json.dumps({"count": flows}).encode(),
    }

    async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
        body = answers[scope["path"]]
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


def _serve(flows: int) -> None:
    # asyncio sends at once (TCP_NODELAY) only over sockets that name their protocol; over others an
    # answer in two parts waits 40 ms for the first one's acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        _app(flows),
        lifespan="off",
        log_level="warning",
        access_log=False,
        # Longer than clients keep a connection: one that both give up at once fails a call.
        timeout_keep_alive=60,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    _serve(int(sys.argv[1]))

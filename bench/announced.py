"""An application that says on stderr when a worker serves it; BENCH_APP names its factory."""

import os
import sys
from importlib import import_module
from typing import Any

READY = "this worker serves"


def create_app() -> Any:
    """Return what `uvicorn --factory` serves."""
    module, _, factory = os.environ["BENCH_APP"].partition(":")
    app = getattr(import_module(module), factory)()

    async def announced(scope: Any, receive: Any, send: Any) -> None:
        async def send_and_say(message: Any) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                sys.stderr.write(f"{READY}\n")
                sys.stderr.flush()

        await app(scope, receive, send_and_say if scope["type"] == "lifespan" else send)

    return announced

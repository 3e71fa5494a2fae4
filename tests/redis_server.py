"""A real Redis for tests: on a free port of loopback, in a directory of its own, keeping nothing.

A module whose tests need it says `pytestmark = needs_redis` and makes its own fixture of
`running_redis()`; starting one takes about 50 ms.
"""

import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer

import pytest
from pydantic import SecretStr

_PROGRAM = shutil.which("redis-server")
_READY = "Ready to accept connections"

needs_redis = pytest.mark.skipif(
    _PROGRAM is None, reason="needs redis-server on the PATH, such as Debian's package of that name"
)


class RedisServer:
    """One server, which tests may stop, freeze and start again; its port stays."""

    def __init__(self, directory: Path, port: int, password: str = "") -> None:
        self.port = port
        self._directory = directory
        self._password = password
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> SecretStr:
        """What `APPMIXER_REDIS_URL` is set to."""
        user = f":{self._password}@" if self._password else ""
        return SecretStr(f"redis://{user}127.0.0.1:{self.port}/0")

    def start(self) -> None:
        """Return once it accepts connections; it knows nothing of an earlier life."""
        assert _PROGRAM is not None, "see needs_redis"
        settings = f"port {self.port}\nbind 127.0.0.1\nsave ''\nappendonly no\n" + (
            f"requirepass {self._password}\n" if self._password else ""
        )
        process = self._process = subprocess.Popen(
            [_PROGRAM, "-", "--dir", str(self._directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        process.stdin.write(settings)
        process.stdin.close()
        said = _lines_until_ready(process)
        if _READY not in said[-1]:
            self.stop()
            raise RuntimeError(f"redis-server on port {self.port} ended: {''.join(said)}")

    def stop(self) -> None:
        """Kill it, as a crash would; does nothing when it does not run."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(timeout=10)
            assert process.stdout is not None
            process.stdout.close()

    def freeze(self) -> None:
        """Let it go silent: connections stay, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on where it was frozen."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def running_redis(password: str = "") -> Iterator[RedisServer]:
    """Run a server, and kill it in the end, whatever was done with it."""
    with tempfile.TemporaryDirectory(prefix="redis-") as directory:
        server = _started(Path(directory), password)
        try:
            yield server
        finally:
            server.stop()


def _started(directory: Path, password: str) -> RedisServer:
    for _ in range(4):  # somebody else may take the port before Redis does
        with suppress(RuntimeError):
            return _start(directory, password)
    return _start(directory, password)


def _start(directory: Path, password: str) -> RedisServer:
    server = RedisServer(directory, _free_port(), password)
    server.start()
    return server


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def _lines_until_ready(process: subprocess.Popen[str]) -> list[str]:
    """Read until it is ready or ends; one that does neither in time is killed, which ends it."""
    assert process.stdout is not None
    watchdog = Timer(30, process.kill)
    watchdog.start()
    said: list[str] = []
    try:
        for line in process.stdout:
            said.append(line)
            if _READY in line:
                break
    finally:
        watchdog.cancel()
    return said or ["it said nothing"]

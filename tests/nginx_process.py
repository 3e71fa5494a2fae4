"""A real nginx for tests: docs/deploy/nginx.conf, moved to free ports and files of its own."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.certificates import self_signed

CONFIG = Path(__file__).parent.parent / "docs" / "deploy" / "nginx.conf"
NAME = "mcp.example.com"
_PROGRAM = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
_AROUND = """\
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events {}
http {
    client_body_temp_path body;
    proxy_temp_path proxied;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include appmixer-mcp.conf;
}
"""

needs_nginx = pytest.mark.skipif(
    _PROGRAM is None, reason="needs nginx, such as Debian's package nginx-light"
)


@dataclass(frozen=True)
class Nginx:
    """Where it answers, and what it takes to believe that it is `NAME`."""

    tls_port: int
    plain_port: int
    trust: ssl.SSLContext
    access_log: Path


@contextmanager
def running_nginx(home: Path, servers: Sequence[int]) -> Iterator[Nginx]:
    """Run it before servers at these ports, and kill it in the end."""
    found = moved(home, servers)
    with subprocess.Popen(_command(home), stderr=subprocess.PIPE, text=True) as process:
        try:
            _await(process, found.tls_port)
            yield found
        finally:
            process.kill()
            process.communicate(timeout=10)


def moved(home: Path, servers: Sequence[int]) -> Nginx:
    """Write everything that nginx reads into a directory, and say where it will answer."""
    tls, plain = _free_ports(2)
    text = CONFIG.read_text("utf-8")
    for number, port in enumerate(servers, start=1):
        text = replaced(text, f"server-{number}:8000", f"127.0.0.1:{port}")
    text = replaced(text, "listen 443", f"listen 127.0.0.1:{tls}")
    text = replaced(text, "listen 80", f"listen 127.0.0.1:{plain}")
    text = replaced(text, "/etc/nginx/tls", str(home))
    text = replaced(text, "/var/log/nginx", str(home))
    (home / "appmixer-mcp.conf").write_text(text, "utf-8")
    (home / "nginx.conf").write_text(_AROUND, "utf-8")
    certificate = self_signed(home, NAME)  # and its key, in one file
    for file in ("fullchain.pem", "privkey.pem"):
        shutil.copy(certificate, home / file)
    trust = ssl.create_default_context(cafile=certificate)
    return Nginx(tls, plain, trust, home / "access.log")


def said_of_configuration(home: Path) -> str:
    """Return what `nginx -t` says of what `moved` has written."""
    checked = subprocess.run(
        [*_command(home), "-t"], capture_output=True, text=True, check=False, timeout=30
    )
    return checked.stderr


def replaced(text: str, old: str, new: str) -> str:
    """Replace what has to be there."""
    assert old in text, f"{CONFIG.name} has no {old!r}"
    return text.replace(old, new)


def _command(home: Path) -> list[str]:
    assert _PROGRAM is not None, "see needs_nginx"
    return [_PROGRAM, "-p", str(home), "-c", "nginx.conf", "-e", "stderr"]


def _await(process: "subprocess.Popen[str]", port: int) -> None:
    """Return once it accepts connections."""
    while process.poll() is None:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise RuntimeError(f"nginx ended: {process.communicate(timeout=10)[1]}")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports

# ruff: noqa: PLC0415 - what start-up must not wait for is imported where it is used
"""`appmixer-mcp sandbox`: the sandbox's REST API alone, for any Appmixer client."""

import ipaddress
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

from pydantic import SecretStr

from appmixer_mcp.errors import ConfigurationError
from appmixer_mcp.hosting import TenantThread, listen, tenant_config
from appmixer_mcp.ownership import DataDirectory


@dataclass(frozen=True, kw_only=True)
class StandaloneOptions:
    """What the command line says about a sandbox that serves alone."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 2200
    """0 takes a free one."""
    demo: bool = True
    demo_password: str = ""
    """Empty takes the random one of the data directory."""
    dialect: Literal["appmixer", "openapi"] = "appmixer"


def run_sandbox(options: StandaloneOptions, **tenant: Any) -> int:
    """Serve until SIGTERM or SIGINT; print the URL when connections are accepted.

    Args:
        options: The command line's.
        tenant: Further fields of the tenant's configuration.

    Returns:
        The exit code: 0 after a signal, 1 when the sandbox ended by itself.

    Raises:
        ConfigurationError: The directory is in use, or the address cannot be served.
    """
    if not (_is_loopback(options.host) or not options.demo or options.demo_password):
        raise ConfigurationError(
            f"Others can reach {options.host}. Add --no-demo, or give the demo user a password of "
            "your own with --demo-password."
        )
    directory = DataDirectory(options.data_dir)
    if not directory.try_own():
        owner = directory.owner()
        where = f"at {owner.url} (process {owner.pid})" if owner else "and is just starting"
        raise ConfigurationError(
            f"The sandbox in {options.data_dir} already runs {where}. Use that one, or choose "
            "another directory with --data."
        )
    try:
        return _serve(options, directory, tenant)
    finally:
        directory.release()


def _serve(options: StandaloneOptions, directory: DataDirectory, tenant: dict[str, Any]) -> int:
    from appmixer_mcp.sandbox.config import LOCAL_USER

    secrets = directory.secrets()
    password = options.demo_password or secrets.demo_password
    listener = listen(options.host, options.port)
    port: int = listener.getsockname()[1]
    url = f"http://{_reachable(options.host)}:{port}"
    config = tenant_config(
        directory.path,
        url,
        secrets,
        demo=options.demo,
        demo_password=SecretStr(password),
        dialect=options.dialect,
        **tenant,
    )
    ends: SimpleQueue[int] = SimpleQueue()  # the one queue that a signal handler may put into
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: ends.put(0))
    thread = TenantThread(config, listener, ended=lambda: ends.put(1))
    thread.start()
    directory.announce(url, port, secrets.local_key)
    sys.stdout.write(f"{url}\n")
    if options.demo and sys.stdout.isatty():
        sys.stdout.write(f"Sign in as {LOCAL_USER} with the password {password}\n")
    sys.stdout.flush()
    exit_code = ends.get()
    thread.stop()
    return exit_code


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reachable(host: str) -> str:
    """Return what clients of this machine write for an address that is listened on."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1" if host == "0.0.0.0" else "[::1]"  # noqa: S104 - likewise
    return f"[{host}]" if ":" in host else host

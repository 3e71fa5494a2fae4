# ruff: noqa: PLC0415 - what serves over HTTP is loaded where it is served
"""`appmixer-mcp doctor`: what is configured, what answers, and what does not; never a secret."""

import platform
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version

from pydantic import SecretStr

from appmixer_mcp import __version__
from appmixer_mcp.errors import AppmixerError, NotSignedInError
from appmixer_mcp.ownership import DataDirectory
from appmixer_mcp.settings import PREFIX, Settings, unknown_variables
from appmixer_mcp.wiring import Wiring

_WELL, _ILL = 0, 1


async def examine(settings: Settings) -> int:
    """Print the findings.

    Args:
        settings: The operator's.

    Returns:
        The exit code: 0 all is well, 1 something does not answer or has no effect.
    """
    async with Wiring(settings) as wiring:
        server = wiring.server()
        _say(
            f"appmixer-mcp {__version__}, Python {platform.python_version()}, "
            f"mcp {version('mcp')}, httpx2 {version('httpx2')}"
        )
        # It counts from the start of the process: imports and the interpreter are in it.
        _say(f"Start-up took {time.process_time():.2f} s of processor time.")
        _say(f"{len(server.offering.specs)} tools are served (toolsets {settings.toolsets}).")
        _say("", "Settings")
        for name in Settings.model_fields:
            _say(f"  {PREFIX}{name.upper()}: {_shown(settings, name)}")
        if settings.profile:
            _say(f"  {_of_profile(wiring)}")
        unknown = [f"  {name} is no setting and has no effect." for name in unknown_variables()]
        _say(*unknown)
        _say("", "Tenant")
        answers = await _examine_tenant(wiring)
        served = await _examine_serving(settings) if _is_served(settings) else True
    return _WELL if answers and served and not unknown else _ILL


def _is_served(settings: Settings) -> bool:
    return settings.auth != "none" or bool(settings.public_url or settings.redis_url)


async def _examine_serving(settings: Settings) -> bool:
    from appmixer_mcp.state import open_state
    from appmixer_mcp.web.app import build_app

    _say("", "Serving over HTTP")
    try:
        build_app(settings)
        async with open_state(redis_url=settings.redis_url, file=None) as state:
            await state.now()
    except AppmixerError as error:
        _say(f"  It would not work: {error}")
        return False
    shared = "Redis answers" if settings.redis_url else "Without Redis, one process serves"
    _say(f"  The settings go together (--auth {settings.auth}). {shared}.")
    return True


async def _examine_tenant(wiring: Wiring) -> bool:
    began = time.perf_counter()
    operated = wiring.settings.auth == "none"
    try:
        client = await (wiring.session.client() if operated else wiring.client_of(None))
        opened = time.perf_counter()
        user = await client.users.get_user()
    except AppmixerError as error:
        if isinstance(error, NotSignedInError) and not operated:
            _say(f"  {wiring.base_url}", "  It answers; over HTTP each person signs in there.")
            return True
        _say(f"  It cannot be used: {error}")
        return False
    now = time.perf_counter()
    if wiring.session.in_sandbox:
        _say(f"  The embedded sandbox in {wiring.settings.data_dir}", f"  {_owner(wiring)}")
        _say(f"  It was found or opened in {(opened - began) * 1000:.0f} ms.")
    else:
        _say(f"  {wiring.session.base_url}")
    _say(f"  It signed in and answered in {(now - opened) * 1000:.0f} ms.")
    _say(f"  Signed in as {user.username or user.user_id} with {client.signed_in_with}.")
    expires_at = client.token_expires_at
    if expires_at is not None:
        days = (expires_at - datetime.now(UTC)).total_seconds() / 86_400
        _say(f"  The access token expires at {expires_at:%Y-%m-%d %H:%M} UTC, in {days:.1f} days.")
    return True


def _of_profile(wiring: Wiring) -> str:
    name = wiring.settings.profile
    profile = wiring.profiles.get(name)
    kept = f"The profile {name} is in {wiring.profiles.file}, its credentials: {profile.where}."
    used = profile.base_url == wiring.base_url
    return kept if used else f"{kept} None of it is used: --base-url names another tenant."


def _owner(wiring: Wiring) -> str:
    if wiring.sandbox.owner:
        return (
            "No process serves it, so this check ran it for a moment. Its flows run only while "
            "`appmixer-mcp` or `appmixer-mcp sandbox` does."
        )
    owner = DataDirectory(wiring.settings.data_dir).owner()
    process = f"process {owner.pid}" if owner else "another process"
    return f"It is run by {process} at {wiring.sandbox.url}"


def _shown(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    if name not in settings.model_fields_set:
        return "not set" if value in (None, "") else f"not set, so {value}"
    return "set, not shown" if isinstance(value, SecretStr) else str(value)


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))

"""A sandbox engine on a temporary directory, with a clock that tests turn."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from appmixer_mcp.sandbox import components
from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.config import TenantConfig
from tests.blank_tenant import blank
from tests.sandbox.harness import Library, Run, Sandbox, open_sandbox


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 31, 8, 0, tzinfo=UTC))


@pytest.fixture
def config(tmp_path: Path) -> TenantConfig:
    """Override in a module, with dataclasses.replace, to change a setting."""
    return TenantConfig(
        data_dir=blank(tmp_path / "tenant"),
        public_url="http://127.0.0.1:2200",
        jwt_key=SecretStr("0123456789abcdef0123456789abcdef"),
        demo=False,
        egress="off",
    )


@pytest.fixture
def library() -> Library:
    """Override in a module to add components of the test's own."""
    return components.find


@pytest.fixture
async def sandbox(
    config: TenantConfig, clock: ManualClock, library: Library
) -> AsyncIterator[Sandbox]:
    async with open_sandbox(config, clock, library=library) as opened:
        yield opened


@pytest.fixture
def run_flow(sandbox: Sandbox) -> Callable[..., Awaitable[Run]]:
    """Give what stores a flow, starts it and waits until it is idle, as a function to await."""
    return sandbox.run

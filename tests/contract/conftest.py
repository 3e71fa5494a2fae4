"""The tenants of a process."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.config import TenantConfig
from tests.contract.documents import PUBLIC_URL, Dialect
from tests.contract.living import Living, living


def config(directory: Path, dialect: Dialect) -> TenantConfig:
    return TenantConfig(
        data_dir=directory / "tenant",
        public_url=PUBLIC_URL,
        jwt_key=SecretStr("0123456789abcdef0123456789abcdef"),
        demo=False,
        dialect=dialect,
        egress="off",
        webhook_timeout_s=0.05,
    )


@pytest.fixture(scope="session")
def turning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    """A tenant whose clock stands still unless it is turned; every test makes its own users."""
    clock = ManualClock(datetime(2026, 1, 31, 8, 0, tzinfo=UTC))
    with living(config(tmp_path_factory.mktemp("turning"), "appmixer"), clock) as tenant:
        yield tenant


@pytest.fixture(scope="session")
def tenants(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[Dialect, Living]]:
    """A tenant for each dialect; all tests of a process use them, with users of their own."""
    with ExitStack() as stack:
        found: dict[Dialect, Living] = {}
        for dialect in ("appmixer", "openapi"):
            opening = living(config(tmp_path_factory.mktemp(dialect), dialect))
            found[dialect] = stack.enter_context(opening)
        yield found

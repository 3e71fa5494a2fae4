"""What every test can ask for."""

import os

import pytest


def pytest_addoption(parser):
    parser.addoption(
        "--update-surface", action="store_true", help="rewrite the snapshots in tests/surface/"
    )
    parser.addoption("--update-docs", action="store_true", help="rewrite the tables in README.md")


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    """Keep the developer's own tenant out of the tests."""
    for name in list(os.environ):
        if name.startswith("APPMIXER_"):
            monkeypatch.delenv(name)

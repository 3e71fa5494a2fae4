"""What every test can ask for."""

import gc
import json
import os

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # ships no types

from tests.secrets_watch import WATCH


def pytest_addoption(parser):
    parser.addoption(
        "--update-surface", action="store_true", help="rewrite the snapshots in tests/surface/"
    )
    parser.addoption(
        "--update-docs", action="store_true", help="rewrite tables and pictures of the documents"
    )
    parser.addoption(
        "--nothing-skipped", action="store_true", help="fail when a test could not be run"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Keep the tests of a group on one worker.

    pytest-xdist 3.8 names the group where pytest 9.2 no longer looks. To go with its next release.
    """
    for item in items:
        named = vars(item).pop("_nodeid", None)
        if named is not None:
            item._id = type(item.id).parse(named)


def pytest_terminal_summary(terminalreporter, config):
    """Name what was skipped, where nothing may be."""
    if config.getoption("--nothing-skipped"):
        for report in terminalreporter.getreports("skipped"):
            terminalreporter.write_line(f"NOT RUN {report.nodeid}: {report.longrepr}")


def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    wanted = session.config.getoption("--nothing-skipped")
    if wanted and reporter and reporter.getreports("skipped") and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def anyio_backend():
    """Lets fixtures of any scope be asynchronous; those of a module share its event loop."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    """Keep the developer's own tenant out of the tests."""
    for name in list(os.environ):
        if name.startswith("APPMIXER_"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _nothing_secret_is_logged():
    """Fail the test in or before which a secret was logged, by whatever part of the program."""
    WATCH.attach()
    yield
    found = WATCH.take()
    assert not found, "secrets were logged:\n" + "\n".join(found)


@pytest.fixture(autouse=True, scope="session")
def _nothing_secret_is_logged_in_the_end():
    """Look at what is logged after the last test, too."""
    yield
    found = WATCH.take()
    assert not found, "secrets were logged at the end:\n" + "\n".join(found)


@pytest.fixture(autouse=True, scope="session")
def _a_schema_is_checked_once():
    """Spare thousands of clients to check the same hundred schemas, which takes most of a call."""
    check = Draft202012Validator.check_schema
    checked = set()

    def check_once(schema, *arguments, **options):
        text = json.dumps(schema)
        if text not in checked:
            check(schema, *arguments, **options)
            checked.add(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Draft202012Validator, "check_schema", check_once)
        yield


def pytest_collection_finish():
    """Spare the collector what stays until the end: thousands of tests and all they import."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)

"""What is written to the log, and what is cut out of it."""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from appmixer_mcp.log import JsonFormatter, RedactingFormatter, set_up_logging
from appmixer_mcp.redaction import redacted
from tests.secrets_watch import WATCH, SecretsWatch

# In two parts, so that no search for secrets takes this file for a leak.
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl"
OURS = "amx_at_" + "Zm9vYmFyYmF6" * 4
UVICORN = ("uvicorn", "uvicorn.error", "uvicorn.access")


@pytest.fixture
def stderr(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Gives what was written there; what the set-up of logging changes is undone."""
    loggers = [logging.getLogger(name) for name in (None, "appmixer_mcp", *UVICORN)]
    before = [(one.handlers[:], one.level, one.propagate, one.disabled) for one in loggers]
    yield lambda: capsys.readouterr().err
    for logger, (handlers, level, propagate, disabled) in zip(loggers, before, strict=True):
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate, logger.disabled = propagate, disabled


def failed(text: str) -> logging.LogRecord:
    """Return the record of a failure with a text of somebody else in it."""
    try:
        json.loads("{}")[text]
    except KeyError:
        return logging.LogRecord("x", logging.ERROR, "x", 1, "it failed", None, sys.exc_info())
    pytest.fail("it did not fail")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"a token {JWT} in it.", "a token [secret] in it."),
        (f"'a\\n{JWT}'", "'a\\n[secret]'"),
        (JWT.rpartition(".")[0], "[secret]"),
        (f"{OURS} was refused", "amx_at_[secret] was refused"),
        (OURS.replace("_at_", "_cs_"), "amx_cs_[secret]"),
        (f"Authorization: Bearer {JWT}", "Authorization: Bearer [secret]"),
        ("Authorization: Bearer opensesame", "Authorization: Bearer [secret]"),
        ("it sent bearer abc123def.", "it sent bearer [secret]"),
        ("Basic YWRhOmh1bnRlcg==", "Basic [secret]"),
        ("('authorization', 'Bearer abc')", "('authorization', 'Bearer [secret]')"),
        ("[(b'cookie', b'a=b; c=d')]", "[(b'cookie', b'[secret]')]"),
        ('{"authorization": "raw-token"}', '{"authorization": "[secret]"}'),
        ("Set-Cookie: sid=abc; Secure", "Set-Cookie: [secret]"),
        ("Mcp-Session-Id: 5d41402abc", "Mcp-Session-Id: [secret]"),
        ("https://ada:pass@host/x", "https://[secret]@host/x"),
        ("https://tok3n@host/x", "https://[secret]@host/x"),
        ("redis://:pa/ss@host:6379/0", "redis://[secret]@host:6379/0"),
        ("GET /tasks?secret=abc&page=2", "GET /tasks?secret=[secret]&page=2"),
        ("/cb?code=abc&state=1", "/cb?code=[secret]&state=1"),
        ("/messages/?session_id=5d4140", "/messages/?session_id=[secret]"),
        (
            "grant_type=x&code=abc&code_verifier=def&client_secret=ghi",
            "grant_type=x&code=[secret]&code_verifier=[secret]&client_secret=[secret]",
        ),
        ("password=open%20sesame&username=ada", "password=[secret]&username=ada"),
        ("to=https%3A%2F%2Fhost%3Ftoken%3Dabc", "to=https%3A%2F%2Fhost%3Ftoken%3D[secret]"),
        ('{"password": "a \\"b\\" c", "user": "ada"}', '{"password": "[secret]", "user": "ada"}'),
        (r"{\"password\": \"abc\", \"a\": 1}", r"{\"password\": \"[secret]\", \"a\": 1}"),
        ("{'access_token': 'abc', 'x': 2}", "{'access_token': '[secret]', 'x': 2}"),
        ('{"refresh_token": 12345}', '{"refresh_token": [secret]}'),
        ("    token = 'abc'", "    token = '[secret]'"),
        ("APPMIXER_ACCESS_TOKEN=abc", "APPMIXER_ACCESS_TOKEN=[secret]"),
        ('the last "password": "never ends', 'the last "password": "[secret]'),
    ],
)
def test_a_secret_is_cut_out_wherever_it_stands(text: str, shown: str) -> None:
    assert redacted(text) == shown
    assert redacted(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "The bearer token was refused. Bearer tokens and basic authentication are known.",
        "Send the header `Authorization: Bearer TOKEN`; the client's settings hold it.",
        'WWW-Authenticate: Bearer realm="Appmixer", error="invalid_token"',
        'Bearer resource_metadata="https://mcp.example.com/.well-known/x"',
        "GET http://127.0.0.1:2200/user/ada@example.com",
        "GET http://[::1]:2200/user/ada@example.com",
        "exit code=1, status code=404, https://example.com/?page=2&limit=3",
        '{"code": -32602, "message": "no such tool"}, {"code": "ECONNREFUSED"}',
        "max_tokens=5 token_type=bearer tokens: 5 next token: none",
        "Set a cookie, then call again. password: it is in your vault.",
        "token=None password=SecretStr('**********')",
        "flow 5f3c9d4e-11aa in 12 ms, sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c",
        "A token begins with eyJ or amx_at_.",
        "list_flows: done in 12 ms",
    ],
)
def test_innocent_text_stays_as_it_is(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    "unit",
    [
        "eyJ", "eyJaaaaaaaaaaaaa.", "a.", "-", " ", "\\", '"', "bearer ", "Bearer eyJ",
        "://", "://a:", "://a:b", "token", "token=", "token=\\", '"password":"',
        '\\"token\\":\\"', "amx_at_", "cookie: a=", "'cookie','", "authorization: bearer ",
        "?code=", "token%3D", "mcp-session-id:",
    ],
)  # fmt: skip
def test_a_strangers_long_text_does_not_hold_the_server_up(unit: str) -> None:
    """Anything worse than linear takes longer than anybody would wait for the tests."""
    redacted(unit * (50_000 // len(unit)))
    redacted("token=" + "\\" * 20_000 + '"' + unit * (50_000 // len(unit)))


@pytest.mark.parametrize("make", [RedactingFormatter, JsonFormatter])
def test_an_exception_and_its_traceback_hold_no_secret(
    make: Callable[[], logging.Formatter],
) -> None:
    text = make().format(failed(f"no answer of redis://:open@host for Bearer {JWT}"))

    assert "KeyError" in text
    assert "Traceback" in text
    assert "redis://[secret]@host" in text
    assert JWT not in text


@pytest.mark.parametrize("name", ["message", "traceback"])
def test_a_strangers_text_cannot_look_like_a_line_of_ours(name: str) -> None:
    evil = "x\r\n\x1b[2JINFO appmixer_mcp.server: everything is fine"
    record = failed("x")
    record.exc_info = (ValueError, ValueError(evil), None)
    if name == "message":
        record = logging.makeLogRecord({"levelname": "INFO", "name": "x", "msg": evil})

    lines = RedactingFormatter().format(record).splitlines()

    assert not any(line.startswith("INFO appmixer_mcp") for line in lines)
    assert "\x1b" not in "".join(lines)


def test_in_json_a_line_is_an_object_with_the_extra_fields_redacted() -> None:
    record = logging.makeLogRecord(
        {
            "name": "appmixer_mcp.x",
            "levelname": "INFO",
            "msg": "call of %s\nwith %s",
            "args": ("ada", f"Bearer {JWT}"),
            "created": 1_700_000_000.25,
            "tool": "list_flows",
            "duration_ms": 12,
            "ratio": float("nan"),
            "headers": {"Authorization": "raw", "Accept": "*/*", "X": [f"Bearer {JWT}", None]},
            "password": 12345,
            "thing": failed,
            "level": "not ours",
        }
    )

    line = JsonFormatter().format(record)
    told = json.loads(line)

    assert "\n" not in line
    assert told.pop("thing").startswith("<function")
    assert told == {
        "ts": "2023-11-14T22:13:20.250+00:00",
        "level": "INFO",
        "logger": "appmixer_mcp.x",
        "message": "call of ada\nwith Bearer [secret]",
        "tool": "list_flows",
        "duration_ms": 12,
        "ratio": "nan",
        "headers": {"Authorization": "[secret]", "Accept": "*/*", "X": ["Bearer [secret]", None]},
        "password": "[secret]",
    }


def test_a_value_that_holds_itself_is_cut_off() -> None:
    loop: dict[str, Any] = {}
    loop["again"] = loop

    line = JsonFormatter().format(logging.makeLogRecord({"loop": loop}))

    assert "{...}" in line


def test_our_own_loggers_speak_from_the_level_on_and_libraries_from_warnings(
    stderr: Callable[[], str],
) -> None:
    set_up_logging("INFO")

    logging.getLogger("appmixer_mcp.x").debug("one")
    logging.getLogger("appmixer_mcp.x").info("two")
    logging.getLogger("some.library").info("three")
    logging.getLogger("some.library").warning("four")

    assert stderr() == "INFO appmixer_mcp.x: two\nWARNING some.library: four\n"


def test_json_is_written_when_it_is_asked_for(stderr: Callable[[], str]) -> None:
    set_up_logging("INFO", form="json")

    logging.getLogger("appmixer_mcp.x").info("one", extra={"tool": "list_flows"})

    told = json.loads(stderr())
    assert (told["message"], told["tool"]) == ("one", "list_flows")


def test_what_uvicorn_has_set_up_is_written_our_way_and_no_request_line_is(
    stderr: Callable[[], str],
) -> None:
    for name in UVICORN:  # as its own configuration does before it loads an application
        logging.getLogger(name).addHandler(logging.StreamHandler())
        logging.getLogger(name).setLevel(logging.INFO)
        logging.getLogger(name).propagate = False

    set_up_logging("INFO")
    logging.getLogger("uvicorn.access").warning("GET /messages/?session_id=abc")
    logging.getLogger("uvicorn.error").error("failed with Bearer %s", JWT)

    assert stderr() == "ERROR uvicorn.error: failed with Bearer [secret]\n"


def test_a_record_that_cannot_be_written_does_not_show_its_arguments(
    stderr: Callable[[], str],
) -> None:
    set_up_logging("INFO")

    logging.getLogger("some.library").warning("%d calls", JWT)

    assert stderr() == "WARNING some.library: a log record could not be written\n"


@pytest.mark.parametrize("secret", ["watched-thing", "s3cret", JWT, OURS])
def test_the_watch_over_the_test_run_finds_a_secret_and_does_not_repeat_it(secret: str) -> None:
    watch = SecretsWatch()

    watch.look("process 7", f"all is well\nit said {secret} again\n")
    found = watch.take()

    assert len(found) == 1
    assert found[0].startswith("process 7: it said ")
    assert secret not in found[0]
    assert watch.take() == []


@pytest.mark.parametrize(
    ("message", "finds"), [(f"Bearer {JWT} came", 0), ("the password of ada is s3cret", 2)]
)
def test_the_watch_reads_records_in_both_forms_as_they_would_be_written(
    message: str, finds: int
) -> None:
    watch = SecretsWatch()

    watch.handle(logging.makeLogRecord({"name": "x", "msg": message}))

    assert len(watch.take()) == finds


def test_the_watch_hears_what_our_program_logs_in_tests() -> None:
    logging.getLogger("appmixer_mcp.x").debug("the password is %s", "s3cret")

    assert len(WATCH.take()) > 0

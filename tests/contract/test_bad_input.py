"""Whatever strangers send to any endpoint, it is refused in the documented form or answered."""

import json
import re
from collections.abc import Callable

import jwt
import pytest
from _pytest.mark import ParameterSet

from appmixer_mcp.sandbox.routes.endpoint import Endpoint
from tests.contract.belongings import TRIGGER, Ids, made_for
from tests.contract.documents import served
from tests.contract.living import Town, town

STRANGE_IDS = [
    "%2e%2e", "%2f", "..%2f..%2fflows", "%00", "%ff", "%f0%9f%92%a5", "%20", "'%20OR%201=1--",
    "%25", "null", "-1", "x" * 5000, "%5cx", "*", "$ne", "[object%20Object]",
]  # fmt: skip
STRANGE_BODIES = [
    ("application/json", b"{"),
    ("application/json", b"\xff\xfe{\x00}\x00"),
    ("application/json", "{}".encode("utf-32")),
    ("application/json", b"\xef\xbb\xbf{}"),
    ("application/json", b'{"a": NaN}'),
    ("application/json", b'{"a": "\\ud800"}'),
    ("application/json", b'{"a": ' + b"9" * 5_000 + b"}"),
    ("application/json", b'{"a": 1e999}'),
    ("application/json", b'{"' + b"k" * 20_000 + b'": 1, "__proto__": {"x": 1}, "": null}'),
    ("application/json", b"[" * 50_000),
    ("application/json", b'{"a":' * 150 + b"1" + b"}" * 150),
    ("application/json", b"[[], {}, null, 1, true]"),
    ("application/json", b'"text"'),
    ("application/json; charset=no-such-charset", b"{}"),
    ("application/x-www-form-urlencoded", b"a=" + b"%ff&a=" * 2_000),
    ("text/plain; charset=utf-16", b"\x00\xd8"),
    ("multipart/form-data", b"--x\r\n\r\n"),
    ("multipart/form-data; boundary=", b"--\r\n\r\n----"),
    ("multipart/form-data; boundary=x", b"--y\r\nContent-Disposition: form-data\r\n\r\n1\r\n--y--"),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=file"),
    ("multipart/form-data; boundary=x", b"--x\r\n" + b"a" * 20_000 + b": 1\r\n\r\n--x--\r\n"),
    ("application/zip", b"PK\x03\x04" + b"\x00" * 60),
    ("application/octet-stream", b"\x00" * 100),
    ("nonsense;;;=", b"\x80"),
    ("", b"{}"),
]
STRANGE_HEADERS = {
    "content-length": "-1",
    "range": "bytes=-0,99999999999999999999-,a-b",
    "uploader-chunk-number": "9" * 400,
    "uploader-chunks-total": "-1",
    "uploader-chunk-size": "NaN",
    "uploader-file-name": "..\\..//\u00ff\u0000x",
    "uploader-file-id": "../../etc",
    "accept": "*/*;q=x" * 500,
    "cookie": "a" * 8_000,
    "if-none-match": "W/",
}
STRANGE_QUERIES = [
    "limit=-1&offset=x&sort=%00&projection=,,,&filter=:&filter[]=a:~&pattern=[",
    "limit=99999999999999999999&sort=a:1&sort=b:-1&sort=c:sideways&filter=a.b.c.d:!~",
    "limit=1&limit=2&limit=&pattern=(a%2B)%2B$&filter=%F0%28%8C%28:x",
    "flowId=%00&storeId=%00&query=" + "(" * 3_000 + "&from=x&to=y&size=1e9&searchAfter=x",
    "query=/(a%2B)%2B$/%20AND%20*a*a*a*a*b:[x%20TO%20}&searchAfter=%5B&buckets=true",
    "a=" * 3_000 + "&&&=&;=",
    "secret=x&role=nobody&secretType=x&ticket=%22&componentId=%7b%7d&code=%00&state=%00",
]


def named(kind: Callable[[Endpoint], bool] = lambda _: True) -> list[ParameterSet]:
    return [pytest.param(one, id=name) for name, one in served().items() if kind(one)]


def url(town: Town, endpoint: Endpoint, ids: Ids | None = None, otherwise: str = "x") -> str:
    path = re.sub(r"{(\w+)}", lambda one: (ids or {}).get(one[1], otherwise), endpoint.path)
    return town.tenant.url + path


def assert_refused_or_answered(town, method, target, headers=None, body=b""):
    """Nothing but success or a refusal in the documented form, and in bounded time."""
    who = town.root if "/users" in target else town.ann
    token = {"authorization": f"Bearer {who.token}"}

    answer = town.tenant.exchange(method, target, {**token, **(headers or {})}, body)

    assert answer.status_code < 500, (method, target, answer.text)
    if answer.status_code >= 400:
        found = answer.json()
        assert set(found) - {"details"} == {"statusCode", "error", "message"}
        assert found["statusCode"] == answer.status_code
        assert found["message"]


@pytest.fixture(name="town")
def new_town(tenants):
    return town(tenants["appmixer"])


@pytest.mark.parametrize("endpoint", named())
def test_strange_ids_and_queries_are_borne(town, endpoint):
    identifiers = STRANGE_IDS if "{" in endpoint.path else []

    for identifier in identifiers:
        assert_refused_or_answered(town, endpoint.method, url(town, endpoint, {}, identifier))
    target = url(town, endpoint, made_for(town.ann, endpoint.path))
    for query in STRANGE_QUERIES:
        assert_refused_or_answered(town, endpoint.method, f"{target}?{query}")


@pytest.mark.parametrize("endpoint", named(lambda one: one.method != "GET"))
def test_strange_bodies_and_headers_are_borne(town, endpoint):
    target = url(town, endpoint, made_for(town.ann, endpoint.path))
    for media_type, body in STRANGE_BODIES:
        headers = {"content-type": media_type}
        assert_refused_or_answered(town, endpoint.method, target, headers, body)
    for name, text in STRANGE_HEADERS.items():
        headers = {"content-type": "application/json", name: text}
        assert_refused_or_answered(town, endpoint.method, target, headers, b"{}")


@pytest.mark.parametrize("endpoint", named())
def test_who_has_no_good_token_gets_no_further(town, endpoint):
    target = url(town, endpoint)

    without = town.tenant.exchange(endpoint.method, target)
    with_a_bad_one = town.tenant.exchange(endpoint.method, target, {"authorization": "Bearer x"})

    if endpoint.auth == "required":
        assert without.status_code == 401
    if endpoint.auth != "none":
        assert with_a_bad_one.status_code == 401


@pytest.mark.parametrize("endpoint", named(lambda one: one.admin))
def test_only_an_administrator_gets_further_where_one_is_needed(town, endpoint):
    token = {"authorization": f"Bearer {town.ann.token}"}

    answer = town.tenant.exchange(endpoint.method, url(town, endpoint), token)

    assert answer.status_code == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"exp": "soon"},
        {"exp": 1},
        {"sub": None, "id": None},
        {"sub": {"$ne": ""}, "id": {"$ne": ""}},
        {"sub": "0" * 24, "id": "0" * 24},
        {"sub": ["a"], "id": ["a"]},
    ],
)
def test_a_token_with_wrong_claims_is_refused(town, claims):
    good = {"sub": town.ann.user_id, "id": town.ann.user_id, "exp": 9_999_999_999}
    payload = {name: value for name, value in (good | claims).items() if value is not None}
    signed = jwt.api_jws.encode(
        json.dumps(payload).encode(), town.tenant.config.jwt_key.get_secret_value(), "HS256"
    )

    answer = town.tenant.exchange(
        "GET", f"{town.tenant.url}/user", {"authorization": f"Bearer {signed}"}
    )

    assert answer.status_code == 401


def test_a_scope_that_somebody_wrote_into_their_token_is_not_theirs(town):
    claims = {"sub": town.ann.user_id, "id": town.ann.user_id, "exp": 9_999_999_999}
    forged = jwt.encode({**claims, "scope": ["admin"]}, "x" * 32, "HS256")

    answer = town.tenant.exchange(
        "GET", f"{town.tenant.url}/user", {"authorization": f"Bearer {forged}"}
    )

    assert answer.status_code == 401


@pytest.mark.parametrize(
    "query",
    [
        "(" * 2_000 + "a" + ")" * 2_000,
        " OR ".join("a" for _ in range(3_000)),
        "*a" * 500,
        "?" * 2_000,
        'flowId:"' + "a" * 5_000,
        "msg:/(a+)+$/",
        "severity:[* TO",
        "gridTimestamp:[9999999999999999999 TO *]",
        "gridTimestamp:{2026-99-99 TO now-1000000000y]",
        "a^1e999 b~99999999",
        "_exists_:",
        "'; DROP TABLE log; --",
        "NOT " * 1_000 + "a",
        "a\\",
        "\u0000",
        "msg:\U0001f600*",
        '+ - && || ! ( ) { } [ ] ^ " ~ * ? : \\ /',
    ],
)
def test_a_monstrous_search_is_answered_or_refused_in_time(town, query):
    for method, body in (("GET", None), ("POST", {"query": query, "aggs": {}})):
        answer = town.ann.ask(method, "/logs", body, **({"query": query} if body is None else {}))

        assert answer.status_code in (200, 400)


@pytest.mark.parametrize("path", ["/flows", "/stores", "/charts", "/files", "/people-task/tasks"])
def test_a_pattern_that_would_backtrack_for_ever_is_ended(town, path):
    town.ann.got("POST", "/flows", {"name": "a" * 60})
    town.ann.got("POST", "/stores", {"name": "a" * 60})

    answer = town.ann.ask("GET", path, pattern="^(a|a?)+$x")

    assert answer.status_code in (200, 400)


def test_what_was_sent_to_an_unknown_component_leads_nowhere(town):
    answer = town.tenant.exchange(
        "POST", f"{town.tenant.url}/flows/x/components/{TRIGGER}", {}, b"x"
    )

    assert answer.status_code == 404

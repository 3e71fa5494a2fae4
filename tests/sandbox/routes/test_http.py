"""What holds for every path: errors, bodies, hosts, origins, encoded paths."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import anyio
import httpx2
import pytest

from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import Client, problem


@pytest.fixture
def config(config: TenantConfig) -> TenantConfig:
    return replace(
        config, cors_origins=("https://app.example.com",), allowed_hosts=("sandbox.example.com",)
    )


async def test_the_tenant_says_that_it_lives_to_anybody(visitor: Client) -> None:
    answer = await visitor.get("/", headers={"Authorization": "Bearer nonsense"})

    assert answer.json()["status"] == "ok"
    assert answer.json()["version"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/flows/", 404),
        ("PATCH", "/flows", 404),
        ("HEAD", "/flows", 404),
        ("GET", "/flows/%2e%2e/stores", 404),
        ("GET", "/flows/..%2fstores", 404),
        ("GET", "/stores/%2e%2e%2fflows", 404),
        ("GET", "/stores/x%00y", 404),
        ("GET", "/stores/%ff", 404),
        ("GET", "/flows/" + "x" * 5000, 404),
    ],
)
async def test_what_is_not_there_is_told_as_any_error(
    ann: Client, method: str, path: str, status: int
) -> None:
    answer = await ann.request(method, path)

    assert answer.status_code == status
    if method != "HEAD":
        assert problem(answer)[0] == status


async def test_an_encoded_slash_never_leads_to_another_route(ann: Client) -> None:
    flow_id = (await ann.post("/flows", json={"name": "A"})).json()["flowId"]

    answer = await ann.put(f"/flows/{flow_id}%2fstart")

    assert problem(answer)[0] == 404
    assert (await ann.get(f"/flows/{flow_id}")).json()["stage"] == "stopped"


@pytest.mark.parametrize("token", [None, "", "Bearer", "Bearer x", "Basic YTpi", "Bearer é"])
async def test_without_a_good_token_nothing_is_shown(visitor: Client, token: str | None) -> None:
    headers = {} if token is None else {b"Authorization": token.encode("latin-1")}

    answer = await visitor.get("/flows", headers=headers)

    assert problem(answer)[0] == 401


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"name": }',
        b"\xff",
        b'{"name": NaN}',
        b'{"name": "\\ud800"}',
        b'{"name": ' + b"1" * 5000 + b"}",
        b'{"name": "x", "flow": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"name": "x", "flow": ' + b"[" * 300 + b"]" * 300 + b"}",
        b'"text"',
        b"[]",
        b"null",
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(ann: Client, body: bytes) -> None:
    answer = await ann.post("/stores", content=body, headers={"Content-Type": "application/json"})

    assert problem(answer)[0] == 400


async def test_a_body_that_says_to_be_too_large_is_not_read(ann: Client) -> None:
    assert problem(await ann.post("/stores", content=b" " * 3_000_000))[0] == 413


async def test_a_length_of_thousands_of_digits_is_too_large(visitor: Client) -> None:
    answer = await visitor.post("/user/auth", content=b"{}", headers={"Content-Length": "9" * 5000})

    assert problem(answer)[0] == 413


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/flows", {"categories": [1] * 100_000}),
        ("/flows", {"componentIdMap": {str(number): number for number in range(10_000)}}),
        ("/flows", {"flow": {"a": {str(number): 1 for number in range(10_000)}}}),
        ("/components", {"name": "acme.crm.contacts.Find", "inPorts": [1] * 100_000}),
    ],
)
async def test_a_body_with_thousands_of_faults_is_answered_with_some(
    ann: Client, path: str, body: object
) -> None:
    answer = await ann.post(path, json=body)

    assert problem(answer)[0] == 400
    assert len(answer.content) < 300_000


async def test_a_stranger_hands_in_little(visitor: Client) -> None:
    body = {"username": "x", "password": "secret", "metadata": {"a": "a" * 70_000}}

    assert problem(await visitor.post("/user", json=body))[0] == 413


async def test_a_list_of_any_length_is_whole(ann: Client) -> None:
    made = [(await ann.post("/stores", json={"name": f"Ä {n}"})).json() for n in range(30)]

    listed = (await ann.get("/stores")).json()

    assert listed == [one | {"name": f"Ä {n}"} for n, one in enumerate(made)]


async def test_a_body_without_an_end_is_read_to_the_limit_only(ann: Client) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b" " * 65_536

    with anyio.fail_after(5):
        answer = await ann.post("/stores", content=endless())

    assert problem(answer)[0] == 413
    assert sent <= 1_048_576 + 2 * 65_536


async def test_a_body_just_within_the_limit_is_taken(ann: Client) -> None:
    body = json.dumps({"name": "A"}).encode()

    answer = await ann.post("/stores", content=body + b" " * (1_048_576 - len(body)))

    assert answer.status_code == 200


async def test_what_nobody_foresaw_is_logged_and_not_told(
    ann: Client, tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    tenant.database.connection.execute("DROP TABLE chart")

    answer = await ann.get("/charts")

    assert problem(answer) == (500, "An internal server error occurred")
    assert "no such table: chart" in caplog.text
    assert (await ann.get("/flows")).status_code == 200


@pytest.mark.parametrize("host", ["evil.example.com", "127.0.0.1.evil.example.com", "[", ""])
async def test_another_host_name_is_not_answered(ann: Client, host: str) -> None:
    answer = await ann.get("/user", headers={"Host": host})

    assert problem(answer)[0] == 421


@pytest.mark.parametrize("host", ["localhost:9", "[::1]:2200", "127.0.0.1", "Sandbox.Example.COM"])
async def test_the_tenants_own_names_are_answered(ann: Client, host: str) -> None:
    assert (await ann.get("/user", headers={"Host": host})).status_code == 200


ORIGINS = ["http://localhost:5173", "http://127.0.0.1", "https://app.example.com"]
FOREIGN = ["https://evil.example.com", "http://localhost.evil.example.com", "null"]


@pytest.mark.parametrize("origin", [*ORIGINS, *FOREIGN])
async def test_only_known_origins_may_read_and_never_with_cookies(ann: Client, origin: str) -> None:
    asked = await ann.options(
        "/flows", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
    )
    answer = await ann.get("/nothing", headers={"Origin": origin})

    for one in (asked, answer):
        allowed = one.headers.get("access-control-allow-origin")
        assert (allowed == origin) is (origin in ORIGINS)
        assert allowed in (origin, None)
        assert "access-control-allow-credentials" not in one.headers
    assert httpx2.codes.is_success(asked.status_code) is (origin in ORIGINS)


async def test_a_browser_may_change_records_and_send_a_file_in_parts(ann: Client) -> None:
    wanted = "authorization, content-type, uploader-file-name, uploader-chunk-number"

    answer = await ann.options(
        "/files",
        headers={
            "Origin": ORIGINS[0],
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": wanted,
        },
    )

    assert answer.status_code == 200
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    assert set(answer.headers["access-control-allow-headers"].split(", ")) >= set(
        wanted.split(", ")
    )


async def test_a_browser_may_read_the_name_of_a_download(ann: Client) -> None:
    answer = await ann.get("/flows", headers={"Origin": ORIGINS[0]})

    assert "Content-Disposition" in answer.headers["access-control-expose-headers"]


async def test_the_tenant_describes_itself_to_anybody(
    visitor: Client, config: TenantConfig
) -> None:
    told = (await visitor.get("/openapi.json")).json()

    assert told["openapi"].startswith("3.1")
    assert told["servers"] == [{"url": config.public_url}]
    assert told["paths"]["/openapi.json"]["get"]["security"] == []
    assert "security" not in told["paths"]["/flows"]["get"]


class TestOtherDialect:
    @pytest.fixture
    def config(self, config: TenantConfig) -> TenantConfig:
        return replace(config, dialect="openapi")

    async def test_the_description_is_that_of_the_dialect(self, visitor: Client) -> None:
        told = (await visitor.get("/openapi.json")).json()

        answer = told["paths"]["/logs"]["get"]["responses"]["200"]
        assert answer["content"]["application/json"]["schema"]["type"] == "array"

"""Dockerfile, compose file, nginx configuration and page fit each other, and the program."""

import fnmatch
import json
import re
import shlex
import sys
import tomllib
from pathlib import Path

import anyio
import pytest
import uvicorn
import yaml

from appmixer_mcp.cli import _parsed
from appmixer_mcp.settings import PREFIX, Settings, load_settings
from appmixer_mcp.web.app import build_app
from tests.serving import mcp_server

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "deploy.md").read_text("utf-8")
NGINX = (ROOT / "docs" / "deploy" / "nginx.conf").read_text("utf-8")
COMPOSE = yaml.safe_load((ROOT / "docs" / "deploy" / "compose.yaml").read_text("utf-8"))
IGNORED = (ROOT / ".dockerignore").read_text("utf-8")
SERVERS = ["server-1", "server-2"]
FILLED_IN = {
    "APPMIXER_BASE_URL": "https://api.example.com",
    "APPMIXER_PUBLIC_URL": "https://mcp.example.com",
    "APPMIXER_ENCRYPTION_KEY": "k" * 43,
}


def instructions():
    """Return the Dockerfile's instructions, comments and line ends taken out."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.M)
    return [tuple(line.split(maxsplit=1)) for line in unfolded(text) if line.strip()]


def unfolded(text):
    return text.replace("\\\n", " ").splitlines()


def last(name):
    """Return what counts in the image: the last instruction of its kind."""
    return [rest for instruction, rest in instructions() if instruction == name][-1]


def health_check():
    """Return the command that the image checks itself with."""
    return json.loads(last("HEALTHCHECK").partition("CMD ")[2])


def fenced(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def environment_of(server):
    """Return what a server of the compose file is started with, once the operator has filled in."""
    values = COMPOSE["services"][server]["environment"]
    return {
        name: re.sub(r"\$\{(\w+):[?-].*\}", lambda found: FILLED_IN.get(found[1], ""), value)
        for name, value in values.items()
    }


def test_the_image_serves_as_a_user_without_rights_what_the_program_understands():
    arguments = _parsed(json.loads(last("CMD")))

    user, group = last("USER").split(":")
    assert int(user) > 0 < int(group)
    assert json.loads(last("ENTRYPOINT")) == ["appmixer-mcp"]
    assert arguments["transport"] == "http"
    assert arguments["host"] == "0.0.0.0"  # noqa: S104 - the container's own network
    assert str(arguments["port"]) == last("EXPOSE")


def test_the_image_is_built_from_files_that_are_there_and_not_ignored():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    copied = [
        source
        for name, rest in instructions()
        if name == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    ]
    passed = {line[1:] for line in IGNORED.splitlines() if line.startswith("!")}

    assert set(copied) == passed
    assert all((ROOT / source).exists() for source in copied)
    assert {"pyproject.toml", project["readme"], *project["license-files"]} <= set(copied)
    assert "*" in IGNORED.splitlines()  # what is not named stays out
    (extras,) = re.findall(r"\.whl\)\[([a-z,]+)\]", (ROOT / "Dockerfile").read_text("utf-8"))
    assert set(extras.split(",")) <= project["optional-dependencies"].keys()


async def test_the_health_check_of_the_image_says_whether_the_server_answers(tmp_path):
    command = [sys.executable, *health_check()[1:]]
    code = command[-1]

    async with mcp_server(tmp_path, "https://api.example.com") as url:
        port = url.rpartition(":")[2]
        command[-1] = code.replace(last("EXPOSE"), port)
        alive = await anyio.run_process(command, check=False)
    gone = await anyio.run_process(command, check=False)

    assert last("EXPOSE") in code
    assert (alive.returncode, alive.stderr) == (0, b"")
    assert gone.returncode != 0


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_of_the_compose_file_starts_with_its_settings(server, monkeypatch):
    for name, value in environment_of(server).items():
        monkeypatch.setenv(name, value)

    settings = load_settings()
    build_app(settings)

    assert environment_of(server).keys() <= {f"{PREFIX}{n.upper()}" for n in Settings.model_fields}
    assert settings.auth == "oauth"
    assert settings.redis_url is not None
    redis_host = settings.redis_url.get_secret_value().split("/")[2].split(":")[0]
    assert redis_host in COMPOSE["services"]


def test_the_services_of_the_compose_file_name_only_what_is_there():
    services = COMPOSE["services"]

    assert services.keys() == {*SERVERS, "redis", "nginx"}
    for name, service in services.items():
        assert service.get("depends_on", {}).keys() <= services.keys() - {name}
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert source.startswith("./") or source in COMPOSE["volumes"]
    assert "./nginx.conf:" in services["nginx"]["volumes"][0]
    assert all("ports" not in services[name] for name in (*SERVERS, "redis"))


def test_the_servers_believe_nginx_and_nobody_else():
    for server in SERVERS:
        trusted = environment_of(server)["APPMIXER_TRUSTED_PROXIES"]

        assert trusted == COMPOSE["services"]["nginx"]["networks"]["default"]["ipv4_address"]


def test_nginx_passes_requests_to_the_servers_of_the_compose_file():
    (upstream,) = re.findall(r"^upstream (\w+) \{(.*?)^\}", NGINX, re.M | re.S)
    targets = re.findall(r"^\s*server ([^;]+);", upstream[1], re.M)

    assert targets == [f"{server}:{last('EXPOSE')} max_fails=0" for server in SERVERS]
    assert set(re.findall(r"proxy_pass (\S+);", NGINX)) == {f"http://{upstream[0]}"}
    assert NGINX.count("{") == NGINX.count("}")


def test_nginx_takes_bodies_as_large_as_the_servers_do():
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", NGINX)

    assert int(megabytes) * 1024 * 1024 == Settings.model_fields["max_body_bytes"].default


def test_every_setting_that_the_page_and_its_files_name_exists():
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    texts = [PAGE, NGINX, (ROOT / "Dockerfile").read_text("utf-8")]

    named = {name for text in texts for name in re.findall(rf"{PREFIX}[A-Z_]+", text)}

    assert len(named) > 10
    assert named <= known


def test_every_command_of_the_page_is_understood():
    lines = [line.rpartition("/bin/")[2] for line in re.findall(r"^ExecStart=(.*)$", PAGE, re.M)]
    lines += [line for block in fenced("sh") for line in unfolded(block)]
    ours = [line for line in lines if line.startswith("appmixer-mcp ")]
    theirs = [line for line in lines if line.startswith("uvicorn ")]

    assert len(ours) == 2
    for line in ours:
        _parsed(shlex.split(line.replace("%i", "8001"))[1:])
    assert len(theirs) == 1
    for line in theirs:
        uvicorn.main.make_context("uvicorn", shlex.split(line)[1:])


def test_every_setting_that_compose_asks_for_is_in_the_example_of_the_page():
    asked = {name for value in environment_of_all() for name in re.findall(r"\$\{(\w+):", value)}
    (example,) = fenced("env")

    assert asked == set(re.findall(r"^(\w+)=", example, re.M))


def environment_of_all():
    return [
        value for server in SERVERS for value in COMPOSE["services"][server]["environment"].values()
    ]


def test_files_with_secrets_stay_out_of_the_image():
    passed = [line[1:] for line in IGNORED.splitlines() if line.startswith("!")]

    for path in (".env", "docs/deploy/.env", "docs/deploy/tls/privkey.pem", ".git/config"):
        assert not any(fnmatch.fnmatch(path, f"{one}*") for one in passed)

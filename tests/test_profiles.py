"""Named tenants: what `appmixer-mcp profile` keeps, where, and whom its credentials reach."""

import io
import os
import stat
import subprocess
import sys
from pathlib import Path

import anyio
import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail
from keyring.errors import KeyringLocked, PasswordDeleteError

from appmixer_mcp.cli import main
from appmixer_mcp.errors import ConfigurationError, NotSignedInError
from appmixer_mcp.profiles import Profiles
from appmixer_mcp.settings import load_settings
from appmixer_mcp.wiring import Wiring
from tests.processes import refused
from tests.serving import PASSWORD, client_of, mcp_server, people

ACME = "https://api.acme.example.com"
TOKEN = "watched-token-of-a-profile"


class Ring(KeyringBackend):
    """A keyring of the test's own."""

    priority = 1  # pyright: ignore[reportAssignmentType] # as keyring's documentation has it

    def __init__(self):
        super().__init__()
        self.kept = {}
        self.locked = False

    def get_password(self, service, username):
        if self.locked:
            raise KeyringLocked
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password

    def delete_password(self, service, username):
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError


@pytest.fixture(autouse=True)
def _no_keyring():
    """Keep the developer's own keyring out of it."""
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def ring():
    ring = Ring()
    keyring.set_keyring(ring)
    return ring


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = Profiles().file
    assert file == tmp_path / "appmixer-mcp" / "config.toml"
    return file


@pytest.fixture
def profile(file, monkeypatch, capsys):
    """What runs `appmixer-mcp profile`; gives exit code and all that was said."""

    def run(*arguments, stdin=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        umask = os.umask(0o022)
        try:
            code = main(["profile", *arguments])
        finally:
            os.umask(umask)
        return code, "".join(capsys.readouterr())

    return run


def write(file, text, mode=0o600):
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    file.chmod(mode)


def test_a_profile_is_added_listed_and_removed_and_what_stands_beside_it_stays(profile, file):
    write(file, '# mine\n[profiles.other]\nbase_url = "http://127.0.0.1:1"\n', 0o644)

    added = profile("add", "acme", "--base-url", f"{ACME}/", stdin=f"{TOKEN}\n")
    mode = stat.S_IMODE(file.stat().st_mode)
    text = file.read_text()
    listed = profile("list")
    removed = profile("remove", "acme")

    assert [code for code, _ in (added, listed, removed)] == [0, 0, 0]
    assert mode == 0o600
    assert TOKEN in text
    assert "acme: https://api.acme.example.com, credentials: in the file" in listed[1]
    assert "other: http://127.0.0.1:1, credentials: none" in listed[1]
    assert TOKEN not in added[1] + listed[1] + removed[1]
    assert file.read_text().strip() == '# mine\n[profiles.other]\nbase_url = "http://127.0.0.1:1"'


def test_where_there_is_a_keyring_no_secret_stands_in_the_file(profile, file, ring):
    profile("add", "acme", "--base-url", ACME, "--username", "ann", stdin="pass word\n")
    profile("set-token", "acme", stdin=f"{TOKEN}\n")

    text = file.read_text()
    found = anyio.run(Profiles().credentials, "acme", ACME)
    profile("remove", "acme")

    assert "pass word" not in text
    assert TOKEN not in text
    assert found == {"username": "ann", "password": "pass word", "access_token": TOKEN}
    assert ring.kept == {}


def test_a_locked_keyring_says_how_to_go_on_without_it(profile, file, ring):
    profile("add", "acme", "--base-url", ACME, stdin=f"{TOKEN}\n")
    ring.locked = True

    with pytest.raises(ConfigurationError, match=r"set-token acme --in-file"):
        anyio.run(Profiles().credentials, "acme", ACME)
    profile("set-token", "acme", "--in-file", stdin="another-token\n")

    assert anyio.run(Profiles().credentials, "acme", ACME) == {"access_token": "another-token"}


def test_credentials_are_for_their_own_base_url_alone(profile, file, ring):
    profile("add", "acme", "--base-url", ACME, stdin=f"{TOKEN}\n")

    elsewhere = anyio.run(Profiles().credentials, "acme", "https://api.evil.example.com")
    file.write_text(file.read_text().replace("acme.example", "evil.example"))

    assert elsewhere == {}
    with pytest.raises(ConfigurationError, match=r"no password of the profile 'acme'"):
        anyio.run(Profiles().credentials, "acme", "https://api.evil.example.com")


def test_a_file_with_a_secret_that_others_can_read_is_refused(file):
    write(file, f'[profiles.acme]\nbase_url = "{ACME}"\naccess_token = "{TOKEN}"\n', 0o640)

    with pytest.raises(ConfigurationError) as caught:
        Profiles().names()

    assert f"chmod 600 '{file}'" in str(caught.value)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[profiles.acme]\nbase_url = \n", "line 2"),
        ("[profiles.acme]\nusername = 'ann'", "profiles.acme.base_url is missing"),
        (
            f"[profiles.acme]\nbase_url = '{ACME}'\ntoken = 's3cret'",
            "profiles.acme.token is no key",
        ),
        (f"[profiles.acme]\nbase_url = '{ACME}'\npassword = 5", "profiles.acme.password must be"),
        ("[profiles.acme]\nbase_url = 'ftp://x'", "profiles.acme.base_url is wrong: it must start"),
        ("[profiles.'a b']\nbase_url = 'http://x'", "'a b': a profile's name has letters"),
        (f"[profiles.acme]\nbase_url = '{ACME}'\nkeyring = 'no'", "keyring must be true or false"),
        (f"[profiles.acme]\nbase_url = '{ACME}'\napi_dialect = 'x'", "'appmixer' or 'openapi'"),
        ("profiles = 3", "profiles must be a table"),
        ("[profile.acme]", "profile is no key; there are profiles"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_by_line_or_key(file, text, said):
    write(file, text)

    with pytest.raises(ConfigurationError) as caught:
        load_settings(profile="acme")

    assert str(file) in str(caught.value)
    assert said in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "acme", "--base-url", "http://x"), "already"),
        (("add", "new"), "--base-url"),
        (("add", "new one", "--base-url", "http://x"), "letters"),
        (("add", "new", "--base-url", "http://ann:pw@x"), "user name"),
        (("add",), "profile add NAME"),
        (("set-token", "acme"), "Nothing was given"),
        (("set-password", "acme"), "no username"),
        (("set-token", "nobody"), "There is no profile 'nobody'"),
        (("remove", "nobody"), "It has acme."),
    ],
)
def test_a_command_that_cannot_be_carried_out_changes_nothing(profile, file, arguments, said):
    text = f"[profiles.acme]\nbase_url = '{ACME}'\n"
    write(file, text)

    code, shown = profile(*arguments)

    assert code == 2
    assert said in shown
    assert file.read_text() == text


def test_a_secret_never_stands_on_the_command_line(profile):
    with pytest.raises(SystemExit):
        profile("add", "acme", "--base-url", ACME, "--password", "hunter2")
    with pytest.raises(SystemExit):
        profile("add", "acme", "--base-url", ACME, "--access-token", "hunter2")


def test_flags_win_over_the_environment_and_both_over_the_profile(file, monkeypatch):
    write(file, f"[profiles.acme]\nbase_url = '{ACME}'\napi_dialect = 'openapi'\n")
    monkeypatch.setenv("APPMIXER_PROFILE", "acme")

    from_profile = load_settings()
    monkeypatch.setenv("APPMIXER_API_DIALECT", "appmixer")
    from_environment = load_settings()
    from_flag = load_settings(base_url="https://api.other.example.com")

    assert (from_profile.base_url, from_profile.api_dialect) == (ACME, "openapi")
    assert (from_environment.base_url, from_environment.api_dialect) == (ACME, "appmixer")
    assert from_flag.base_url == "https://api.other.example.com"


def test_a_profile_beside_another_tenant_in_the_environment_is_refused(file, monkeypatch):
    write(file, f"[profiles.acme]\nbase_url = '{ACME}'\n")
    monkeypatch.setenv("APPMIXER_BASE_URL", "https://api.other.example.com")

    with pytest.raises(ConfigurationError, match=r"APPMIXER_BASE_URL names another tenant"):
        load_settings(profile="acme")


async def test_a_profile_signs_in_with_what_is_kept_unless_the_environment_says_otherwise(
    tmp_path, file, monkeypatch
):
    async with people(tmp_path / "tenant") as tenant:
        ann, bob = await tenant.sign_up("ann"), await tenant.sign_up("bob")
        write(
            file,
            f"[profiles.ann]\nbase_url = '{tenant.url}'\naccess_token = '{ann}'\n"
            f"[profiles.bob]\nbase_url = '{tenant.url}'\nusername = 'bob@example.com'\n"
            f"password = '{PASSWORD}'\n",
        )

        async def who(**flags):
            async with Wiring(load_settings(**flags)) as wiring:
                client = await wiring.session.client()
                return (await client.users.get_user()).username

        as_ann, as_bob = await who(profile="ann"), await who(profile="bob")
        monkeypatch.setenv("APPMIXER_ACCESS_TOKEN", bob)
        as_set = await who(profile="ann")
        monkeypatch.delenv("APPMIXER_ACCESS_TOKEN")
        localhost = tenant.url.replace("127.0.0.1", "localhost")
        with pytest.raises(NotSignedInError):
            await who(profile="ann", base_url=localhost)
        async with Wiring(load_settings(profile="ann")) as wiring:
            other = await wiring.profiles.open("bob")
            beside = (await other.users.get_user()).username

    assert (as_ann, as_bob) == ("ann@example.com", "bob@example.com")
    assert as_set == "bob@example.com"
    assert beside == "bob@example.com"


async def test_profiles_are_the_operators_and_serve_nobody_who_signs_in(tmp_path, file):
    async with people(tmp_path / "tenant") as tenant:
        token = await tenant.sign_up("ann")
        write(file, f"[profiles.acme]\nbase_url = '{tenant.url}'\naccess_token = '{token}'\n")
        flow_id = await tenant.own_flow(token, "Orders")
        served = {"auth": "bearer", "toolsets": "transfer"}
        async with (
            mcp_server(tmp_path, tenant.url, **served) as url,
            client_of(url, "modern", token) as client,
        ):
            said = await refused(client, "copy_flow_to", flow_id=flow_id, profile="acme")

    assert "knows no other tenant" in said


@pytest.mark.long
def test_no_keyring_is_loaded_before_it_is_needed(file, tmp_path):
    write(file, f"[profiles.acme]\nbase_url = '{ACME}'\nkeyring = true\n")
    program = """
import sys
from appmixer_mcp.cli import main
main(["tools", "--json", "--profile", "acme"])
print({"keyring", "tomlkit", "appmixer_mcp.api"} & sys.modules.keys(), file=sys.stderr)
"""

    said = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env=os.environ | {"APPMIXER_DATA_DIR": str(tmp_path)},
        cwd=Path(__file__).parent.parent,
    )

    assert said.stderr.strip() == "set()"

"""The examples of docs/scripting.md, each run as it stands there, on one sandbox."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from tests.processes import sandbox

SHELL = shutil.which("sh")
PAGE = Path(__file__).parent.parent / "docs" / "scripting.md"
ADDRESS, PASSWORD = "demo@appmixer.local", "watched-password-of-the-demo"
FAILING = "Nightly export (broken on purpose)"

pytestmark = [
    pytest.mark.skipif(SHELL is None, reason="needs a shell"),
    pytest.mark.xdist_group("scripting"),  # they share a sandbox
]


def examples(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)


ADD, EXPORT, SAVE, DELETE = examples("sh")
ERRORS, NIGHTLY = examples("python")


class Scripts:
    """Runs scripts where a profile leads to the sandbox, and nothing else does."""

    def __init__(self, directory, url):
        self.directory = directory
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "XDG_CONFIG_HOME": str(directory),
            "APPMIXER_DATA_DIR": str(directory / "unused"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }
        added = self.sh(
            ADD.replace("https://api.acme.example.com", url).replace("ann@example.com", ADDRESS),
            PASSWORD_OF_ANN=PASSWORD,
        )
        assert added.returncode == 0, added.stderr

    def sh(self, script, **variables):
        return subprocess.run(
            [str(SHELL), "-eu", "-c", script],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=self.directory,
            env=os.environ | self.environment | variables,
        )

    def python(self, program, *arguments):
        """Run a program within this process, where all that it imports is loaded already."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (self.environment | {"APPMIXER_PROFILE": "acme"}).items():
                patch.setenv(name, value)
            patch.setattr("sys.argv", ["script", *arguments])
            said = io.StringIO()
            with redirect_stdout(said), pytest.raises(SystemExit) as ended:
                exec(compile(program, PAGE.name, "exec"), {"__name__": "__main__"})  # noqa: S102
        return ended.value.code, said.getvalue()


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """Scripts beside a sandbox with its three demo flows, of which one fails."""
    directory = tmp_path_factory.mktemp("scripting")
    with sandbox(directory / "tenant", "--demo-password", PASSWORD) as (_, url):
        yield Scripts(directory, url)


def test_the_python_client_lists_the_flow_that_fails(scripts):
    code, said = scripts.python(ERRORS)

    assert code == 0
    (line,) = said.splitlines()
    assert line.endswith(f",{FAILING},running,1")


@pytest.mark.long
def test_a_pipeline_saves_flows_and_a_delete_has_to_be_confirmed(scripts):
    done = scripts.sh(EXPORT + SAVE + DELETE)

    assert done.returncode == 0, done.stderr
    flow_id = done.stdout.splitlines()[0].removeprefix("saved ")
    saved = json.loads((scripts.directory / f"{flow_id}.json").read_text())
    assert saved["document"]["name"] == FAILING
    assert '"done": false' in done.stdout


def test_the_nightly_check_opens_a_task(scripts):
    code, said = scripts.python(NIGHTLY, ADDRESS)

    assert code == 1
    assert f"{FAILING}: 1 error_count" in said
    assert waiting(scripts) == 1


@pytest.mark.long
def test_the_nightly_check_opens_no_task_while_one_waits(scripts):
    for _ in range(2):
        scripts.python(NIGHTLY, ADDRESS)

    assert waiting(scripts) == 1


def waiting(scripts):
    """Return how many tasks of the check wait for their answer."""
    program = """
import asyncio, sys
from appmixer_mcp.profiles import Profiles

async def main():
    async with await Profiles().open("acme") as client:
        print(await client.tasks.count_tasks(pattern="need attention"))

sys.exit(asyncio.run(main()))
"""
    return int(scripts.python(program)[1])

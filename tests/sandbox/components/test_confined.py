"""Work that may never end ends."""

import sys

import anyio
import pytest

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.components._confined import confined

_NESTED = b"//*[.//*[.//*[.//*[.//*[.//*]]]]]".replace(b".//*", b"//*[count(//*) > 0]")
ENDLESS = _NESTED + b"\0<a>" + b"<b/>" * 20_000 + b"</a>"


async def test_work_that_never_ends_is_ended() -> None:
    with pytest.raises(ComponentFailedError, match="took longer than 1 s"):
        await confined("_xpath:evaluate", ENDLESS, within_s=1)


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no limit for a process")
async def test_work_ends_by_itself_when_nobody_is_left_to_end_it() -> None:
    module = "appmixer_mcp.sandbox.components._confined"
    alone = f"import sys; from {module} import run; sys.exit(run('_xpath:evaluate', 0.5))"

    with anyio.fail_after(30):
        done = await anyio.run_process([sys.executable, "-c", alone], input=ENDLESS, check=False)

    assert done.returncode < 0


async def test_work_that_fails_says_so_without_details() -> None:
    with pytest.raises(ComponentFailedError, match="damaged"):
        await confined("_xpath:nothing", b"")

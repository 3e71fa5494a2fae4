"""Programs from npm, installed once for all test runs of a virtual environment."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock

_CACHE = Path(sys.prefix) / "npm"
_OLDEST_NODE = 20
_INSTALL_TIMEOUT_S = 240


def npm_package(name: str, version: str) -> Path:
    """Return the `node_modules` that this package is installed in; skips the test without it."""
    _require_node()
    home = _CACHE / f"{name.replace('/', '+')}-{version}"
    _CACHE.mkdir(exist_ok=True)
    with FileLock(f"{home}.lock"):
        if not home.is_dir():
            _install(f"{name}@{version}", home)
    return home / "node_modules"


def _require_node() -> None:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        pytest.skip("needs node and npm")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(said.removeprefix("v").partition(".")[0]) < _OLDEST_NODE:
        pytest.skip(f"needs Node {_OLDEST_NODE} or newer, not {said.strip()}")


def _install(package: str, home: Path) -> None:
    """Install into a folder that has its name only once it is complete."""
    options = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    with tempfile.TemporaryDirectory(dir=_CACHE) as made:
        place = Path(made) / "package"
        command = ["npm", "install", f"--prefix={place}", *options, package]
        try:
            ended = subprocess.run(
                command, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm did not install {package} in {_INSTALL_TIMEOUT_S} s")
        if ended.returncode:
            pytest.skip(f"npm cannot install {package}: {ended.stderr[-300:]}")
        place.rename(home)

"""Programs from npm, installed once for all test runs of a virtual environment."""

import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock

_CACHE = Path(sys.prefix) / "npm"
_OLDEST_NODE = 20
_NEWER_NODE = "22.23.3"
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


def node_22() -> Path:
    """Return a Node of version 22 or newer: this machine's, or one from npm."""
    _require_node()
    own = Path(shutil.which("node") or "")
    if _version(own) >= int(_NEWER_NODE.partition(".")[0]):
        return own
    # What the package `node` depends on for this kind of machine; its own script is not run.
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    name = f"node-bin-darwin-{machine}" if sys.platform == "darwin" else f"node-linux-{machine}"
    return npm_package(name, _NEWER_NODE) / name / "bin" / "node"


def _require_node() -> None:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        pytest.skip("needs node and npm")
    if _version(Path(node)) < _OLDEST_NODE:
        pytest.skip(f"needs Node {_OLDEST_NODE} or newer")


def _version(node: Path) -> int:
    """Return the first part of what `node --version` says."""
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.removeprefix("v").partition(".")[0])


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

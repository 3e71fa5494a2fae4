"""Files are read from and written to one directory, and nothing leads out of it."""

import os
from pathlib import Path

import pytest

from appmixer_mcp.errors import (
    AppmixerError,
    ConfigurationError,
    ConflictError,
    InputError,
    NotFoundError,
)
from appmixer_mcp.file_directory import FileDirectory

SECRET = b"the secret of another directory"


@pytest.fixture
def outside(tmp_path):
    """A file beside the directory, which nobody may see or change."""
    file = tmp_path / "outside" / "secret.txt"
    file.parent.mkdir()
    file.write_bytes(SECRET)
    return file


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "files"
    (folder / "reports").mkdir(parents=True)
    return folder


@pytest.fixture
def directory(root):
    return FileDirectory(root, most_bytes=100)


def test_what_was_written_is_read_again_also_in_a_folder(root, directory):
    directory.write("reports/Mai, größer.csv", b"a;b\0\xff")

    assert directory.read("reports/Mai, größer.csv") == b"a;b\0\xff"
    assert (root / "reports" / "Mai, größer.csv").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "name",
    [
        "../outside/secret.txt",
        "reports/../../outside/secret.txt",
        "reports/..",
        "..",
        ".",
        "",
        "/etc/passwd",
        "//etc/passwd",
        "./a.txt",
        "reports//a.txt",
        "reports/",
        "C:/secret.txt",
        "C:secret.txt",
        "..\\outside\\secret.txt",
        "\\\\host\\share",
        ".env",
        ".ssh/id_ed25519",
        "a\0.txt",
        "a\n.txt",
        "a\u202etxt.exe",
        "half a pair \ud800",
        "long/" * 300,
    ],
)
def test_a_name_that_could_lead_elsewhere_is_neither_read_nor_written(name, directory, tmp_path):
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(InputError, match="relative"):
        directory.read(name)
    with pytest.raises(InputError, match="relative"):
        directory.write(name, b"x")

    assert sorted(tmp_path.rglob("*")) == before


def link_to_file(root: Path, outside: Path) -> str:
    (root / "link.txt").symlink_to(outside)
    return "link.txt"


def link_to_file_within(root: Path, outside: Path) -> str:
    (root / "real.txt").write_bytes(SECRET)
    (root / "link.txt").symlink_to("real.txt")
    return "link.txt"


def link_to_folder(root: Path, outside: Path) -> str:
    (root / "linked").symlink_to(outside.parent)
    return f"linked/{outside.name}"


def link_in_the_middle(root: Path, outside: Path) -> str:
    (root / "reports" / "linked").symlink_to(outside.parent.parent)
    return f"reports/linked/outside/{outside.name}"


def dangling_link(root: Path, outside: Path) -> str:
    (root / "link.txt").symlink_to(outside.with_name("new.txt"))
    return "link.txt"


@pytest.mark.parametrize(
    "make",
    [link_to_file, link_to_file_within, link_to_folder, link_in_the_middle, dangling_link],
)
def test_no_link_is_followed(make, root, outside, directory):
    name = make(root, outside)

    with pytest.raises(InputError, match="link"):
        directory.read(name)
    with pytest.raises((InputError, ConflictError)):
        directory.write(name, b"changed")

    assert outside.read_bytes() == SECRET
    assert list(outside.parent.iterdir()) == [outside]


@pytest.mark.parametrize("comes", ["link", "pipe"])
def test_what_takes_the_place_of_a_file_between_the_look_and_the_opening_is_not_read(
    comes, root, outside, directory, monkeypatch
):
    victim = root / "a.txt"
    victim.write_bytes(b"harmless")
    look = os.stat

    def look_and_lose(path, **options):
        found = look(path, **options)
        if path == "a.txt":
            victim.unlink()
            if comes == "link":
                victim.symlink_to(outside)
            else:
                os.mkfifo(victim)  # whoever opens it waits for somebody who writes
        return found

    monkeypatch.setattr(os, "stat", look_and_lose)

    with pytest.raises(InputError, match="link"):
        directory.read("a.txt")


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket of another program"])
def test_only_plain_files_are_read(kind, root, directory):
    match kind:
        case "folder":
            (root / "odd").mkdir()
        case "pipe":
            os.mkfifo(root / "odd")
        case _:
            os.mknod(root / "odd", 0o140600)

    with pytest.raises(InputError, match="no plain file"):
        directory.read("odd")


def test_devices_are_not_opened(directory):
    with pytest.raises(InputError, match="no plain file"):
        FileDirectory(Path("/dev")).read("zero")


@pytest.mark.parametrize("there", ["file", "folder", "dangling link"])
def test_what_is_there_is_never_overwritten(there, root, outside, directory):
    match there:
        case "file":
            (root / "a.txt").write_bytes(b"old")
        case "folder":
            (root / "a.txt").mkdir()
        case _:
            (root / "a.txt").symlink_to(outside.with_name("new.txt"))

    with pytest.raises(ConflictError, match="another name"):
        directory.write("a.txt", b"new")

    assert (root / "a.txt").is_dir() or not outside.with_name("new.txt").exists()
    assert there != "file" or (root / "a.txt").read_bytes() == b"old"


def test_what_is_too_large_is_neither_read_nor_written(root, directory):
    (root / "large.bin").write_bytes(bytes(101))
    (root / "just.bin").write_bytes(bytes(100))

    with pytest.raises(InputError, match="100 bytes"):
        directory.read("large.bin")
    with pytest.raises(InputError, match="100 bytes"):
        directory.write("new.bin", bytes(101))

    assert len(directory.read("just.bin")) == 100
    assert not (root / "new.bin").exists()


def test_a_file_or_folder_that_is_not_there_is_said_to_be_missing(root, directory):
    for name in ("a.txt", "nowhere/a.txt"):
        with pytest.raises(NotFoundError, match="nothing of the name"):
            directory.read(name)
    with pytest.raises(NotFoundError, match="Folders are not made"):
        directory.write("nowhere/a.txt", b"x")
    (root / "plain").write_bytes(b"")
    with pytest.raises(InputError, match="no folder but a file"):
        directory.read("plain/a.txt")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is full")
def test_half_a_file_does_not_stay_when_the_disk_is_full(root, directory, monkeypatch):
    opened = os.fdopen

    def on_a_full_disk(descriptor, mode):
        os.close(descriptor)
        return opened(os.open("/dev/full", os.O_WRONLY), mode)

    monkeypatch.setattr(os, "fdopen", on_a_full_disk)

    with pytest.raises(ConfigurationError, match="No space left"):
        directory.write("a.txt", b"x")

    assert not (root / "a.txt").exists()


@pytest.mark.parametrize("there", ["nothing", "a file"])
def test_a_directory_that_cannot_be_opened_is_the_operators_to_mend(there, tmp_path):
    path = tmp_path / "files"
    if there == "a file":
        path.touch()

    with pytest.raises(ConfigurationError, match="APPMIXER_FILES_DIR") as refused:
        FileDirectory(path).read("a.txt")

    assert str(tmp_path) not in str(refused.value)


def test_the_directory_itself_may_be_a_link_of_the_operators(root, tmp_path):
    (tmp_path / "link").symlink_to(root)

    FileDirectory(tmp_path / "link").write("a.txt", b"x")

    assert (root / "a.txt").read_bytes() == b"x"


def test_no_error_shows_a_long_or_hidden_part_of_a_name(directory):
    with pytest.raises(AppmixerError) as refused:
        directory.read("\u202e" + "x" * 5_000)

    assert len(str(refused.value)) < 600
    assert "\u202e" not in str(refused.value)

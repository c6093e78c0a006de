"""What the machine refuses is one line with its cure; a defect is not taken for it."""

from __future__ import annotations

import errno
import os
import resource
import sqlite3
from pathlib import Path

import pytest

from drawsim.common.files import atomic, disk_is_full, user_cache, writable, write_text
from drawsim.common.refusals import refusal


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a.csv"), "a.csv: cannot be written, th"),
        (OSError(errno.EDQUOT, "Disk quota exceeded", "a.csv"), "quota"),
        (OSError(errno.EFBIG, "File too large", "a.csv"), "ulimit -f"),
        (OSError("image file could not be written: No space left on device"), "the disk is full"),
        (RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"), "full"),
        (sqlite3.OperationalError("database or disk is full"), "the disk is full"),
        (OSError(errno.EROFS, "Read-only file system", "/mnt/a"), "/mnt/a: may not be written"),
        (PermissionError(errno.EACCES, "Permission denied", "/mnt/a"), "permission denied"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "/dev/null/a"), "is no folder"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "x"), "name it shorter"),
        (FileExistsError(errno.EEXIST, "File exists", b"out"), "out: is there, and is no folder"),
        (OSError(errno.EACCES, "denied", "a\nb\udcff"), "a\\nb\\udcff: may not"),
    ],
)
def test_a_refusal_is_one_line_with_its_cure(error: Exception, says: str) -> None:
    said = refusal(error)
    assert said is not None
    assert says in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        FileNotFoundError(errno.ENOENT, "No such file", "/tmp/a"),
        OSError("odd"),
        KeyError("a"),
    ],
)
def test_a_defect_is_none(error: Exception) -> None:
    assert refusal(error) is None


def test_a_home_that_cannot_be_made_is_named_with_its_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(OSError, match="file") as caught:
        write_text(user_cache() / "demo" / "plan.json", "x")
    assert "set XDG_CACHE_HOME" in str(refusal(caught.value))


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    write_text(file, "old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="table") as caught:
            write_text(file, "new" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert disk_is_full(caught.value)
    assert str(refusal(caught.value)).startswith(f"{file}: cannot be written, files may not grow")
    assert [each.name for each in tmp_path.iterdir()] == ["table.csv"]
    assert file.read_text() == "old"


def test_an_error_names_the_file_and_not_the_temporary_one(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"a\.csv") as caught, atomic(tmp_path / "a.csv") as temporary:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(temporary))
    assert caught.value.filename == str(tmp_path / "a.csv")


def test_the_other_folder_is_taken_where_the_first_may_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other = tmp_path / "collection" / "check", tmp_path / "check"
    assert writable(first, other) == first
    assert list(first.iterdir()) == []
    true_mkdir = Path.mkdir

    def mkdir(path: Path, *args: object, **options: object) -> None:
        if path == first:  # root may write everywhere
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        true_mkdir(path, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "mkdir", mkdir)
    assert writable(first, other) == other
    assert other.is_dir()

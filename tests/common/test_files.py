"""A file is the old version or the new, whatever happens in between."""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from platformdirs import user_cache_path

from drawsim.common.errors import UserError
from drawsim.common.files import (
    atomic,
    read_json,
    read_table,
    read_text,
    user_cache,
    write_json,
    write_text,
)


def test_success_replaces_the_file_and_makes_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "table.csv"
    write_text(path, "old")
    write_text(path, "naïve 紙")
    assert path.read_bytes() == "naïve 紙".encode()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_the_old_file_and_no_litter(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "table.csv"
    write_text(path, "old")

    def stop_halfway() -> None:
        with atomic(path) as temporary:
            temporary.write_text("half of the n")
            raise error

    with pytest.raises(error):
        stop_halfway()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_text(path, "old")
    with atomic(path) as temporary:
        temporary.write_text("half of the n")
        assert path.read_text() == "old"
        # A rename within a folder is atomic; across file systems it would be a copy.
        assert temporary.parent == path.parent
        temporary.write_text("new")
    assert path.read_text() == "new"


def test_a_kill_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_text(path, "old")
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from drawsim.common.files import atomic\n"
        "with atomic(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half of the n'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    run = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert run.returncode == -signal.SIGKILL
    assert path.read_text() == "old"


def test_json_is_for_people_and_other_programs(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    data = {"name": "Dürer", "values": [1, 2.5, None]}
    write_json(path, data)
    text = path.read_text(encoding="utf-8")
    assert json.loads(text) == data
    assert "Dürer" in text
    assert text.endswith("}\n")


@pytest.mark.parametrize(
    "value",
    [
        "NaN",
        "-Infinity",
        "1e999",
        "-1e400",
        "9" * 400,
        '"\\ud800"',
        '"\\udc00\\ud800"',
        "[" * 200_000,
    ],
)
def test_json_that_cannot_be_computed_with_is_damaged(tmp_path: Path, value: str) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(f'{{"a": [{value}]}}')
    with pytest.raises(UserError, match=r"metrics\.json: damaged"):
        read_json(path)


def test_any_text_and_any_64_bits_are_sound(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    data = {"a": [2**64 - 1, -(2**63), 1.5e308, "\U0001f600\\ud800\0"]}
    for escaped in (True, False):
        path.write_text(json.dumps(data, ensure_ascii=escaped), encoding="utf-8")
        assert read_json(path) == data


def test_json_that_others_cannot_read_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    write_json(path, {"loss": 1.0})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(path, {"loss": float("nan")})
    assert json.loads(path.read_text()) == {"loss": 1.0}


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write anywhere; within, it has no more rights than others."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_folder_that_takes_no_files_keeps_the_old_one() -> None:
    with TemporaryDirectory() as folder:  # pytest's own are closed to others
        path = Path(folder) / "table.csv"
        write_text(path, "old")
        path.parent.chmod(0o555)
        with as_nobody(), pytest.raises(PermissionError):
            write_text(path, "new")
        assert path.read_text() == "old"
        assert list(path.parent.iterdir()) == [path]
        path.parent.chmod(0o700)


def test_the_cache_is_where_the_system_keeps_those(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "set"))
    assert user_cache() == user_cache_path("drawsim", appauthor=False)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_cache() == user_cache_path("drawsim", appauthor=False)


def test_a_cache_of_an_earlier_version_is_used_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On macOS and Windows it lay elsewhere than the system has it."""
    here = tmp_path / "Library/Caches/drawsim"
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: here)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert user_cache() == here
    former = tmp_path / "cache/drawsim"
    former.mkdir(parents=True)
    assert user_cache() == former
    here.mkdir(parents=True)
    assert user_cache() == here


def test_files_of_others_are_read_up_to_a_size(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    write_json(file, {"a": "ä"})
    assert read_json(file) == {"a": "ä"}
    with pytest.raises(UserError, match="more than the 5 that"):
        read_json(file, most=5)
    with pytest.raises(UserError, match="is a folder"):
        read_text(tmp_path)


def test_a_table_has_its_columns(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id,n\n007,NA\n", encoding="utf-8")
    assert read_table(file, ("id",)).to_dict("records") == [{"id": "007", "n": "NA"}]
    with pytest.raises(UserError, match="no column path"):
        read_table(file, ("id", "path"))

"""What the check of the checkout sees, in a checkout of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.checkout import changes, seen_by_git


@pytest.mark.skipif(shutil.which("git") is None, reason="no git here")
def test_new_changed_and_deleted_files_are_seen(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        own = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        subprocess.run([*own, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    for name, text in (("kept", "1"), ("gone", "2"), (".gitignore", "results/")):
        (tmp_path / name).write_text(text)
    git("add", ".")
    git("commit", "-m", "all")
    (tmp_path / "mine").write_text("new before")
    before = seen_by_git(tmp_path)
    assert before is not None
    assert changes(before, before) == []
    (tmp_path / "kept").write_text("11")
    (tmp_path / "gone").unlink()
    (tmp_path / "mine").write_text("written again")
    for name in ("left ü", "results"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "page.html").touch()
    after = seen_by_git(tmp_path)
    assert after is not None
    assert changes(before, after) == ["gone", "kept", "left ü/page.html", "mine"]


def test_without_a_checkout_nothing_is_known(tmp_path: Path) -> None:
    assert seen_by_git(tmp_path) is None
    assert seen_by_git(tmp_path / "none") is None

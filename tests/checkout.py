"""A whole run of the tests leaves the checkout as it was: what git sees is compared at its end."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


class Checkout:
    """Fails a run of all tests in which files of the checkout came, went or were changed.

    Runs of some tests are left alone, as people work on in the same checkout meanwhile. Without git
    nothing is compared.
    """

    def __init__(self, config: pytest.Config) -> None:
        whole = [(config.rootpath / arg).resolve() for arg in config.args] == [ROOT / "tests"]
        worker = hasattr(config, "workerinput")
        self._wanted = whole and not worker and not config.option.collectonly
        self._before: dict[str, str] | None = None
        self._found: list[str] = []

    def pytest_sessionstart(self) -> None:
        self._before = seen_by_git(ROOT) if self._wanted else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._before is None or (after := seen_by_git(ROOT)) is None:
            return
        self._found = changes(self._before, after)
        if self._found and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._found:
            terminalreporter.section("the checkout is not as it was")
            for name in self._found:
                terminalreporter.line(name)


def seen_by_git(root: Path) -> dict[str, str] | None:
    """The files that are new or changed in a checkout, and how; None if git cannot say."""
    status = ["git", "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames"]
    try:
        done = subprocess.run(status, cwd=root, capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return None
    entries = done.stdout.decode(errors="surrogateescape").split("\0")
    return {entry[3:]: entry[:2] + _stamp(root / entry[3:]) for entry in entries if entry}


def changes(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The files that are not as they were."""
    return sorted(
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    )


def _stamp(path: Path) -> str:
    """When a file was written and how large it is, so that a second change is seen too."""
    try:
        found = path.lstat()
    except OSError:
        return ""
    return f"{found.st_mtime_ns} {found.st_size}"

"""A test run ends with what was skipped and why; on request a skip that nobody allowed fails.

`pytest --only-allowed-skips` reads tests/allowed_skips.txt: a line `pattern  # why`, the pattern
being one for the whole reason in the manner of a shell (`no real collections*`).
"""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ALLOWED = Path(__file__).with_name("allowed_skips.txt")
FILES = "skipped_files"
"""Under this name a process of pytest-xdist hands over the reasons of files skipped as a whole."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--only-allowed-skips",
        action="store_true",
        help=f"fail if a test is skipped for a reason that is not in {ALLOWED.name}",
    )


def allowed(reason: str, patterns: list[str]) -> bool:
    """Whether a reason is among the allowed ones."""
    return any(fnmatchcase(reason, pattern) for pattern in patterns)


def allowed_patterns() -> list[str]:
    """What tests/allowed_skips.txt allows."""
    lines = ALLOWED.read_text(encoding="utf-8").splitlines()
    patterns = (line.partition("  #")[0].strip() for line in lines)
    return [pattern for pattern in patterns if pattern and not pattern.startswith("#")]


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why something was skipped, in its own words."""
    where = report.longrepr
    text = where[2] if isinstance(where, tuple) else str(where)
    return text.removeprefix("Skipped: ")


class Skips:
    """Counts the reasons of one run; under pytest-xdist, of all its processes."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.reasons: Counter[str] = Counter()

    @property
    def unexpected(self) -> list[str]:
        """Reasons that fail this run."""
        if not self.config.getoption("--only-allowed-skips"):
            return []
        patterns = allowed_patterns()
        return [reason for reason in self.reasons if not allowed(reason, patterns)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self.reasons[reason_of(report)] += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:  # pytest-xdist would say nothing of it
            self.reasons[reason_of(report)] += 1

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        output: dict[str, dict[str, int]] = getattr(node, "workeroutput", {})
        for reason, count in output.get(FILES, {}).items():  # every process collects every file
            self.reasons[reason] = max(self.reasons[reason], count)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(self.config, "workeroutput", None)
        if output is not None:
            output[FILES] = dict(self.reasons)
        elif self.unexpected and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.reasons:
            return
        terminalreporter.section("skipped")
        unexpected = self.unexpected
        for reason, count in self.reasons.most_common():
            mark = "NOT ALLOWED: " if reason in unexpected else ""
            terminalreporter.line(f"{count:5}  {mark}{reason}")

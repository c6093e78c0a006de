"""What was asked of whom, and what came: a line a request, written as it happens."""

from __future__ import annotations

import csv
import threading
from datetime import datetime, timezone
from pathlib import Path

COLUMNS = ("at", "url", "answer", "bytes", "seconds", "note")


class FetchLog:
    """A CSV file that only grows. path: None: nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.requests = 0

    def add(self, url: str, answer: str, size: int, seconds: float, note: str = "") -> None:
        """Add a request. answer: the status, or what went wrong."""
        with self._lock:
            self.requests += 1
            if self._path is None:
                return
            is_new = not self._path.exists()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8", errors="replace", newline="") as file:
                lines = csv.writer(file)
                if is_new:
                    lines.writerow(COLUMNS)
                at = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
                lines.writerow([at, url, answer, size, f"{seconds:.3f}", note])

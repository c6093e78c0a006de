"""A folder of results that is written again and again: what it holds is what was written last."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from drawsim.common.files import write_text


def contents(of: str) -> str:
    """The name of the list of what was written of one subject: others may write beside it."""
    return f"files_{of}.txt"


@dataclass
class Folder:
    """The folder that is written, and what has been written into it.

    of: the subject of the results. What is removed is of the same subject, and nothing else.
    """

    root: Path
    of: str
    written: list[str] = field(default_factory=list)

    def place(self, name: str) -> Path:
        """The path of a file that is about to be written."""
        self.written.append(name)
        return self.root / name

    def finish(self) -> None:
        """List what was written, and remove what an earlier run wrote and this one did not."""
        listed = self.root / contents(self.of)
        before = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
        for name in set(before) - set(self.written):
            if name and ".." not in Path(name).parts and not Path(name).is_absolute():
                (self.root / name).unlink(missing_ok=True)
        write_text(listed, "\n".join(sorted(self.written)) + "\n")

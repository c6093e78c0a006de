"""How the numbers of a comparison were made, as far as runs wrote it down: `commands.txt`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drawsim import __version__
from drawsim.common.arguments import in_a_shell
from drawsim.common.files import read_text
from drawsim.common.opening import printable
from drawsim.common.words import counted, in_words
from drawsim.reporting.run.finished import Run
from drawsim.runs.folder import ENVIRONMENT, read_record

if TYPE_CHECKING:
    from drawsim.reporting.comparison.page import Findings

MOST_FACTS, LONGEST_FACT = 100, 200
"""Lines that are read of a run's `environment.txt`, and characters of a value."""
COMMIT = "git commit"
OWN = ("drawsim", COMMIT, "python")
LIBRARIES = ("torch", "torchvision", "timm", "numpy", "pandas")
"""What a paper names beside drawsim and Python."""
ABSENT = ("not installed", "none", "not a git checkout", "")
_HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28}\b")
"""A commit, of which a paper has the beginning."""
TRAIN = ("python", "-m", "drawsim.train")


@dataclass(frozen=True)
class Made:
    """What a run wrote down: the arguments of each start, its surroundings, digests of its data."""

    commands: Sequence[Sequence[str]] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run) -> Made:
        """What is in the folder of a run; nothing of one that has none, as of W&B's."""
        if run.folder is None:
            return cls()
        record = read_record(run.folder)
        inputs = {str(name): str(value) for name, value in record.get("inputs", {}).items()}
        return cls(record.get("commands", []), read_environment(run), inputs)


def read_environment(run: Run) -> dict[str, str]:
    """The names and values of a run's `environment.txt`; none if it is not there."""
    assert run.folder is not None
    file = run.folder / ENVIRONMENT
    lines = read_text(file).splitlines() if file.is_file() else []
    pairs = (line.partition(": ") for line in lines[:MOST_FACTS])
    return {printable(key): printable(value)[:LONGEST_FACT] for key, colon, value in pairs if colon}


def software(runs: Sequence[Run]) -> list[str]:
    """Sentences on what software made the scores, and this comparison."""
    environments = [Made.of(run).environment for run in runs]
    known = [own for own in environments if own]
    said = []
    if known:
        names = ("drawsim", "python", *LIBRARIES)
        each = {name: _values(name, known) for name in (*names, COMMIT)}
        told = [f"{name} {' or '.join(each[name])}" for name in names if each[name]]
        commits = [_HASH.sub(r"\1", commit) for commit in each[COMMIT]]
        at = f" (git commit {' or '.join(commits)})" if commits else ""
        said.append(f"The runs were made with {in_words([told[0] + at, *told[1:]])}.")
    if unknown := len(environments) - len(known):
        said.append(f"What software made {counted(unknown, 'run')} is not recorded.")
    if not runs:
        said.append("What software made the scores is not recorded.")
    return [*said, f"They were compared with drawsim {__version__}."]


def _values(name: str, environments: Sequence[Mapping[str, str]]) -> list[str]:
    found = dict.fromkeys(own.get(name, "") for own in environments)
    return [value for value in found if value not in ABSENT]


# Commands


def commands_text(found: Findings) -> str:
    """`commands.txt`: a block a run, its command as a shell takes it, all else as comments."""
    head = [
        "How the numbers of this comparison were made, as far as that is recorded: a block a run.",
        "What begins with # is a comment; paths are as seen from where the command was given.",
        f"Compared with drawsim {__version__}, reference={found.reference}",
    ]
    runs = found.results.runs
    if not runs:
        head.append("The scores are published ones: no command is known.")
    blocks = [_comments(head), *("\n".join(block(run, Made.of(run))) for run in runs)]
    return "\n\n".join(blocks) + "\n"


def block(run: Run, made: Made) -> Iterator[str]:
    """The lines on a run. A command that a line cannot show is left out."""
    commands = [own for own in made.commands if "".join(own).isprintable()]
    facts = made.environment
    yield _comments([f"{run.name}: model {run.model}, split {run.split}, seed {run.seed}"])
    if own := [f"{name} {facts[name]}" for name in OWN if name in facts]:
        yield _comments([", ".join(own)])
    others = [name for name in facts if name not in (*OWN, "seed") and facts[name] not in ABSENT]
    if others:
        yield _comments(["; ".join(f"{name} {facts[name]}" for name in others)])
    if made.inputs:
        yield _comments([f"data {name}: sha256 {own}" for name, own in made.inputs.items()])
    absent = {
        "the command": commands,
        "the git commit": facts.get(COMMIT, ""),
        "the versions of packages": facts,
        "digests of the data": made.inputs,
    }
    if missing := [what for what, there in absent.items() if not there]:
        yield _comments([f"not recorded: {in_words(missing)}"])
    for arguments in commands:
        yield in_a_shell([*TRAIN, *arguments])


def _comments(lines: Sequence[str]) -> str:
    return "\n".join(f"# {printable(line)}" for line in lines)

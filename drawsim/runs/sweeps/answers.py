"""What comes back from a process that was asked to do a job."""

from __future__ import annotations

import pickle

from drawsim.runs.sweeps.engine import Outcome, Refused
from drawsim.runs.sweeps.worker import REFUSED, Answer


def read_answer(answer: Answer) -> Outcome:
    """What a job returned, or why its process did not begin it."""
    kind, content = answer
    return Refused(content.decode()) if kind == REFUSED else pickle.loads(content)

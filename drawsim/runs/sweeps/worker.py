"""What a process that does jobs of others is asked to do first.

Only the standard library at the top: the process may lack drawsim, which is to be said in a line.
Ray sends these functions along, as they are here.
"""

from __future__ import annotations

import importlib
import os
import pickle
import socket
import sys

DONE, REFUSED = "done", "refused"

Answer = tuple[str, bytes]
"""DONE and the pickled result, or REFUSED and the reason in UTF-8."""


def do(sent: bytes, version: str, folder: str) -> Answer:
    """Do a job that is a pickled function, in a folder that all processes see.

    Refused where drawsim is absent, has another version than `version`, or sees no such folder.
    """
    if reason := cannot(version, folder):
        return REFUSED, reason.encode()
    os.chdir(folder)
    return DONE, pickle.dumps(pickle.loads(sent)())


def cannot(version: str, folder: str) -> str:
    """Why this process can do no jobs; empty if it can."""
    here = f"{socket.gethostname()} ({sys.executable})"
    try:
        found = importlib.import_module("drawsim").__version__
    except ImportError:
        return f"{here}: drawsim is not installed there; install drawsim {version}"
    if found != version:
        return f"{here}: drawsim {found} is installed there, {version} here; install the same"
    if not os.path.isdir(folder):  # noqa: PTH112  (the standard library's least)
        return f"{here}: there is no folder {folder}; start from a folder that all machines share"
    return ""

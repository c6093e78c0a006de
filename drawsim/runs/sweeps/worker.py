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

    Refused where drawsim is absent, has another version than `version`, or sees no such folder, and
    where the job cannot be read for want of what it needs.
    """
    if reason := cannot(version, folder):
        return REFUSED, reason.encode()
    os.chdir(folder)
    try:
        job = pickle.loads(sent)
    except Exception as error:  # of modules that are here and not there
        return REFUSED, f"{socket.gethostname()}: {type(error).__name__}: {error}".encode()
    return DONE, pickle.dumps(job())


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

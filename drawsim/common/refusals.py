"""What the machine refuses, in one line with the cure: no room, no right to write, no place."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import platformdirs

from drawsim.common.files import disk_is_full, user_cache
from drawsim.common.opening import printable

_ELSEWHERE = "name another place, such as out=…, or change whose folder it is"
_REASONS = {
    errno.EROFS: ("may not be written, its disk is read-only", _ELSEWHERE),
    errno.EACCES: ("may not be read or written (permission denied)", _ELSEWHERE),
    errno.EPERM: ("may not be read or written (not permitted)", _ELSEWHERE),
    errno.ENOTDIR: ("cannot be made, what is above it is no folder", "name another place"),
    errno.EEXIST: ("is there, and is no folder", "name another place, or move it away"),
    errno.EISDIR: ("is a folder, where a file is to be written", "name a file"),
    errno.ENAMETOOLONG: ("has a name that is too long", "name it shorter"),
    errno.EIO: ("cannot be read or written, the disk reports an error", "check the disk"),
    errno.ESTALE: ("is gone, as its disk was unmounted", "mount it and start again"),
    errno.EMFILE: ("is one open file too many", "allow more, with `ulimit -n 4096`"),
    errno.ENFILE: ("is one open file too many for this machine", "end other programs"),
}


def refusal(error: BaseException) -> str | None:
    """What the machine refused, and the cure; None for an error that is a defect.

    error: an OSError, or what libraries make of one.
    """
    name = error.filename if isinstance(error, OSError) else None
    path = Path(os.fsdecode(name)) if isinstance(name, str | bytes) else None
    where = "" if path is None else printable(path)
    if disk_is_full(error):
        place = f"{where}: cannot be written" if where else "a file cannot be written"
        return f"{place}, {why_full(error)}; then start the same command again"
    if not isinstance(error, OSError):
        return None
    if path and (cure := _cure_of_home(path)):
        return f"{where}: cannot be used ({error.strerror}); {cure}"
    if error.errno not in _REASONS or not where:
        return None
    reason, cure = _REASONS[error.errno]
    return f"{where}: {reason}; {cure}"


def why_full(error: BaseException) -> str:
    """Which limit a write met, and what to do about it."""
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EFBIG or "File too large" in str(error):
        return "files may not grow so large here: lift the limit (`ulimit -f unlimited`)"
    if code == errno.EDQUOT or "quota" in str(error).lower():
        return "your share of the disk (quota) is used up: free some space"
    return "the disk is full: free some space"


def _cure_of_home(path: Path) -> str | None:
    """What to set where a file is below the user's caches or settings."""
    places = (
        ("XDG_CACHE_HOME", user_cache()),
        ("XDG_CONFIG_HOME", platformdirs.user_config_path("drawsim")),
    )
    for variable, folder in places:
        if path == folder or folder in path.parents or path in folder.parents:
            return f"set {variable} to a folder that may be written, e.g. {variable}=/tmp/drawsim"
    return None

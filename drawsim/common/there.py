"""Folders that settings name: whether they are there, asked before anything slow is imported."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drawsim.common.arguments import listed
from drawsim.common.errors import UserError
from drawsim.common.remote import is_remote

CURES = {
    "collection": "give the folder of a collection, with drawings.csv and artworks.csv",
    "data.root": "set it to a folder with drawings.csv and artworks.csv, or use data=demo",
    "images": "give a folder of images",
    "index": "drawsim index … out={folder} builds it",
    "run": "give run=runs/STUDY/NAME",
    "runs": "give folders of runs or of studies, or an archive that compare wrote",
}
"""What to do where the folder of a setting is not there."""


def check_folders(settings: Mapping[str, Any], *names: str) -> None:
    """Raise UserError for the first of the named settings whose folder is not there.

    names: of CURES. A setting that is not given, or is an address of the web, is left to others, as
    is a file: runs=STUDY.zip is an archive of runs.
    """
    for name in names:
        value: Any = settings
        for key in name.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        for folder in listed(value):
            if not is_remote(folder) and not Path(folder).exists():
                cure = CURES[name].format(folder=folder)
                what = "file" if folder.lower().endswith(".zip") else "folder"
                raise UserError(f"{name}={folder}: no such {what}; {cure}")

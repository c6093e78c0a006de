"""Every option that a training can choose."""

from __future__ import annotations

from drawsim.common.building import config_folder
from drawsim.common.configuration import groups

OPTIONS = [
    (group, file.stem)
    for group in groups("train")
    for file in sorted((config_folder() / group).glob("*.yaml"))
]
"""(group, option), experiments among them."""

"""Say what is here and what is missing: `python -m drawsim.doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drawsim.common.errors import UserError
from drawsim.common.launch import launch, to_plain

if TYPE_CHECKING:
    from omegaconf import DictConfig


def doctor(config: DictConfig) -> None:
    """Look, print, and fail if something is wrong."""
    from drawsim.reporting.findings import print_findings
    from drawsim.workflows.doctor import look

    found = look(ask_hub=to_plain(config)["hub"])
    print_findings([(one.area, one.name, one.state, one.said) for one in found])
    if wrong := [one.name for one in found if one.state == "wrong"]:
        raise UserError(f"wrong: {', '.join(wrong)}; how to mend it is said above")


if __name__ == "__main__":
    launch("doctor", doctor)

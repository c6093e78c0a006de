"""Where the calibration of an index lies: beside the weights of its model, or with a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from drawsim.models.sources import KEPT
from drawsim.runs.results import CALIBRATION, results_folder
from drawsim.runs.settings import CONFIG, read_values


@dataclass(frozen=True)
class OwnCalibration:
    """file: None where there is none. note: a sentence that says where it is, or how to get one."""

    file: Path | None
    note: str


def own_calibration(index: Path, run: Path | None = None) -> OwnCalibration:
    """The calibration of a run, or else that which an index has kept of the run it was made from.

    index: its folder. run: one that the user names.
    """
    for folder in (None if run is None else results_folder(run), index / KEPT):
        if folder is not None and (folder / CALIBRATION).is_file():
            return OwnCalibration(folder / CALIBRATION, f"calibration: {folder / CALIBRATION}")
    if run is None and not (index / KEPT / CONFIG).is_file():
        return OwnCalibration(
            None,
            "uncalibrated: the index is of no run; calibration=FILE takes the calibration.json "
            "that drawsim evaluate calibrate=true writes",
        )
    if run is None:
        said = read_values(index / KEPT)
        run = Path(*(str(said.get(key, "")) for key in ("out", "study", "name")))
    return OwnCalibration(
        None,
        "how likely a first result is true is not known yet: python -m drawsim.evaluate "
        f"run={run} calibrate=true finds out, and an index that is then made of the run says it",
    )

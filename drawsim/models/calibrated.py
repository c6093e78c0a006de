"""Where the calibration of an index lies: with the run that made its model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from drawsim.models.loading import SOURCE, load_source, run_of

CALIBRATION = Path("evaluation", "calibration.json")
"""Where `drawsim evaluate run=… calibrate=true` puts it, in the run folder."""


@dataclass(frozen=True)
class OwnCalibration:
    """file: None where there is none. note: a sentence that says where it is, or how to get one.

    run: the run that the model is of; None where it is of none.
    """

    file: Path | None
    note: str
    run: Path | None


def own_calibration(index: Path) -> OwnCalibration:
    """The calibration of the run that the model of an index is of.

    index: its folder. Raises UserError if what the index says of its model cannot be read.
    """
    source = load_source(index) if (index / SOURCE).is_file() else {}
    checkpoint = source.get("checkpoint")
    if checkpoint is None or not Path(str(checkpoint)).is_file():
        return OwnCalibration(
            None,
            "uncalibrated: the index is of no run that is there; calibration=FILE takes the "
            "calibration.json that drawsim evaluate calibrate=true writes",
            None,
        )
    run = run_of(Path(str(checkpoint)))
    shown = run.relative_to(Path.cwd()) if run.is_relative_to(Path.cwd()) else run
    if not (run / CALIBRATION).is_file():
        return OwnCalibration(
            None,
            "uncalibrated: how likely a first result is true, is said after python -m "
            f"drawsim.evaluate run={shown} calibrate=true",
            run,
        )
    return OwnCalibration(run / CALIBRATION, f"calibration: {shown / CALIBRATION}", run)

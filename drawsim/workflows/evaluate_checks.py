"""Settings of `evaluate` that do not go together: found before anything slow is begun."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drawsim.common.errors import UserError, nearest

CHOICES = {
    "protocol": ("drawsim", "thesis"),
    "direction": ("drawing_to_artwork", "artwork_to_drawing"),
}
USUAL = ("drawsim", "drawing_to_artwork")


def check_evaluate(values: Mapping[str, Any]) -> None:
    """Raise UserError for settings that cannot be."""
    for key, choices in CHOICES.items():
        if values[key] not in choices:
            raise UserError(f"{key}={values[key]}: {nearest(str(values[key]), choices)}")
    csls = values["csls"]
    if csls is not None and (type(csls) is not int or csls < 1):
        raise UserError(f"csls={csls}: must be a whole number of 1 or more, or null")
    if values["protocol"] == "thesis" and (
        values["csls"] or values["direction"] != "drawing_to_artwork"
    ):
        raise UserError("protocol=thesis knows neither csls nor the direction artwork_to_drawing.")
    if values["calibrate"] and (values["protocol"], values["direction"]) != USUAL:
        raise UserError("calibrate: goes with protocol=drawsim and direction=drawing_to_artwork")
    if (
        values["rerank"] not in (None, "none", [])
        and (values["protocol"], values["direction"]) != USUAL
    ):
        raise UserError("rerank: goes with protocol=drawsim and direction=drawing_to_artwork")
    files = ("queries", "gallery", "split")
    if source := next((key for key in ("run", "checkpoint") if values[key]), None):
        others = {"run", "checkpoint", "pairs", *files} - {source}
        if source == "checkpoint":
            others -= {"split"}
        if given := sorted(key for key in others if values[key]):
            raise UserError(f"{given[0]}: leave it out where {source} is given, or the reverse")
        if source == "checkpoint" and not values["out"]:
            raise UserError("out must be given: out=DIR")
        return
    missing = [key for key in (*files, "out") if not values[key]]
    if missing:
        raise UserError(
            f"{', '.join(missing)} must be given, or run=DIR, or checkpoint=FILE "
            "(python -m drawsim.evaluate --help shows examples)"
        )

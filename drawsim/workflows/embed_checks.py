"""Settings of `embed` that do not go together: found before anything slow is begun."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from drawsim.common.errors import UserError, nearest
from drawsim.models.embedding.shard import Shard

CHOICES = {
    "kind": ("drawings", "artworks"),
    "compile": ("auto", "true", "false"),
    "engine": ("local", "ray"),
    "export": ("thesis", "parquet"),
    "data.on_missing": ("skip", "error"),
}
OF_A_RUN = ("backbone", "layout", "image_size", "reading", "frames")
"""Settings that a run brings with it."""


def check_embed(values: Mapping[str, Any], chosen: Collection[str]) -> None:
    """Raise UserError for settings that cannot be. chosen: those that the command line sets."""
    _check_values(values)
    _check_images(values)
    _check_parts(values, chosen)
    models = [key for key in ("run", "checkpoint") if values[key]]
    if len(models) > 1:
        raise UserError("run and checkpoint: leave one of them out")
    if models and (both := [key for key in OF_A_RUN if key in chosen]):
        raise UserError(f"{both[0]}: leave it out, {models[0]} brings its own")


def _check_values(values: Mapping[str, Any]) -> None:
    for key, choices in CHOICES.items():
        group, _, name = key.rpartition(".")
        value = (values[group] if group else values)[name]
        if value is not None and (text := str(value).lower()) not in choices:
            raise UserError(f"{key}={value}: {nearest(text, choices)}")
    if values["out"] is None:
        raise UserError("out must be given: out=FILE.safetensors")
    if Path(values["out"]).suffix != ".safetensors":
        raise UserError(f"out={values['out']}: the name must end in .safetensors")
    if not 0 <= values["crops"] <= 5:
        raise UserError(f"crops={values['crops']}: from 0 to 5")
    least = {"batch": 1, "image_size": 1, "workers": 0, "data.max_pixels": 1}
    for key, bound in least.items():
        group, _, name = key.rpartition(".")
        value = (values[group] if group else values)[name]
        if value is not None and value < bound:
            raise UserError(f"{key}={value}: at least {bound}")


def _check_parts(values: Mapping[str, Any], chosen: Collection[str]) -> None:
    """What goes with a part of the images, and with a cluster."""
    if values["shard"] is not None:
        Shard.read(str(values["shard"]))
        if values["import_npy"] or values["merge"]:
            raise UserError("shard: goes with images that are embedded; leave it out")
        if values["export"]:
            raise UserError(f"export={values['export']}: give it to the merge; leave it out here")
    if values["engine"] != "ray" and "address" in chosen:
        raise UserError("address: goes with engine=ray; leave it out")
    if values["engine"] == "ray" and values["trainer"]["devices"] not in (1, "1"):
        raise UserError("trainer.devices: engine=ray uses all of the cluster; leave it out")


def _check_images(values: Mapping[str, Any]) -> None:
    """One source of images, and what they are where that matters."""
    has_data = "demo" in values["data"] or values["data"].get("root") is not None
    sources = {
        "data.root": has_data,
        "images": values["images"],
        "import_npy": values["import_npy"],
        "merge": values["merge"],
    }
    given = [key for key, value in sources.items() if value]
    if len(given) != 1:
        what = " and ".join(given) + ": leave all but one out" if given else "give the images:"
        raise UserError(
            f"{what} data.root=DIR kind=artworks, or images=DIR, or import_npy=FILE, or merge=FILES"
        )
    if has_data and values["kind"] is None:
        raise UserError("kind must be given with data.root: kind=drawings or kind=artworks")

"""Embed any images by any model: `python -m drawsim.embed images=DIR out=FILE.safetensors`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from drawsim.common.arguments import listed
from drawsim.common.building import build
from drawsim.common.launch import chosen_settings, launch, to_plain
from drawsim.common.remote import is_remote
from drawsim.common.there import check_folders
from drawsim.workflows.embed_checks import check_embed

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from drawsim.models.model import Model
    from drawsim.workflows.embed import Images

TEXTS = (
    *("out", "images", "run", "checkpoint", "import_npy", "store", "data.root", "data.demo.cache"),
    *("shard", "address", "compile"),  # true and false are two words of the last
)


def embed(config: DictConfig) -> None:
    """List the images, embed those that never were, and write the file."""
    values = to_plain(config, needed=False)
    check_embed(values, chosen_settings())
    check_folders(values, "images", "run", "data.root")
    from drawsim.workflows import embed as workflow

    settings = workflow.EmbedSettings.of(values)
    if values["merge"]:
        lines = workflow.merge_shards(listed(values["merge"]), settings)
    elif values["import_npy"]:
        lines = workflow.import_npy(Path(values["import_npy"]), settings)
    else:
        kind: Any = values["kind"] and values["kind"].removesuffix("s")
        images = _images(values, kind)
        lines = workflow.embed(_model(values), images, kind, values["trainer"], settings)
    for line in lines:
        print(line)


def _images(values: dict[str, Any], kind: Any) -> Images:
    from drawsim.workflows.embed import Images

    if values["images"]:
        if is_remote(values["images"]):
            return Images.of_address(values["images"])
        return Images.of_folder(Path(values["images"]))
    root = (
        build(values["data"]["demo"]) if "demo" in values["data"] else Path(values["data"]["root"])
    )
    return Images.of_collection(root, kind)


def _model(values: dict[str, Any]) -> Model:
    """What makes the embeddings: a named backbone, or a trained model as its run has set it."""
    if values["run"] or values["checkpoint"]:
        from drawsim.workflows.embed import trained_model

        run, file = (Path(v) if v else None for v in (values["run"], values["checkpoint"]))
        views = {
            "flip": values["flip"],
            "precision": values["precision"],
            "crops": values["crops"],
            "max_pixels": values["data"]["max_pixels"],
        }
        return trained_model(run, file, trust=listed(values["trust"]), **views)
    from drawsim.models.chosen import chosen_model
    from drawsim.pixels.reading import Reading

    reading = Reading(
        values["image_size"],
        values["reading"],
        values["data"]["max_pixels"],
        values["crops"],
        values["frames"],
    )
    return chosen_model(
        values["backbone"],
        values["layout"],
        reading,
        flip=values["flip"],
        precision=values["precision"],
    )


if __name__ == "__main__":
    launch("embed", embed, texts=TEXTS, lists=("trust", "merge"))

"""Embed any images by any model: `python -m drawsim.embed images=DIR out=FILE.safetensors`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from drawsim.common.arguments import listed
from drawsim.common.building import build
from drawsim.common.launch import chosen_settings, launch
from drawsim.workflows.embed_checks import check_embed

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from drawsim.models.model import Model
    from drawsim.workflows.embed import Images


def embed(config: DictConfig) -> None:
    """List the images, embed those that never were, and write the file."""
    check_embed(config, chosen_settings())
    from drawsim.common.machine import prepare

    prepare()
    from drawsim.workflows import embed as workflow

    settings = workflow.EmbedSettings(
        out=Path(config.out),
        store=Path(config.store) if config.store else None,
        batch=config.batch,
        workers=config.workers,
        compile=str(config.compile).lower(),  # type: ignore[arg-type]
        float16=config.float16,
        export=config.export,
        on_missing=config.data.on_missing,
    )
    if config.import_npy:
        lines = workflow.import_npy(Path(config.import_npy), settings)
    else:
        kind: Any = config.kind and config.kind.removesuffix("s")
        trainer: Any = OmegaConf.to_container(config.trainer)
        images = _images(config, kind)
        lines = workflow.embed(_model(config), images, kind, trainer, settings)
    for line in lines:
        print(line)


def _images(config: DictConfig, kind: Any) -> Images:
    from drawsim.workflows.embed import Images

    if config.images:
        return Images.of_folder(Path(config.images))
    root = build(config.data.demo) if "demo" in config.data else Path(config.data.root)
    return Images.of_collection(root, kind)


def _model(config: DictConfig) -> Model:
    """What makes the embeddings: a named backbone, or a trained model as its run has set it."""
    if config.run or config.checkpoint:
        from drawsim.workflows.embed import trained_model

        run, file = (Path(v) if v else None for v in (config.run, config.checkpoint))
        views = {"flip": config.flip, "crops": config.crops, "max_pixels": config.data.max_pixels}
        return trained_model(run, file, trust=listed(config.trust), **views)
    from drawsim.models.chosen import chosen_model
    from drawsim.pixels.reading import Reading

    reading = Reading(config.image_size, config.reading, config.data.max_pixels, config.crops)
    backbone, layout = (
        OmegaConf.to_container(group, resolve=True) for group in (config.backbone, config.layout)
    )
    return chosen_model(backbone, layout, reading, flip=config.flip)  # type: ignore[arg-type]


if __name__ == "__main__":
    launch("embed", embed)

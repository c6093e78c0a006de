"""Embed any images by any model: `python -m drawsim.embed images=DIR out=FILE.safetensors`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from drawsim.common.arguments import listed
from drawsim.common.building import build
from drawsim.common.errors import UserError, nearest
from drawsim.common.launch import chosen_settings, launch

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from drawsim.models.model import Model
    from drawsim.workflows.embed import Images

CHOICES = {
    "kind": ("drawings", "artworks"),
    "compile": ("auto", "true", "false"),
    "export": ("thesis", "parquet"),
    "data.on_missing": ("skip", "error"),
}
OF_A_RUN = ("backbone", "layout", "image_size", "reading")
"""Settings that a run brings with it."""


def embed(config: DictConfig) -> None:
    """List the images, embed those that never were, and write the file."""
    _check(config)
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


def _check(config: DictConfig) -> None:
    """Raise UserError for settings that do not go together, before anything slow."""
    for key, choices in CHOICES.items():
        value = OmegaConf.select(config, key)
        if value is not None and (text := str(value).lower()) not in choices:
            raise UserError(f"{key}={value}: {nearest(text, choices)}")
    if Path(config.out).suffix != ".safetensors":
        raise UserError(f"out={config.out}: the name must end in .safetensors")
    if not 0 <= config.crops <= 5:
        raise UserError(f"crops={config.crops}: from 0 to 5")
    for key, least in (("batch", 1), ("image_size", 1), ("workers", 0)):
        if config[key] is not None and config[key] < least:
            raise UserError(f"{key}={config[key]}: at least {least}")
    has_data = "demo" in config.data or not OmegaConf.is_missing(config.data, "root")
    sources = {"data.root": has_data, "images": config.images, "import_npy": config.import_npy}
    given = [key for key, value in sources.items() if value]
    if len(given) != 1:
        what = " and ".join(given) + ": leave all but one out" if given else "give the images:"
        raise UserError(f"{what} data.root=DIR kind=artworks, or images=DIR, or import_npy=FILE")
    if has_data and config.kind is None:
        raise UserError("kind must be given with data.root: kind=drawings or kind=artworks")
    models = [key for key in ("run", "checkpoint") if config[key]]
    if len(models) > 1:
        raise UserError("run and checkpoint: leave one of them out")
    if models and (both := [key for key in OF_A_RUN if key in chosen_settings()]):
        raise UserError(f"{both[0]}: leave it out, {models[0]} brings its own")


if __name__ == "__main__":
    launch("embed", embed)

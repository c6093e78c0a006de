"""Words as queries: the text tower that was trained together with the network of an index.

The towers are those of open_clip, for networks of timm whose own output lies in one space with
them: the family of SigLIP (Zhai et al., "Sigmoid loss for language image pre-training", 2023).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import huggingface_hub as hub
import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional

from drawsim.common.errors import UserError
from drawsim.models.backbones.backbone import full_precision
from drawsim.models.backbones.hub import fetch_from
from drawsim.models.loading import run_of
from drawsim.models.sources import load_source
from drawsim.models.weights import fit_weights
from drawsim.retrieval.index.folder import Index
from drawsim.runs.settings import read_settings

EXTRA = "pip install 'drawsim[text]'"
CURE = "make an index of SigLIP: python -m drawsim.index backbone=siglip"
WEIGHTS = "open_clip_model.safetensors"
"""The file of both towers on the hub."""
TOWER = "text."
"""What the names of the text tower's tensors begin with there."""
LONGEST = 500
"""Characters of a text that is looked for; towers read 64 tokens of it."""


class Tokenizer(Protocol):
    """What turns texts into tokens, as open_clip has it."""

    def __call__(self, texts: list[str]) -> Tensor:
        """(n, tokens) int64."""


class TextTower:
    """Texts as unit vectors in one space with the embeddings of an index.

    name: of the network, for people. dimensions: of its vectors.
    """

    def __init__(self, name: str, network: nn.Module, tokens: Tokenizer, dimensions: int) -> None:
        self.name = name
        self.dimensions = dimensions
        self._network = network.eval()
        self._tokens = tokens

    def vectors(self, texts: Sequence[str]) -> Tensor:
        """(n, d) float32, rows of length 1. Raises UserError for a text that cannot be one."""
        for text in texts:
            if not text.strip() or len(text) > LONGEST:
                raise UserError(f"text: words, {LONGEST} characters at most; there are {len(text)}")
        with torch.inference_mode():
            found = full_precision(self._network(self._tokens(list(texts))))
        return functional.normalize(found, dim=1).clone()


def tower_of(index: Index, trust: Sequence[str] = ()) -> tuple[TextTower, list[str]]:
    """The text tower of the network that an index is of, and what is to be said of it.

    It is fetched from the hub, or taken from the hub's cache: which one, open_clip's table says,
    not the index. trust: modules that its run may name. Raises UserError, with the cure, for an
    index of a network without one, where open_clip is not installed, and where it cannot be had.
    """
    source = load_source(index.folder)
    settings, notes = source.get("backbone"), []
    if "checkpoint" in source:
        settings = read_settings(run_of(Path(str(source["checkpoint"]))), trust).get("backbone")
        notes = ["words: the index is of a run, whose training may have moved pictures from words"]
    model = settings.get("model") if isinstance(settings, Mapping) else None
    tower = text_tower(str(model), index.model.name)
    if index.model.dimensions != tower.dimensions:
        raise UserError(
            f"text: the index has {index.model.dimensions} numbers for each image, words have "
            f"{tower.dimensions}: a layout or training has changed them; {CURE}"
        )
    return tower, notes


def text_tower(model: str, name: str) -> TextTower:
    """The text tower of a network of timm. model: with the tag of its weights, such as
    vit_base_patch16_siglip_224.webli. name: for people.

    Raises UserError as `tower_of` does.
    """
    try:
        import open_clip
        from open_clip.transformer import LayerNorm, TextTransformer
    except ImportError as error:
        raise UserError(f"text: looking for words needs open_clip: {EXTRA}") from error
    found = _known_as(open_clip, model)
    if found is None:
        raise UserError(f"text: {name} was not trained with words; {CURE}")
    known, config = found
    own = dict(config["text_cfg"])
    norm = partial(LayerNorm, **own.pop("norm_kwargs", {}))
    sizes = {key: value for key, value in own.items() if not key.startswith(("hf_", "tokenizer"))}
    network = TextTransformer(**sizes, output_dim=config["embed_dim"], norm_layer=norm)
    repository = str(open_clip.get_pretrained_cfg(known, "webli")["hf_hub"]).strip("/")
    what = f"text: the words' part of {name}"
    file = fetch_from(repository, partial(hub.hf_hub_download, repository, WEIGHTS), what)
    with safe_open(file, "pt") as tensors:
        names = [each for each in tensors.keys() if each.startswith(TOWER)]  # noqa: SIM118
        read = {each.removeprefix(TOWER): tensors.get_tensor(each) for each in names}
    fit_weights(network, read, f"{repository}/{WEIGHTS}")
    tokens = fetch_from(repository, partial(open_clip.get_tokenizer, known), what)
    return TextTower(name, network, tokens, int(config["embed_dim"]))


def _known_as(open_clip: Any, model: str) -> tuple[str, dict[str, Any]] | None:
    """What open_clip calls a network of timm, and its settings; None: it has no tower for it.

    One architecture has weights of several trainings, which open_clip tells apart by name, and timm
    by the tag: webli, v2_webli and webli_i18n.
    """
    architecture, _, tag = model.partition(".")
    for name in open_clip.list_models():
        config = open_clip.get_model_config(name)
        vision = config["vision_cfg"]
        if vision.get("timm_model_name") != architecture or vision.get("timm_proj") != "none":
            continue
        same = ("v2_" in tag) == ("SigLIP2" in name) and ("i18n" in tag) == ("i18n" in name)
        if same and tag.endswith(("webli", "webli_i18n")):
            return name, config
    return None

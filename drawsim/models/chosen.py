"""The model that settings of a user's own command line choose, untrained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drawsim.common.building import TARGET, build
from drawsim.common.renamed import ways
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.model import Model
from drawsim.models.precision import chosen_precision
from drawsim.pixels.reading import Reading
from drawsim.retrieval.reranking.chain import chain_of


def chosen_model(
    backbone: Mapping[str, Any],
    layout: Mapping[str, Any],
    reading: Reading,
    *,
    flip: bool = False,
    freeze: bool = False,
    adapt: Mapping[str, Any] | None = None,
    rerank: Mapping[str, Any] | None = None,
    precision: str | None = None,
) -> Model:
    """A model of settings as the groups `backbone`, `layout`, `adapt` and `rerank` have them.

    freeze: train nothing of the network. precision: see `drawsim.models.precision`. Raises
    UserError as building the parts does.
    """
    own_precision = chosen_precision(precision) or "auto"
    network: Backbone = build(backbone, name=backbone["name"])
    if layout["parts"]:
        network.read_layout(layout["parts"], reading.size)
    if freeze:
        network.freeze()
    adaptation = None
    if adapt and adapt.get(TARGET):
        own = {key: value for key, value in adapt.items() if key != "unlabelled"}
        adaptation = build(own, dimensions=network.dimensions, parts=network.channels)
    again = chain_of([build(settings) for settings in ways(rerank or {}).values()])
    return Model(network, reading, flip, adaptation, again, own_precision)

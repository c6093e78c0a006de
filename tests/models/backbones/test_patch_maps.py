"""What is where in a vision transformer: patches alone, as its last norm leaves them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn.functional import normalize

from drawsim.common.errors import UserError
from drawsim.retrieval.reranking.local import local_features
from tests.learning.tiny import tiny_model
from tests.models.backbones.networks import pictures, random_model

SIZE, SIDE = 64, 4
# A class token; four registers beside it; a class token and rotary positions; no token but patches.
MODELS = ("test_vit", "test_vit3", "vit_small_patch16_dinov3_qkvb", "vit_base_patch16_siglip_224")


@pytest.fixture(autouse=True)
def shallow(depth_of_two: None) -> None:
    """Transformers of two blocks."""


@pytest.mark.parametrize("model", MODELS)
def test_cells_are_the_patches_after_the_last_norm(model: str) -> None:
    backbone = random_model(model, SIZE, "own").eval()
    network: Any = backbone.network
    images = pictures(2, SIZE)
    found = local_features(backbone, images)
    assert (found.height, found.width) == (SIDE, SIDE)
    with torch.inference_mode():
        tokens = network.forward_features((images - backbone.mean) / backbone.std)
    patches = tokens[:, tokens.shape[1] - SIDE**2 :]
    assert tokens.shape[1] - SIDE**2 == network.num_prefix_tokens
    torch.testing.assert_close(found.vectors, normalize(patches, dim=2), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("model", MODELS[:3])
def test_a_layout_is_of_patches_and_the_plain_network_stays_what_it_is(model: str) -> None:
    images = pictures(2, SIZE)
    plain = random_model(model, SIZE, "own").eval()
    model_of_plain = tiny_model(plain)
    backbone = random_model(model, SIZE, "own")
    backbone.read_layout([[-2, 4], [-1, 2]], SIZE)  # the default of layout=grids
    backbone.eval()
    network: Any = backbone.network
    with torch.inference_mode():
        vectors, without = tiny_model(backbone).encode_with_plain(images)
        assert vectors.equal(backbone(images))
        torch.testing.assert_close(without, model_of_plain.encode(images))
        tokens = network.forward_features((images - backbone.mean) / backbone.std)
    side = tokens[:, -(SIDE**2) :].transpose(1, 2).unflatten(2, (SIDE, SIDE))
    quarters = torch.stack(
        [side[:, :, y : y + 2, x : x + 2].mean(dim=(2, 3)) for y in (0, 2) for x in (0, 2)], dim=2
    )
    last = vectors[:, -4 * tokens.shape[2] :]
    torch.testing.assert_close(
        last * 2**0.5, normalize(quarters.flatten(1), dim=1), atol=1e-5, rtol=1e-4
    )
    assert backbone.dimensions == vectors.shape[1] == tokens.shape[2] * (16 + 4)
    assert "maps normed and cells" in backbone.describe(SIZE)["transform"]


def test_images_of_another_size_are_fitted_to_that_of_the_network() -> None:
    backbone = random_model("test_vit", SIZE).eval()
    large = pictures(2, 96)
    fitted = torch.nn.functional.interpolate(
        large.float(), (SIZE, SIZE), mode="bilinear", antialias=True
    )
    with torch.inference_mode():
        torch.testing.assert_close(backbone(large), backbone(fitted))
    assert backbone.describe(96)["transform"].startswith("squash to 96x96, then to 64x64, (x - ")
    assert "then" not in backbone.describe(SIZE)["transform"]


def test_patches_that_are_too_large_are_named() -> None:
    with pytest.raises(
        UserError, match=r"vit_base_patch32_224 has no map as fine as 16 px"
    ) as seen:
        local_features(random_model("vit_base_patch32_224", 64).eval(), pictures(1, SIZE))
    assert "\n" not in str(seen.value)

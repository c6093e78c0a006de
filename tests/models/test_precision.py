"""Embedding in bfloat16: chosen, told, kept apart, and refused where it would be slower."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from torch.nn.functional import cosine_similarity

from drawsim.common.configuration import compose, option
from drawsim.common.errors import UserError
from drawsim.common.machine import has_bf16
from drawsim.models.local_features import KeptPictures
from drawsim.models.model import Model
from drawsim.models.precision import arithmetic, chosen_precision, stored_precision
from drawsim.models.sources import model_of_index, save_source
from drawsim.workflows.index import ModelChoice
from tests.learning.tiny import tiny_model
from tests.models.backbones.networks import pictures, random_model

SIZE = 64


@pytest.fixture
def old_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which bfloat16 would be slower."""
    monkeypatch.setattr("drawsim.models.precision.has_bf16", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def new_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drawsim.models.precision.has_bf16", lambda: True)


@pytest.fixture(scope="module")
def model() -> Model:
    return tiny_model(random_model("test_efficientnet", SIZE).eval())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16 amx_tile\n", True),
        ("flags : fpu sse avx2\nbugs : bf16\n", False),
        ("Features\t: fp asimd bf16 i8mm\n", True),
        ("hardware : of another kind\n", None),
    ],
)
def test_what_a_processor_offers_is_read(tmp_path: Path, text: str, found: bool | None) -> None:
    (tmp_path / "cpuinfo").write_text(text, encoding="utf-8")
    assert has_bf16(tmp_path / "cpuinfo") is found
    assert has_bf16(tmp_path / "none") is None


def test_it_is_refused_where_it_would_be_slower(old_processor: None) -> None:
    with pytest.raises(UserError, match=r"^precision=bf16: this processor has no .* leave it out$"):
        chosen_precision("bf16")
    assert chosen_precision(None) is None
    assert chosen_precision("auto") == "auto"


def test_a_model_of_it_goes_on_and_says_so(
    old_processor: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert stored_precision("bf16", tmp_path / "config.yaml") == "bf16"
    assert "it would be slower" in caplog.text
    assert stored_precision(None, tmp_path / "config.yaml") == "auto"
    with pytest.raises(UserError, match=r"config\.yaml: precision is 'fp4', not auto or bf16"):
        stored_precision("fp4", tmp_path / "config.yaml")


@pytest.mark.parametrize("value", ["bf61", "fp16"])
def test_another_word_is_answered_with_those_there_are(value: str) -> None:
    with pytest.raises(UserError, match=rf"^precision={value}: "):
        chosen_precision(value)


def test_products_are_in_bfloat16_and_rows_in_float32(model: Model) -> None:
    images = pictures(3, SIZE)
    seen = []
    layer = model.backbone.network.get_submodule("conv_stem")
    hook = layer.register_forward_hook(lambda *given: seen.append(given[2].dtype))
    half = replace(model, precision="bf16")
    with torch.inference_mode():
        rows, own = model.encode(images), half.encode(images)
    hook.remove()
    assert seen == [torch.float32, torch.bfloat16]
    assert own.dtype == torch.float32
    torch.testing.assert_close(own.norm(dim=1), torch.ones(3))
    assert float(cosine_similarity(rows, own).min()) > 0.999
    assert not torch.equal(rows, own)


def test_what_is_kept_is_kept_apart_and_told(model: Model, tmp_path: Path) -> None:
    half = replace(model, precision="bf16")
    assert model.key()["precision"] == "32-true"
    assert half.key()["precision"] == half.describe()["precision"] == "bf16-mixed"
    assert {**half.key(), "precision": "32-true"} == model.key()
    assert "bf16" in repr(half)
    folders = {
        KeptPictures(each, [], [tmp_path / "x.png"], tmp_path).folder for each in (model, half)
    }
    assert len(folders) == 2
    with arithmetic("bf16", torch.device("cpu")):
        assert torch.is_autocast_enabled("cpu")


def test_an_index_keeps_it(new_processor: None, tmp_path: Path) -> None:
    given = ["backbone=lite", f"image_size={SIZE}", "precision=bf16", "out=x"]
    values: Any = OmegaConf.to_container(compose("index", given))
    source = ModelChoice.of(values).source()
    assert source is not None
    assert source["backbone"] == option("backbone", "lite", image_size=SIZE)
    save_source(tmp_path, source)
    assert model_of_index(tmp_path).precision == "bf16"
    save_source(tmp_path, {**source, "precision": "auto"})
    assert model_of_index(tmp_path).precision == "auto"

"""How fast images are embedded: from JPEG files, from ready tensors, and one at a time.

    python scripts/bench/embed.py [--images 2000] [--size 280] [--batch 32] [--backbone lite …]
    python scripts/bench/embed.py --precisions

With --precisions, only the model alone on ready tensors, in float32 and in bfloat16, and how alike
the two embed. Else, for each backbone: the model alone on ready uint8 tensors; `drawsim.embed`'s
way from JPEG files (1000 × 700 pixels) into an empty store, plain and compiled; and a loop that
opens, transforms and embeds one image after another, as the thesis does, in a process without
drawsim's settings of the machine. All in one run, the loop on a share of the images. Compiling
takes as long for any number of images; it is told apart. Targets: files at least 85 % of the model
alone, at least 4 times the loop for lite at 280 pixels; compiled and plain embeddings at a cosine
of at least 0.9999; a peak of memory that does not depend on the number of images. Run it on a
machine that does nothing else.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

from drawsim.common.machine import cores, prepare

LOOP = "--loop"
if LOOP not in sys.argv:
    prepare()  # before torch is imported, as the commands do
# ruff: noqa: E402

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import cosine_similarity
from torchvision.transforms import functional as transforms

from drawsim.models.backbones.backbone import Backbone
from drawsim.models.backbones.lite import lite
from drawsim.models.backbones.timm_models import from_timm
from drawsim.models.embedding.compiling import ENOUGH, Compiling, Mode
from drawsim.models.embedding.engine import embed_images
from drawsim.models.embedding.store import Store
from drawsim.models.model import Model
from drawsim.models.trainer import settle_hardware
from drawsim.pixels.dataset import ImageDataset
from drawsim.pixels.reading import Reading

TARGETS = {"files / model": 0.85, "files / loop": 4.0}
TRAINER = {"name": "cpu", "accelerator": "cpu", "devices": 1, "precision": "auto"}
DIFFERENT = 64
"""Pictures that are drawn; each file has a comment of its own, so that none is embedded twice."""
MAX_PIXELS = 10**8


def write_jpegs(folder: Path, count: int) -> dict[str, Path]:
    """Files of 1000 × 700 pixels: soft colours with grain, about 150 kB each."""
    contents = []
    for number in range(min(count, DIFFERENT)):
        rng = np.random.default_rng(number)
        soft = cv2.resize(rng.integers(0, 256, (7, 10, 3), np.uint8), (1000, 700))
        grain = rng.normal(0, 8, soft.shape)
        image = (soft + grain).clip(0, 255).astype(np.uint8)
        done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 88])
        assert done
        contents.append(data.tobytes())
    files = {}
    for number in range(count):
        files[str(number)] = path = folder / f"{number}.jpg"
        path.write_bytes(contents[number % DIFFERENT] + str(number).encode())  # behind the image
    return files


def make(name: str, size: int) -> Backbone:
    """`lite`, or a model of timm with random weights, ready to embed."""
    if name == "lite":
        return lite(name, "avg", True).eval()
    return from_timm(name, name, "avg", True, size, pretrained=False).eval()


@torch.inference_mode()
def model_alone(model: Model, images: Tensor, batches: int, mode: Mode) -> float:
    """Images per second on a ready batch; compiling is not counted."""
    call = Compiling(model.backbone, mode, 10**9)
    for _ in range(5):  # warms up, and compiles
        model.encode(images, call)
    started = time.perf_counter()
    for _ in range(batches):
        model.encode(images, call)
    return batches * len(images) / (time.perf_counter() - started)


@torch.inference_mode()
def compare_precisions(name: str, size: int, images: Tensor, batches: int) -> None:
    """Print the rates of one backbone in float32 and in bfloat16."""
    plain = Model(make(name, size), Reading(size))
    half = replace(plain, precision="bf16")
    one, other = (model_alone(model, images, batches, "false") for model in (plain, half))
    cosine = float(cosine_similarity(plain.encode(images), half.encode(images)).min())
    print(f"{name:<28}{one:>10.1f}{other:>10.1f}{other / one:>8.2f}{cosine:>15.5f}")


@contextmanager
def compiling_timed() -> Iterator[list[float]]:
    """Seconds that each compilation takes."""
    spent: list[float] = []
    compile_network = Compiling._compile

    def timed(self: Compiling, images: Tensor, expected: Tensor) -> None:
        started = time.perf_counter()
        compile_network(self, images, expected)
        spent.append(time.perf_counter() - started)

    with mock.patch.object(Compiling, "_compile", timed):
        yield spent


def from_files(
    model: Model, files: dict[str, Path], batch: int, mode: Mode, folder: Path
) -> tuple[float, float, Tensor]:
    """Images per second from files to a store, seconds of compiling besides, the embeddings."""
    started = time.perf_counter()
    store = Store(folder, model.key(), model.dimensions)
    with compiling_timed() as compiling:
        outcome = embed_images(
            model,
            files,
            store,
            settle_hardware({**TRAINER, "enable_checkpointing": False}),
            batch_size=batch,
            workers=cores(),
            compile_mode=mode,
        )
    seconds = time.perf_counter() - started - sum(compiling)
    assert not outcome.skipped
    first = list(outcome.digests.values())[:DIFFERENT]
    return len(files) / seconds, sum(compiling), torch.cat(list(store.blocks(first)))


@torch.inference_mode()
def one_at_a_time(backbone: Backbone, files: list[Path], size: int) -> float:
    """Images per second of the loop: open, to tensor, resize, embed."""
    backbone.network.to(memory_format=torch.contiguous_format)
    started = time.perf_counter()
    for path in files:
        image = transforms.to_tensor(Image.open(path).convert("RGB"))
        square = transforms.resize(image, [size, size], antialias=False)
        backbone((square * 255)[None])
    return len(files) / (time.perf_counter() - started)


def measure(name: str, size: int, batch: int, files: dict[str, Path], folder: Path) -> None:
    """Print the lines of one backbone."""
    backbone = make(name, size)
    model = Model(backbone, Reading(size, max_pixels=MAX_PIXELS))
    paths = list(files.values())
    ready = ImageDataset(paths[:batch], model.reading)
    images = torch.stack([ready[i][0] for i in range(len(ready))])
    loop = apart(LOOP, name, size, batch, max(20, len(paths) // 20))
    modes: tuple[Mode, ...] = ("false", "true")
    rows: dict[Mode, Tensor] = {}
    for mode in modes:
        alone = model_alone(model, images, max(3, len(paths) // batch // 4), mode)
        rate, spent, rows[mode] = from_files(model, files, batch, mode, folder / name / mode)
        print(
            f"{name:<18}{mode:<9}{alone:>10.1f}{rate:>10.1f}{loop:>10.1f}"
            f"{rate / alone:>15.1%}{rate / loop:>14.1f}"
            + (f"   after {spent:.0f} s of compiling" if spent else "")
        )
    cosine = float(cosine_similarity(rows["false"], rows["true"]).min())
    print(f"{name:<18}least cosine between plain and compiled: {cosine:.6f}")
    assert cosine >= ENOUGH


def peak_mib() -> float:
    """Largest memory of this process so far (without its workers), MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def apart(what: str, name: str, size: int, batch: int, count: int) -> float:
    """The number that a process of its own prints for so many images."""
    command = [sys.executable, __file__, what, "--backbone", name, "--images", str(count)]
    command += ["--size", str(size), "--batch", str(batch)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--size", type=int, default=280, help="pixels, both sides")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--backbone", nargs="+", default=["lite", "resnet50"])
    parser.add_argument("--precisions", action="store_true", help="float32 and bfloat16 alone")
    parser.add_argument("--peak", action="store_true", help="print peak memory (MiB) and no more")
    parser.add_argument(LOOP, action="store_true", help="print the loop's rate and no more")
    given = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        files = write_jpegs(folder, given.images)
        if given.precisions:
            ready = ImageDataset([*files.values()][: given.batch], Reading(given.size))
            images = torch.stack([ready[i][0] for i in range(len(ready))])
            print(f"{'images/s':<28}{'float32':>10}{'bf16':>10}{'ratio':>8}{'least cosine':>15}")
            for name in given.backbone:
                compare_precisions(name, given.size, images, max(3, given.images // given.batch))
            return
        if given.loop:
            print(one_at_a_time(make(given.backbone[0], given.size), [*files.values()], given.size))
            return
        if given.peak:
            model = Model(make(given.backbone[0], given.size), Reading(given.size))
            from_files(model, files, given.batch, "false", folder / "store")
            print(peak_mib())
            return
        print(f"{cores()} cores, {torch.get_num_threads()} torch threads, {given.images} images")
        print(
            f"{'images/s':<18}{'compile':<9}{'model':>10}{'files':>10}{'loop':>10}"
            f"{'files / model':>15}{'files / loop':>14}"
        )
        for name in given.backbone:
            measure(name, given.size, given.batch, files, folder / "stores")
    for name in given.backbone:
        peaks = [
            apart("--peak", name, given.size, given.batch, n)
            for n in (given.images // 4, given.images)
        ]
        print(
            f"{name:<18}peak memory {peaks[0]:.0f} MiB for {given.images // 4} images, "
            f"{peaks[1]:.0f} MiB for {given.images}"
        )
    print("targets: " + ", ".join(f"{what} at least {least}" for what, least in TARGETS.items()))


if __name__ == "__main__":
    main()

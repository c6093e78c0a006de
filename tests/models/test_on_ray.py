"""Embedding on a Ray cluster of two nodes on this machine: the same file, whatever dies."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drawsim.common.errors import UserError
from drawsim.models.embedding import keeping, ray_cluster
from drawsim.models.embedding.image_batches import fingerprints
from drawsim.models.embedding.on_ray import _take
from drawsim.models.embedding.ray_cluster import Cluster, Node, check_versions, settle_on
from drawsim.models.embedding.store import Store
from drawsim.workflows.embed import EmbedSettings, Images, embed
from tests.learning.tiny import CPU, tiny_model, write_images

TRAINER = CPU | {"enable_checkpointing": False}
MEMORY = 100_000_000
"""Bytes of the object store of a node."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes of a core each."""
    pytest.importorskip("ray.data", reason="Ray is not installed")
    from ray.cluster_utils import Cluster as Nodes

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")  # a busy machine would starve it
        patch.setenv("RAY_raylet_start_wait_time_s", "120")
        patch.setenv("RAY_health_check_period_ms", "500")  # that a node is dead is seen soon
        patch.setenv("RAY_health_check_timeout_ms", "2000")
        patch.setenv("OMP_NUM_THREADS", "1")
        node = {"num_cpus": 1, "object_store_memory": MEMORY, "include_dashboard": False}
        nodes: Any = Nodes(initialize_head=True, head_node_args=node)
        try:
            yield nodes
        finally:
            nodes.shutdown()


def settings(folder: Path, name: str, ray: str | None = None) -> EmbedSettings:
    return EmbedSettings(folder / f"{name}.safetensors", folder / name, batch=4, workers=0, ray=ray)


@pytest.fixture
def images(tmp_path: Path) -> Images:
    """Twenty-eight files, two more that are no images, and one that is a damaged one."""
    drawings, artworks = write_images(tmp_path / "images")
    files = {path.stem: path for path in [*drawings, *artworks]}
    for name, content in (("text", b"no image"), ("cut", files["3"].read_bytes()[:80])):
        files[name] = tmp_path / "images" / f"{name}.png"
        files[name].write_bytes(content)
    return Images(files, {})


def test_a_node_dies_and_the_file_is_that_of_one_machine(
    cluster: Any,
    images: Images,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second = cluster.add_node(num_cpus=1, object_store_memory=MEMORY)
    take = keeping.Keeping.take
    killed: list[int] = []

    def killing(self: keeping.Keeping, *batch: Any) -> None:
        take(self, *batch)
        if not killed:
            killed.append(self.computed)
            cluster.remove_node(second, allow_graceful=False)

    model = tiny_model(flip=True)
    with monkeypatch.context() as patch:
        patch.setattr(keeping.Keeping, "take", killing)
        embed(model, images, None, TRAINER, settings(tmp_path, "ray", cluster.address))
    assert 0 < killed[0] < 28
    embed(model, images, None, TRAINER, settings(tmp_path, "one"))
    for ending in (".safetensors", ".ids.csv", ".skipped.csv"):
        ours, other = (tmp_path / f"{name}{ending}" for name in ("ray", "one"))
        assert ours.read_bytes() == other.read_bytes()

    def never(*_: Any) -> None:
        raise AssertionError("nothing lacks")

    monkeypatch.setattr("drawsim.models.embedding.on_ray._take", never)
    kept = Images({k: v for k, v in images.files.items() if k != "cut"}, {})
    embed(model, kept, None, TRAINER, settings(tmp_path, "ray", cluster.address))


def test_what_a_node_alone_cannot_read_is_its_fault(images: Images) -> None:
    model = tiny_model()
    path = images.files["3"]
    mark = fingerprints({"3": path}, 1)[0]["3"]
    batch = {"digest": [mark.digest.hex()], "reason": ["is not there"], "node": ["10.0.0.2"]}
    kept = keeping.Keeping(Store(path.parent, {}, 6), 1, lambda count=1: None)
    arrays = {name: np.array(column, object) for name, column in batch.items()}
    with pytest.raises(UserError, match=r"node 10\.0\.0\.2: .*3\.png is not there, but"):
        _take(arrays, {mark.digest: (path, mark)}, model.reading, kept)
    path.unlink()
    _take(arrays, {mark.digest: (path, mark)}, model.reading, kept)
    assert kept.failed == {mark.digest: "is not there"}


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"drawsim": None}, "node 10.0.0.2 has no drawsim, here it is "),
        ({"torch": "1.0"}, "node 10.0.0.2 has torch 1.0, here it is "),
        ({"timm": None}, "node 10.0.0.2 has no timm"),
    ],
)
def test_every_node_has_the_same(facts: dict[str, str | None], said: str) -> None:
    own = ray_cluster.own_versions()
    check_versions({"10.0.0.1": own}, own)
    with pytest.raises(UserError) as told:
        check_versions({"10.0.0.1": own, "10.0.0.2": {**own, **facts}}, own)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_what_a_node_says_of_itself() -> None:
    assert ray_cluster._facts()() == {**ray_cluster.own_versions(), "mixed": None}


@pytest.mark.parametrize("address", ["127.0.0.1:{port}", "nonsense", "ray://127.0.0.1:{port}"])
def test_no_cluster_at_the_address(address: str, tmp_path: Path) -> None:
    pytest.importorskip("ray.data", reason="Ray is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = address.format(port=port)
    with pytest.raises(UserError, match=r"no Ray cluster there; start one|on a node of the clu"):
        embed(tiny_model(), Images({}, {}), None, TRAINER, settings(tmp_path, "ray", address))
    assert not list(tmp_path.iterdir())


def test_the_hardware_of_a_cluster() -> None:
    cpus = Cluster((Node("a", "10.0.0.1", 4, 0), Node("b", "10.0.0.2", 0.5, 0)))
    gpus = Cluster((Node("a", "10.0.0.1", 4, 2),), "bf16-mixed")
    auto = {"name": "auto", "accelerator": "auto", "precision": "auto"}
    assert (cpus.cpus, cpus.gpus, gpus.gpus) == (4, 0, 2)
    assert settle_on(cpus, auto) == {"accelerator": "cpu", "precision": "32-true"}
    assert settle_on(gpus, auto) == {"accelerator": "cuda", "precision": "bf16-mixed"}
    cpu = {**auto, "accelerator": "cpu"}
    assert settle_on(gpus, cpu) == {"accelerator": "cpu", "precision": "32-true"}
    for wrong in ({"accelerator": "gpu", "name": "gpu"}, {"precision": "64-true"}):
        with pytest.raises(UserError, match="trainer"):
            settle_on(cpus, auto | wrong)

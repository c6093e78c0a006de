"""A Ray cluster that is there: joined, and its nodes looked at before any work is sent to them."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import torch

import drawsim
from drawsim.common.errors import UserError, brief

log = logging.getLogger(__name__)

ALIKE = ("torch", "timm", "pillow", "opencv-python-headless", "numpy")
"""Libraries that must be the same on every node: an embedding depends on them."""
CLIENT = "ray://"
PATIENCE = 5.0
"""Seconds for a port to answer."""
SLOW = 120.0
"""Seconds for a node to say what is installed on it: its first process imports torch."""


@dataclass(frozen=True)
class Node:
    """A node of a cluster. cpus, gpus: as Ray counts them."""

    id: str
    address: str
    cpus: float
    gpus: float


@dataclass(frozen=True)
class Cluster:
    """nodes: those that are alive. mixed: the precision that every GPU of them can compute in."""

    nodes: tuple[Node, ...]
    mixed: str | None = None

    @property
    def gpus(self) -> int:
        """GPUs of all nodes."""
        return int(sum(node.gpus for node in self.nodes))

    @property
    def cpus(self) -> int:
        """Cores of all nodes, at least one a node."""
        return max(len(self.nodes), int(sum(node.cpus for node in self.nodes)))


@contextmanager
def joined(address: str) -> Iterator[Cluster]:
    """Be part of the cluster at an address, HOST:PORT or auto, for as long as the work lasts.

    One that this process is part of already is used as it is. Raises UserError where Ray is not
    installed, no cluster can be joined, and a node lacks drawsim or has other versions.
    """
    try:
        import ray
    except ImportError as error:
        raise UserError("engine=ray needs Ray: pip install 'drawsim[ray]'") from error
    library: Any = ray
    own = not library.is_initialized()
    if own:
        _join(library, address)
    try:
        cluster = _looked_at(library)
        yield cluster
        alive = {each["NodeID"] for each in library.nodes() if each["Alive"]}
        if lost := [node.address for node in cluster.nodes if node.id not in alive]:
            log.warning("lost on the way: node %s; others did its work", " and ".join(lost))
    finally:
        if own:
            library.shutdown()


def _join(ray: Any, address: str) -> None:
    cure = "start one (`ray start --head`), or name another address=HOST:6379"
    if address.startswith(CLIENT):
        raise UserError(
            f"address={address}: embedding starts on a node of the cluster, with address=auto"
        )
    if address != "auto":
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), PATIENCE).close()
        except (OSError, ValueError, OverflowError) as error:
            raise UserError(
                f"address={brief(address)[1:-1]}: no Ray cluster there; {cure}"
            ) from error
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        why = " ".join(str(error).split())
        what = "no Ray cluster there" if isinstance(error, ConnectionError) else why
        raise UserError(f"address={address}: {what}; {cure}") from error
    _quiet()


def _quiet() -> None:
    """Leave out the pages that Ray prints of a node that dies; a line says it afterwards."""
    with suppress(ImportError):  # it is no part of Ray's interface
        from ray._private import worker

        worker.print_to_stdstream = lambda *_, **__: None


def _looked_at(ray: Any) -> Cluster:
    """The nodes, each of which has said what is installed on it."""
    nodes = tuple(
        Node(
            each["NodeID"],
            each["NodeManagerAddress"],
            each["Resources"].get("CPU", 0.0),
            each["Resources"].get("GPU", 0.0),
        )
        for each in ray.nodes()
        if each["Alive"] and each["Resources"].get("CPU", 0.0) + each["Resources"].get("GPU", 0.0)
    )
    if not nodes:
        raise UserError("engine=ray: no node of the cluster has a processor to work with")
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    task = ray.remote(_facts())
    asked = {
        task.options(
            num_cpus=0,
            num_gpus=0.01 if node.gpus else 0,
            max_retries=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node.id, soft=False),
        ).remote(): node
        for node in nodes
    }
    ready, slow = ray.wait(list(asked), num_returns=len(asked), timeout=SLOW)
    if slow:
        raise UserError(
            f"engine=ray: node {asked[slow[0]].address} does not answer; end what is busy there, "
            "or leave it out of the cluster"
        )
    said = {asked[ref].address: ray.get(ref) for ref in ready}
    check_versions(said, own_versions())
    mixed = {facts["mixed"] for facts in said.values() if facts["mixed"]}
    return Cluster(nodes, min(mixed) if mixed else None)  # 16-mixed, if one has no other


def own_versions() -> dict[str, str | None]:
    """What is installed here, by name."""
    return {"drawsim": drawsim.__version__, **{name: version(name) for name in ALIKE}}


def check_versions(
    said: Mapping[str, Mapping[str, str | None]], own: Mapping[str, str | None]
) -> None:
    """Raise UserError for a node that lacks a package, or has another version than there is here.

    said: by the node's address.
    """
    for address, facts in said.items():
        for name, here in own.items():
            if (other := facts.get(name)) != here:
                has = f"has {name} {other}" if other else f"has no {name}"
                raise UserError(
                    f"engine=ray: node {address} {has}, here it is {here}: install the same on "
                    "every node"
                )


def _facts() -> Callable[[], dict[str, str | None]]:
    """What a node runs to say what is installed: a closure, so that it needs no drawsim there."""
    names = ALIKE

    def facts() -> dict[str, str | None]:
        from importlib.metadata import PackageNotFoundError, version

        said: dict[str, str | None] = {"drawsim": None, "mixed": None}
        for name in names:
            try:
                said[name] = version(name)
            except PackageNotFoundError:  # noqa: PERF203
                said[name] = None
        try:
            import torch

            import drawsim
        except ImportError:
            return said
        said["drawsim"] = drawsim.__version__
        if torch.cuda.is_available():
            native = torch.cuda.is_bf16_supported(including_emulation=False)
            said["mixed"] = "bf16-mixed" if native else "16-mixed"
        return said

    return facts


def settle_on(cluster: Cluster, trainer: Mapping[str, Any]) -> dict[str, Any]:
    """The accelerator and the precision of a cluster, as settings of a trainer ask for them.

    Raises UserError for GPUs that are not there, and numbers that this engine does not compute in.
    """
    wanted, precision = trainer["accelerator"], str(trainer["precision"])
    if wanted in ("gpu", "cuda") and not cluster.gpus:
        raise UserError(f"trainer={trainer['name']} asks for GPUs, the cluster has none")
    on_gpu = bool(cluster.gpus) and wanted != "cpu"
    if precision == "auto":
        precision = (cluster.mixed or "32-true") if on_gpu else "32-true"
    if precision not in KINDS or (precision != "32-true" and not on_gpu):
        raise UserError(
            f"trainer.precision={precision}: engine=ray computes in 32-true, and on GPUs in "
            "bf16-mixed and 16-mixed"
        )
    return {"accelerator": "cuda" if on_gpu else "cpu", "precision": precision}


KINDS = {"32-true": None, "bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
"""Precisions, and what a network then computes in."""

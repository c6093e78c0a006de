"""Check a Replica checkpoint of the original layout, and write it once, as safetensors.

    python scripts/convert_replica.py FILE.pth weights/replica_mini.safetensors

The file may hold every tensor twice (model.* and non_pooled.*): the copies must be equal bit for
bit. Written are float32 tensors under timm's names, which backbone=replica_mini and
backbone=replica_clus load, with the SHA-256 and the layout of the original as metadata.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

from safetensors.torch import save_file

from drawsim.common.errors import UserError
from drawsim.common.files import atomic
from drawsim.models.backbones.replica import MODEL, trained_network
from drawsim.models.backbones.timm_models import create_network
from drawsim.models.weights import (
    copies,
    fit_weights,
    named_tensors,
    read_content,
    single_copy,
)


def convert(source: Path, target: Path) -> None:
    """Write the network of `source` to `target`, and print what was found.

    Raises UserError for a file that cannot be read or is no whole Replica network.
    """
    content = read_content(source)
    if trained_network(content, source) is not None:
        raise UserError(
            f"{source}: a checkpoint of drawsim's own, which needs no conversion: "
            f"backbone.weights={source}"
        )
    tensors = named_tensors(content, source)
    network = create_network(MODEL, "avg")
    fit_weights(network, single_copy(tensors, source), str(source))
    prefixes = [f"{prefix}*" for prefix, found in copies(tensors).items() if prefix and found]
    layout = " and ".join(prefixes) or "plain names"
    print(f"{source}: {len(tensors):,} tensors, {layout}{', equal' if len(prefixes) > 1 else ''}")

    written = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    with source.open("rb") as file, atomic(target) as temporary:
        digest = hashlib.sha256()
        while block := file.read(2**20):
            digest.update(block)
        metadata = {
            "model": MODEL,
            "source": source.name,
            "source_layout": layout,
            "source_sha256": digest.hexdigest(),
        }
        save_file(written, temporary, metadata)
    print(
        f"{target}: {len(written):,} tensors of {MODEL}, {target.stat().st_size / 2**20:,.1f} MiB"
    )


def main() -> None:
    """Read the command line and convert."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="the checkpoint: .pth, .pt or .ckpt")
    parser.add_argument("target", type=Path, help="what to write: .safetensors")
    parser.add_argument("--force", action="store_true", help="replace the target if it is there")
    arguments = parser.parse_args()
    try:
        if arguments.target.suffix != ".safetensors":
            raise UserError(f"{arguments.target}: the name must end in .safetensors")
        if arguments.target.exists() and not arguments.force:
            raise UserError(f"{arguments.target}: is there already; --force replaces it")
        convert(arguments.source, arguments.target)
    except UserError as error:
        sys.exit(f"convert_replica: {error}")


if __name__ == "__main__":
    main()

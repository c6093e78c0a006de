"""`drawsim <command> …`: the same as `python -m drawsim.<command> …`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from drawsim import __version__
from drawsim.common import completion
from drawsim.common.errors import UserError, nearest
from drawsim.common.pages import told

COMMANDS = {
    "prepare": "from folders of scans and artworks to a collection",
    "explore": "see what is in a collection",
    "train": "train, evaluate and report",
    "evaluate": "exact metrics of a run or of any embeddings",
    "index": "embeddings in a folder that can be searched",
    "search": "look up a drawing, an artwork, or a part of one",
    "embed": "embeddings of any images, by any model, into a file",
    "annotate": "judge in a browser what a model finds",
    "export": "manifests that viewers of museums show",
    "compare": "tables, tests and figures over runs",
    "runs": "which runs there are, how far they came, and cleaning up",
    "doctor": "what is here and what is missing, and how to get it",
    "sync": "runs in Weights & Biases, brought up to date",
}


def main() -> None:
    """Run the command that the first argument names."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: drawsim <command> [settings]\n")
        for command, purpose in COMMANDS.items():
            print(f"  {command:10} {purpose}")
        print("\ndrawsim <command> --help tells more; drawsim --version.")
        if pages := told("index.md"):
            print(f"All pages of the documentation are in {Path(pages).parent}/.")
        print('Completion with Tab: eval "$(drawsim --shell-completion bash)", or zsh, or fish.')
    elif arguments[0] == "--version":
        print(__version__)
    elif arguments[0] in ("--shell-completion", completion.ASK):
        _complete(arguments)
    elif arguments[0] in COMMANDS:
        sys.argv = arguments
        # As a module of its own, so that further processes can be started the same way.
        runpy.run_module(f"drawsim.{arguments[0]}", run_name="__main__", alter_sys=True)
    else:
        what = f"{arguments[0]}: no such command, {nearest(arguments[0], COMMANDS)}"
        print(f"drawsim: {what}", file=sys.stderr)
        sys.exit(2)


def _complete(arguments: list[str]) -> None:
    """Print what a shell reads at its start, or the words that fit a line."""
    asked = " ".join(arguments[1:])
    try:
        if arguments[0] == completion.ASK:
            for word in completion.candidates(asked, list(COMMANDS)):
                print(word)
        else:
            print(completion.script(asked), end="")
    except UserError as error:
        print(f"drawsim: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

#!/usr/bin/env bash
# The tests with each dependency at the lower bound that pyproject.toml gives it.
#
#   scripts/lowest.sh                    all tests
#   scripts/lowest.sh tests/pixels -x    with arguments of pytest
#
# PYTHON is the interpreter, the oldest that drawsim runs on for choice (python3.10). What is behind
# the dependencies is as new as they admit. The environment is build/lowest, and used again.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
venv=build/lowest
"$PYTHON" -c 'import sys; sys.version_info[:2] == (3, 10) or print("not the oldest Python:", sys.version.split()[0])'
[ -x "$venv/bin/python" ] || "$PYTHON" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet uv
uv() { VIRTUAL_ENV=$venv "$venv/bin/uv" --quiet pip "$@"; }
# A CUDA build of torch comes from the usual index, one without from TORCH_INDEX.
index=()
[ -z "${TORCH_INDEX:-}" ] || index=(--extra-index-url "$TORCH_INDEX" --index-strategy unsafe-best-match)
uv compile "${index[@]}" --resolution lowest-direct --extra dev --output-file build/lowest.txt pyproject.toml
uv install "${index[@]}" --requirements build/lowest.txt
uv install --no-deps --editable .
exec "$venv/bin/python" -m pytest --numprocesses auto --dist loadfile "$@"

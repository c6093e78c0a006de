#!/usr/bin/env bash
# The package as strangers get it: sdist and wheel are built, the wheel of the sdist is installed into
# an empty environment, and used from an empty folder.
#
#   scripts/wheel.sh         what is needed
#   scripts/wheel.sh all     with an extra, or several: ann,cloud
#
# PYTHON names an interpreter that has build. TORCH_INDEX is where torch and torchvision come from,
# https://download.pytorch.org/whl/cpu for those without CUDA; else it is as pip has it.
set -euo pipefail
cd "$(dirname "$0")/.."
checkout=$PWD
PYTHON=${PYTHON:-python3}
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

"$PYTHON" -m build --outdir "$work/dist" . >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
wheel=$(echo "$work"/dist/*.whl)
mkdir -p build
cp "$work"/dist/* build/
"$PYTHON" - "$wheel" <<'END'
import pathlib, subprocess, sys, zipfile

inside = {name for name in zipfile.ZipFile(sys.argv[1]).namelist() if ".dist-info/" not in name}
told = subprocess.run(["git", "ls-files", "-z", "drawsim", "hydra_plugins", "conf"], capture_output=True, text=True, check=True)
listed = [name for name in told.stdout.split("\0") if name and pathlib.Path(name).is_file()]
expected = {f"drawsim/{name}" if name.startswith("conf/") else name for name in listed}
if missing := sorted(expected - inside):
    sys.exit(f"the wheel lacks {missing[:9]}")
print(f"{pathlib.Path(sys.argv[1]).name}: {len(inside)} files, all {len(expected)} of the checkout among them")
END

"$PYTHON" -m venv "$work/venv"
bin=$work/venv/bin
pip() { "$bin/python" -m pip --quiet --disable-pip-version-check "$@"; }
if [ -n "${TORCH_INDEX:-}" ]; then pip install --index-url "$TORCH_INDEX" torch torchvision; fi
pip install "$wheel${1:+[$1]}"
"$bin/python" -m pip check
chmod -R a-w "$work/venv" # nothing is written beside the code

mkdir "$work/home" "$work/folder"
cd "$work/folder"
unset PYTHONPATH
export HOME=$work/home XDG_CACHE_HOME=$work/home/cache XDG_CONFIG_HOME=$work/home/config
echo "drawsim $("$bin/drawsim" --version)"
commands=$("$bin/drawsim" --help | sed -n 's/^  \([a-z]*\)  *.*/\1/p')
for command in $commands; do
  "$bin/drawsim" "$command" --help >help.txt
  echo "drawsim $command --help: $(wc -l <help.txt) lines"
done
rm help.txt
"$bin/drawsim" doctor >/dev/null
small=(data=demo_example adapt=centre layout=none rerank=none trainer.max_epochs=0 logger=csv)
"$bin/drawsim" train "${small[@]}" name=first study=wheel >/dev/null 2>&1
"$bin/drawsim" index run=runs/wheel/first out=INDEX >/dev/null 2>&1
picture=$(find "$XDG_CACHE_HOME" -path '*drawings*' -name '*.jpg' | sort | head -n 1)
"$bin/drawsim" search index=INDEX image="$picture" k=3 out=FOUND >/dev/null 2>&1
ls runs/wheel/first/report.html FOUND/*.html

# py.typed: the types of a program that uses it, as its own mypy sees them.
chmod -R u+w "$work/venv"
pip install mypy pandas-stubs
cp "$checkout/scripts/uses_the_nouns.py" program.py
"$bin/mypy" --strict program.py

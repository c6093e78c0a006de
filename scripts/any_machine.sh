#!/usr/bin/env bash
# The tests on machines unlike this one:
#   locale   LC_ALL=C, and a clock fourteen hours ahead
#   user     an ordinary user with a new home, on a copy of the checkout (needs root)
#   busy     two other processes keep the cores busy
#   dejavu, noto, liberation   no other fonts
#
#   scripts/any_machine.sh                      all of them, one after the other
#   scripts/any_machine.sh user tests/runs -x   one, with arguments of pytest
#   scripts/any_machine.sh locale+user+busy+dejavu   several at once
#
# PYTHON names the interpreter, PROCESSES how many run (auto).
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-${VIRTUAL_ENV:-$PWD/.venv}/bin/python}
work=$(mktemp -d)
chmod 755 "$work"
options=(--numprocesses "${PROCESSES:-auto}" --dist loadfile)
others=()
user=
variables=()
start=()
checkout=$PWD

clean() {
  for process in "${others[@]}"; do kill "$process" 2>/dev/null || true; done
  if [ -n "$user" ]; then
    userdel --force --remove "$user" 2>/dev/null || true
    rm -rf "/tmp/pytest-of-$user"
  fi
  others=() user='' variables=() start=() checkout=$PWD
}
trap 'clean; rm -rf "$work"' EXIT

fonts() { # only those of a folder; the rules of the system
  [ -d "$1" ] || { echo "no fonts in $1"; return 1; }
  mkdir -p -m 777 "$work/fonts"
  cat >"$work/fonts.conf" <<END
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>$1</dir>
  <cachedir>$work/fonts</cachedir>
  <include ignore_missing="yes">/etc/fonts/conf.d</include>
</fontconfig>
END
  variables+=("FONTCONFIG_FILE=$work/fonts.conf")
}

ordinary_user() {
  [ "$(id -u)" -eq 0 ] || return 0 # one already
  user=drawsim-tests-$$
  useradd --create-home --shell /bin/bash "$user"
  local home packages version interpreter
  home=$(getent passwd "$user" | cut -d : -f 6)
  packages=$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  version=$("$PYTHON" -c 'import sys; print("{}.{}".format(*sys.version_info))')
  for interpreter in "$(readlink -f "$PYTHON")" "/usr/bin/python$version"; do # root's own is closed
    runuser -u "$user" -- "$interpreter" -m venv --without-pip "$home/venv" 2>/dev/null && break
  done
  echo "$packages" >"$home/venv/lib/python$version/site-packages/packages.pth"
  mkdir "$home/drawsim"
  git ls-files -z --cached --others --exclude-standard | tar --null --files-from - --create |
    tar --extract --directory "$home/drawsim"
  [ ! -d ../shared ] || ln -s "$(realpath ../shared)" "$home/shared"
  chown -R "$user": "$home/drawsim"
  start=(runuser -u "$user" -- env --ignore-environment "HOME=$home"
    "PATH=$home/venv/bin:$PATH" "LANG=${LANG:-C.UTF-8}")
  checkout=$home/drawsim
}

busy() {
  for _ in 1 2; do
    (while :; do :; done) &
    others+=($!)
  done
}

run() { # in these ways, with arguments of pytest
  local way ways code=0 python=$PYTHON
  echo "== $1"
  IFS=+ read -ra ways <<<"$1"
  shift
  for way in "${ways[@]}"; do
    case $way in
      locale) variables+=(LC_ALL=C TZ=Pacific/Kiritimati) ;;
      user) ordinary_user ;;
      busy) busy ;;
      dejavu | noto | liberation) fonts "/usr/share/fonts/truetype/$way" ;;
      *) echo "no such way: $way; see the head of this file" && return 2 ;;
    esac
  done
  [ -z "$user" ] || python=python
  "${start[@]}" env --chdir="$checkout" "${variables[@]}" "PYTHONPATH=$checkout" \
    "$python" -m pytest "${options[@]}" "$@" || code=$?
  clean
  return $code
}

if [ $# -gt 0 ]; then
  run "$@"
  exit
fi
failed=()
for way in locale user busy dejavu noto liberation; do
  run "$way" || failed+=("$way")
done
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}"; exit 1; }

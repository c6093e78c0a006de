"""Completion of commands and settings in a shell: what is printed for it, and what it asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from drawsim.common.errors import UserError, nearest

ASK = "--complete"
"""The argument with which a shell asks what fits a line that has been typed so far."""

# Bash splits words at = and :, so that what stands before them is not offered again. Where nothing
# fits a value, all three offer files.
_BASH = r"""_drawsim_completion() {
  local line="${COMP_LINE:0:COMP_POINT}" IFS=$'\n'
  local word="${line##* }" found
  found=($(drawsim --complete "$line" 2>/dev/null))
  if [ ${#found[@]} -eq 0 ]; then
    compopt -o default 2>/dev/null
    COMPREPLY=($(compgen -f -- "${word##*=}"))
  else
    case "${found[*]}" in *=|*.) compopt -o nospace 2>/dev/null ;; esac
    COMPREPLY=("${found[@]#"${word%"${word##*[=:]}"}"}")
  fi
}
complete -F _drawsim_completion drawsim
"""
_ZSH = r"""(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
_drawsim_completion() {
  local -a found
  found=(${(f)"$(drawsim --complete "${(j: :)words[1,CURRENT-1]} $PREFIX" 2>/dev/null)"})
  if (( $#found == 0 )); then
    compset -P '*='
    _files
  else
    compadd -S '' -- ${(M)found:#*[=.]}
    compadd -- ${found:#*[=.]}
  fi
}
compdef _drawsim_completion drawsim
"""
_FISH = r"""function __drawsim_ask
    set -g __drawsim_found (drawsim --complete (commandline -cp) 2>/dev/null)
    test (count $__drawsim_found) -gt 0
end
complete -c drawsim -f -n __drawsim_ask -a '(printf "%s\n" $__drawsim_found)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def script(shell: str) -> str:
    """What a shell reads at its start, `eval "$(drawsim --shell-completion bash)"`.

    Raises UserError for another shell.
    """
    if shell not in SCRIPTS:
        raise UserError(f"--shell-completion {shell}: {nearest(shell, SCRIPTS)}")
    return SCRIPTS[shell]


def candidates(line: str, commands: Sequence[str]) -> list[str]:
    """The whole words that the last word of a line may become, in order.

    line: as it is typed so far, from `drawsim` on; with a space at its end a new word begins.
    """
    words = line.split()[1:]
    if not words or line[-1].isspace():
        words.append("")
    *before, word = words
    if not before:
        return _fitting([*commands, "--help", "--version", "--shell-completion"], word)
    command = before[0]
    if command == "--shell-completion":
        return _fitting(SCRIPTS, word)
    if command not in commands:
        return []
    return _fitting(_settings(command, before[1:], word), word)


def _fitting(names: Sequence[str] | Mapping[str, str], word: str) -> list[str]:
    return sorted({name for name in names if name.startswith(word)})


def _settings(command: str, before: Sequence[str], word: str) -> list[str]:
    """What may stand behind a command: options of its groups, settings, and what is below them."""
    from drawsim.common.configuration import chosen, composed, groups, options

    key, equals, _ = word.partition("=")
    if equals:
        if key in groups(command):
            return [f"{key}={name}" for name in options(key)]
        held = _held(composed(command, (), None).settings, key.split("."))
        return [f"{key}=true", f"{key}=false"] if isinstance(held, bool) else []
    try:
        found = composed(command, chosen(command, before), None).settings
    except Exception:  # what stands before may be wrong or half of something: it is not judged here
        found = composed(command, (), None).settings
    plain = [name for name in found if name not in groups(command)]
    names = [*(f"{name}=" for name in (*groups(command), *plain)), "--help", "--cfg"]
    above = word.rpartition(".")[0]
    if above:
        names += [f"{above}.{each}" for each in _below(_held(found, above.split(".")))]
    else:
        names += [f"{name}." for name in found if isinstance(found[name], Mapping)]
    return names


def _held(settings: Any, path: Sequence[str]) -> Any:
    for part in path:
        settings = settings.get(part) if isinstance(settings, Mapping) else None
    return settings


def _below(settings: Any) -> Iterator[str]:
    for name, value in settings.items() if isinstance(settings, Mapping) else ():
        if not str(name).startswith("_"):
            yield f"{name}." if isinstance(value, Mapping) else f"{name}="

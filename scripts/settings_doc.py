"""Pages on every setting, made from the comments of `conf/` when the site is built.

MkDocs calls `on_files` (`hooks:` of mkdocs.yml). Nothing of drawsim is imported, so the site can be
built where it is not installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

CONF = Path(__file__).parents[1] / "conf"
KEY = re.compile(r"( *)(?:- )?([\w]+|\"[^\"]+\"):(?:\s+(.*))?$")
OF_HYDRA = ("defaults", "hydra")
"""Blocks of a file that tell Hydra what it is, and are no settings."""


class Setting(NamedTuple):
    """A setting of a file: its dotted name, its default as the file has it, what is said of it."""

    name: str
    default: str
    meaning: str


class Page(NamedTuple):
    """What a file of `conf/` says: in its first lines, and of each setting."""

    purpose: str
    settings: list[Setting]


def read(text: str) -> Page:
    """The settings of a YAML file, with the comments before or beside them.

    A comment of several settings that follow each other stands at the first. Items of lists, and
    lines that go on with a value, belong to the default of what they are in.
    """
    purpose, rest = _beginning(text)
    settings: list[Setting] = []
    said: list[str] = []
    parents: list[tuple[int, str]] = []
    for line in rest:
        if not line.strip():
            said.clear()
            continue
        if line.lstrip().startswith("#"):
            said.append(line.strip().lstrip("# "))
            continue
        found = KEY.match(line)
        if found is None or line.lstrip().startswith("- "):
            if settings and not settings[-1].name.startswith(OF_HYDRA):
                more = f"{settings[-1].default} {line.strip()}".strip()
                settings[-1] = settings[-1]._replace(default=more)
            continue
        depth = len(found[1])
        parents = [each for each in parents if each[0] < depth]
        name = ".".join([*(key for _, key in parents), found[2].strip('"')])
        parents.append((depth, found[2].strip('"')))
        default, beside = _parted(found[3] or "")
        settings.append(Setting(name, default, " ".join([*said, *beside])))
        said.clear()
    shown = [s for s in settings if s.name.split(".")[0] not in OF_HYDRA]
    return Page(purpose, shown)


def _beginning(text: str) -> tuple[str, list[str]]:
    lines = text.splitlines()
    count = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return " ".join(line.lstrip("# ") for line in lines[:count]), lines[count:]


def _parted(value: str) -> tuple[str, list[str]]:
    """A value, and the comment beside it."""
    found = re.match(r"((?:\"[^\"]*\"|'[^']*'|[^#\"']|(?<! )#)*?)(?:\s+#\s*(.*)|#\s*(.*))?$", value)
    if found is None:
        return value, []
    beside = found[2] or found[3]
    return found[1].strip(), [beside] if beside else []


def files(folder: Path) -> list[Path]:
    """The files of `conf/` below a folder, in the order of their names: v2 before v10."""
    return sorted(folder.rglob("*.yaml"), key=lambda path: (len(path.stem) > 2, path.stem))


def commands_page(conf: Path = CONF) -> str:
    """Every setting of every command, as Markdown."""
    head = (
        "# Commands and settings\n\nSettings are `key=value`, whole choices `group=option`"
        " ([options](options.md)). `drawsim COMMAND --help` says the same. `???` must be given; a"
        " default in `${…}` is taken from another setting.\n"
    )
    return "\n".join([head, *_parts(files(conf / "commands"), "##", "drawsim ")])


def examples(text: str) -> list[str]:
    """The commands that a file's help text has, each with what is said beside it."""
    found = re.search(r"^  help:\n(?:    .*\n|\n)+", text, re.M)
    return re.findall(r"^ +(python -m drawsim\..*?) *$", found.group() if found else "", re.M)


def options_page(conf: Path = CONF) -> str:
    """Every option of every group and its settings, as Markdown."""
    lines = [
        "# Options of groups\n\nA setting of an option is set below its group:"
        " `loss=triplet loss.margin=0.3`. `_target_` names the class or function that takes the"
        " settings; its docstring has the formula and its source.\n"
    ]
    groups = sorted({path.parent for path in conf.rglob("*.yaml")})
    for group in groups:
        if group.name == "commands":
            continue
        lines.append(f"## {group.relative_to(conf).as_posix()}\n")
        lines.extend(_parts(files_of(group), "###", f"{group.name}="))
    return "\n".join(lines)


def files_of(group: Path) -> list[Path]:
    """The options of a group alone, not those of folders in it."""
    return [path for path in files(group) if path.parent == group]


def _parts(paths: list[Path], level: str, before: str) -> Iterator[str]:
    for path in paths:
        text = path.read_text(encoding="utf-8")
        page = read(text)
        yield f"{level} {before}{path.stem}\n"
        if page.purpose:
            yield f"{_cell(page.purpose)}\n"
        if shown := examples(text):
            yield "\n".join(["```sh", *shown, "```\n"])
        if page.settings:
            yield '<div class="settings" markdown>\n\n| setting | default | |\n|---|---|---|'
            for setting in page.settings:
                default = f"`{_cell(setting.default, code=True)}`" if setting.default else ""
                yield f"| `{setting.name}` | {default} | {_cell(setting.meaning)} |"
            yield "\n</div>\n"


def _cell(text: str, code: bool = False) -> str:
    """A text that neither ends a cell of a table nor is taken for HTML or a link."""
    text = text.replace("|", "\\|")
    if code:
        return text
    return re.sub(r"([<>*_\[\]`])", r"\\\1", text)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """MkDocs's hook: the two pages, beside those that lie in docs/."""
    from mkdocs.structure.files import File

    for name, text in (("commands", commands_page()), ("options", options_page())):
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files

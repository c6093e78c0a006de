"""Judge candidates in a browser: `python -m drawsim.annotate collection=DIR index=INDEX`."""

from __future__ import annotations

import getpass
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drawsim.common.arguments import listed, words_first
from drawsim.common.errors import UserError, nearest
from drawsim.common.launch import launch, to_plain
from drawsim.common.there import check_folders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omegaconf import DictConfig

    from drawsim.workflows.annotate.workplace import Workplace

PLACES = ("collection", "store", "users", "database_password")
FILES = ("calibration", "motifs", "thumbnails", "out", "source")
TEXTS = (*PLACES, *FILES, "database", "index_database", "group", "host", "role")
LISTS = ("index", "confirmed", "trust", "forwarded_allow_ips")
PASSWORD = "DRAWSIM_PASSWORD"
WORDS = ("user add NAME", "user remove NAME", "user list", "export", "import")


def annotate(words: Sequence[str], config: DictConfig) -> None:
    """Do what the words in front of the settings say; without any, serve the app."""
    values = to_plain(config, needed=False)
    check_folders(values, *(("collection", "index") if values["collection"] else ()))
    from drawsim.workflows.annotate.workplace import export, grades_named, import_annotations

    place = _place(values)
    match words:
        case []:
            _serve(place, values)
        case ["user", "add", name]:
            place.accounts().add(name, _password(name), values["role"])
            print(f"{name} may log in as {values['role']}")
        case ["user", "remove", name]:
            place.accounts().remove(name)
            print(f"{name} is removed; what {name} decided stays")
        case ["user", "list"]:
            print("\n".join(f"{u.name}  {u.role}" for u in place.accounts().users) or "no accounts")
        case ["export"]:
            out, motifs = (values[key] and Path(values[key]) for key in ("out", "motifs"))
            confirmed = grades_named(listed(values["confirmed"]))
            print(export(place, out, confirmed, motifs, values["group"]))
        case ["import"]:
            if values["source"] is None:
                raise UserError("source must be given: source=FILE.csv, a table of annotations")
            print(import_annotations(place, Path(values["source"])))
        case _:
            raise UserError(f"{' '.join(words)}: {nearest(' '.join(words), WORDS, n=1)}")


def _place(values: dict[str, Any]) -> Workplace:
    from drawsim.workflows.annotate.workplace import Workplace

    paths = {key: values[key] and Path(values[key]) for key in PLACES}
    return Workplace(database=values["database"], **paths)


def _serve(place: Workplace, values: dict[str, Any]) -> None:
    from drawsim.workflows.annotate.serving import serve
    from drawsim.workflows.annotate.settings import Serving
    from drawsim.workflows.annotate.workplace import grades_named

    given = {key: values[key] for key in Serving.__dataclass_fields__ if key in values}
    confirmed = grades_named(listed(values["confirmed"]))
    trust, proxies = (tuple(listed(values[key])) for key in ("trust", "forwarded_allow_ips"))
    given |= {key: values[key] and Path(values[key]) for key in ("calibration", "motifs")}
    given |= {"confirmed": confirmed, "trust": trust, "proxies": proxies}
    indexes = [Path(each) for each in listed(values["index"])]
    serve(place, indexes, Serving(**given), partial(print, flush=True))


def _password(name: str) -> str:
    """From the environment, or typed twice."""
    try:
        password = os.environ.get(PASSWORD) or getpass.getpass(f"password of {name}: ")
        if PASSWORD in os.environ or getpass.getpass("again: ") == password:
            return password
    except EOFError:
        raise UserError(f"no password was typed; or give it as {PASSWORD}=…") from None
    raise UserError("the two passwords differ; nothing was changed")


def _launch(arguments: Sequence[str]) -> None:
    words, sys.argv[1:] = words_first(arguments)
    launch("annotate", partial(annotate, words), texts=TEXTS, lists=LISTS)


if __name__ == "__main__":
    _launch(sys.argv[1:])

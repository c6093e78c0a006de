"""`python -m drawsim.annotate`, as a user runs it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from omegaconf import DictConfig, OmegaConf

from drawsim.annotate import PASSWORD, annotate
from drawsim.collection.tables import Collection
from drawsim.common.building import config_folder
from drawsim.common.errors import UserError
from drawsim.web.security.accounts import Accounts
from tests.commands import Command, run
from tests.web.conftest import make_index

SECRET = "correct horse"
PATIENCE = 90  # seconds that a start may take on a busy machine


def configured(**settings: Any) -> DictConfig:
    """The configuration of the command with these settings."""
    defaults = OmegaConf.load(config_folder() / "commands/annotate.yaml")
    assert isinstance(defaults, DictConfig)
    keys = [str(key) for key in defaults if key not in ("defaults", "hydra")]
    config = OmegaConf.masked_copy(defaults, keys)
    for key, value in settings.items():
        assert key in defaults.keys()  # noqa: SIM118  # it says no of ???
        config[key] = str(value) if isinstance(value, Path) else value
    return config


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, collection: Collection) -> Path:
    """An index of the small collection."""
    folder = tmp_path_factory.mktemp("annotate") / "INDEX"
    make_index(folder, collection, 0)
    return folder


@pytest.fixture
def settings(collection_root: Path, folder: Path, tmp_path: Path) -> dict[str, Any]:
    return {"collection": collection_root, "index": folder, "store": tmp_path / "store"}


def test_help_says_what_the_words_do() -> None:
    shown = run("annotate", "--help").stdout
    for text in ("user add NAME", "export", "host: 127.0.0.1", "python -m drawsim.annotate"):
        assert text in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "collection must be given: collection=… – more: docs/annotation.md"),
        (("index=x",), "collection must be given: collection=… – more: docs/annotation.md"),
        (("lease_minuts=9",), "lease_minuts: no such setting, did you mean lease_minutes?"),
        (("usr", "list"), "usr list: did you mean user list?"),
        (("port=high", "collection=x", "index=y"), "port=high: must be a whole number"),
    ],
)
def test_mistakes_are_told_in_a_line(arguments: tuple[str, ...], says: str) -> None:
    done = run("annotate", *arguments)
    assert done.returncode == 1
    assert done.stderr.strip() == f"drawsim: {says}"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"collection": "nowhere", "store": None}, "collection=nowhere: no such folder"),
        ({"collection": "nowhere"}, "collection=nowhere: no such folder"),
        ({"index": []}, "index must be given"),
        ({"index": "nowhere"}, "index=nowhere: no such folder; drawsim index"),
        ({"host": "0.0.0.0"}, "no accounts"),
        ({"host": "192.0.2.1", "users": None}, "no accounts"),
        ({"port": 70_000}, "port=70000: must be from 0 to 65535"),
        ({"k": 0}, "k=0: must be from 1"),
        ({"audit": 1.5}, "audit=1.5"),
        ({"confirmed": ["same"]}, "did you mean same"),
        ({"users": "nobody.json"}, "users=nobody.json: no accounts in it"),
        ({"database": "mysql://x"}, "not supported"),
        ({"workers": 0}, "workers=0: must be from 1 to 32"),
        ({"workers": -1}, "workers=-1: must be from 1 to 32"),
        ({"workers": 1000}, "workers=1000: must be from 1 to 32"),
        ({"forwarded_allow_ips": "*"}, "forwarded_allow_ips: * is no address; name the servers"),
        ({"forwarded_allow_ips": ["10.0.0.1/8"]}, "forwarded_allow_ips: 10.0.0.1/8 is no address"),
        ({"thumbnails": os.devnull}, "nothing can be kept there"),
        ({"workers": 2, "database": "postgresql://ada@127.0.0.1:1/x"}, "cannot be opened"),
        ({"database": "postgresql://x@y/z", "database_password": "nowhere.txt"}, "nowhere.txt"),
    ],
)
def test_what_cannot_be_served_is_said(
    settings: dict[str, Any], wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(UserError, match=re.escape(says)):
        annotate([], configured(**{"port": 0, **settings, **wrong}))


def test_an_index_of_another_collection_is_refused(
    settings: dict[str, Any], collection_root: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("drawings.csv", "artworks.csv", "pairs.csv"):
        text = (collection_root / name).read_text(encoding="utf-8")
        (other / name).write_text(re.sub(r"\bd(\d)", r"x\1", text), encoding="utf-8")
    with pytest.raises(UserError, match="index of another collection"):
        annotate([], configured(**{**settings, "collection": other, "port": 0}))


def test_a_port_that_is_taken_is_told(settings: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"port={port}: cannot be used .*port=0"):
            annotate([], configured(**settings, port=port))


def test_accounts_are_added_listed_and_removed(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(**settings, role="reviewer")
    monkeypatch.setenv(PASSWORD, SECRET)
    annotate(["user", "add", "ada"], config)
    annotate(["user", "list"], config)
    assert capsys.readouterr().out == "ada may log in as reviewer\nada  reviewer\n"
    file = settings["store"] / "users.json"
    user = Accounts(file).check("ada", SECRET)
    assert user is not None
    assert user.role == "reviewer"
    assert SECRET not in file.read_text(encoding="utf-8")
    with pytest.raises(UserError, match="taken"):
        annotate(["user", "add", "ada"], config)
    with pytest.raises(UserError, match="did you mean ada"):
        annotate(["user", "remove", "adda"], config)
    annotate(["user", "remove", "ada"], config)
    annotate(["user", "list"], config)
    assert capsys.readouterr().out == "ada is removed; what ada decided stays\nno accounts\n"


def test_a_password_is_asked_for_twice(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PASSWORD, raising=False)
    typed = iter([SECRET, "something else", SECRET, SECRET])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    config = configured(users=tmp_path / "users.json")
    with pytest.raises(UserError, match="differ"):
        annotate(["user", "add", "ada"], config)
    assert not (tmp_path / "users.json").exists()
    annotate(["user", "add", "ada"], config)
    assert Accounts(tmp_path / "users.json").names == ["ada"]


def test_an_export_needs_decisions(settings: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="nothing was annotated there yet"):
        annotate(["export"], configured(**settings))
    with pytest.raises(UserError, match="source must be given"):
        annotate(["import"], configured(**settings))
    assert not settings["store"].exists()


def started(arguments: list[str]) -> tuple[Command, str]:
    """The command as a process of its own, and the address that it prints."""
    process = Command("annotate", *arguments)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        address = re.search(r"→ (http://\S+)", "".join(process.written()))
        if address:
            return process, address[1]
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    raise AssertionError(process.done())


def judge(address: str) -> None:
    """What a browser sends for one decision."""
    with httpx.Client(base_url=address) as client:
        page = client.get("/judge")
        token = re.search('name="csrf" content="([^"]+)"', page.text)
        assert token is not None
        client.headers["X-CSRF-Token"] = token[1]
        decided = {"key": "decision-1", "action": "grade", "kind": "drawing"}
        decided |= {"drawing_id": "d7", "artwork_id": "a7", "grade": "same work"}
        answer = client.post("/api/events", json={"events": [decided]})
        assert answer.json()["saved"] == ["decision-1"]
        assert client.get("/picture?kind=drawing&id=d0").status_code == 200


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to another process")
@pytest.mark.parametrize("pairs", [None, "drawing_id,artwork_id,pair\n"])
def test_the_first_pairs_of_a_collection(
    settings: dict[str, Any], tmp_path: Path, pairs: str | None
) -> None:
    """A collection that has no pairs yet is judged; the export begins its table of pairs."""
    root = tmp_path / "unpaired"
    shutil.copytree(settings["collection"], root)
    (root / "pairs.csv").unlink()
    if pairs is not None:
        (root / "pairs.csv").write_text(pairs)
    settings |= {"collection": root}
    arguments = [f"{key}={value}" for key, value in settings.items()]
    process, address = started([*arguments, "port=0"])
    try:
        judge(address)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
    annotate(["export"], configured(**settings))
    found = Collection.open(root).true_pairs
    assert found[["drawing_id", "artwork_id"]].to_numpy().tolist() == [["d7", "a7"]]


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to another process")
def test_from_start_to_export(settings: dict[str, Any], tmp_path: Path) -> None:
    """Started, used, stopped by Ctrl-C; what was decided is exported and can be trained on."""
    arguments = [f"{key}={value}" for key, value in settings.items()]
    process, address = started([*arguments, "port=0", "audit=0"])
    try:
        judge(address)
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(PATIENCE)
    said = "".join(process.written())
    assert code == 0, said
    assert "Traceback" not in said
    assert "no search by picture" in said  # an index of random vectors has no model
    assert said.rstrip().endswith("stopped; all that was saved is kept")

    out = tmp_path / "exported"
    annotate(["export"], configured(**settings, out=out))
    pairs = pd.read_csv(out / "pairs.csv", dtype=str, keep_default_na=False)
    row = pairs[(pairs["drawing_id"] == "d7") & (pairs["artwork_id"] == "a7")].iloc[0]
    assert (row["pair"], row["grade"], row["annotator"]) == ("true", "same work", "local")
    assert json.loads((out / "annotations.jsonld").read_text(encoding="utf-8"))
    before = Collection.open(settings["collection"]).pairs
    assert set(before["drawing_id"]) <= set(pairs["drawing_id"])

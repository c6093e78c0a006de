"""The archive of a study: opened elsewhere it makes the same tables, changed it is refused."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from drawsim.common.errors import UserError
from drawsim.reporting.comparison import study_format
from drawsim.reporting.comparison.study_reading import read_study
from drawsim.workflows.compare import compare
from tests.reporting.comparison.compared import make_study, write_scores
from tests.reporting.comparison.test_made import write_down

PAGE = "drawsim.reporting.comparison.page"
SAME = ("table.csv", "table.md", "table.tex", "table.html", "comparisons.csv", "paragraph.tex")
CONFIG = "runs/0001-lite-none-v0-seed0/config.yaml"
RECORD = "runs/0001-lite-none-v0-seed0/metrics.json"
RANKS = "runs/0001-lite-none-v0-seed0/ranks.csv"
Files = dict[str, bytes]


@pytest.fixture(scope="module", autouse=True)
def no_figures() -> Any:
    """Figures take far longer to draw than all the rest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{PAGE}._draw", lambda *_: ([], {}, {}))
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with studies `s` and `t` of runs that name places, their comparison, its archive."""
    root = tmp_path_factory.mktemp("home of ada")
    for name, step in (("s", 2.0), ("t", 1.0)):
        study = make_study(root / name, {"none": step}, ["v0", "v1"])
        for run in study.iterdir():
            arguments = [f"data.root='{root}/scans'", "study=s", "init.model=../old/run"]
            write_down(run, [arguments], python="3.12", host="adas-laptop", gpu="none")
            config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
            config |= {"out": str(root), "logger": {"entity": "ada"}, "image_cache": "/home/ada"}
            config["data"] = {"name": "folder", "root": str(root / "scans")}
            (run / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
            record = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
            record |= {"collection": str(root / "scans"), "wandb_id": "ada-1", "message": "/ada"}
            (run / "metrics.json").write_text(json.dumps(record), encoding="utf-8")
    broken = make_study(root / "u", {"none": 3.0}, ["v0"]) / "lite-none-v0-seed0"
    text = (broken / "metrics.json").read_text(encoding="utf-8")
    (broken / "metrics.json").write_text(text.replace("finished", "failed"), encoding="utf-8")
    shutil.move(broken, root / "s" / "lite-none-v2-seed0")
    compare(root / "out", runs=[root / "s", root / "t"], archive=root / "study.zip")
    return root


@pytest.fixture(scope="module")
def files(place: Path) -> Files:
    return unpacked(place / "study.zip")


def unpacked(path: Path) -> Files:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: Mapping[str, bytes]) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def sealed(files: Mapping[str, bytes]) -> bytes:
    """An archive whose manifest is right, whatever it holds."""
    own = {name: content for name, content in files.items() if name != "MANIFEST"}
    lines = [f"{hashlib.sha256(own[name]).hexdigest()}  {name}\n" for name in sorted(own)]
    return packed({**own, "MANIFEST": "".join(lines).encode()})


def refused(data: bytes, folder: Path) -> str:
    """Why an archive is not read, one line that begins with its name."""
    path = folder / "bad.zip"
    path.write_bytes(data)
    with pytest.raises(UserError) as caught, TemporaryDirectory() as into:
        read_study(path, Path(into))
    said = str(caught.value)
    assert said.startswith(f"{path}")
    assert "\n" not in said
    return said.removeprefix(str(path))


def test_it_makes_the_same_tables_elsewhere(
    place: Path, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(place / "study.zip", tmp_path / "got.zip")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    found, _ = compare(Path("out"), runs=[Path("got.zip")], archive=Path("again.zip"))
    for name in (*SAME, "commands.txt"):
        made = (tmp_path / "out" / name).read_bytes()
        assert made == files[f"comparison/{name}"], name
        if name not in ("commands.txt", "paragraph.tex"):  # these name what was left out
            assert made == (place / "out" / name).read_bytes(), name
    assert (tmp_path / "again.zip").read_bytes() == (place / "study.zip").read_bytes()
    assert not any("another table.csv" in note for note in found.notes)
    assert "s/lite-none-v2-seed0 is not finished (failed) and is left out." in found.notes


def test_it_says_nothing_of_the_machine_or_of_who_uses_it(place: Path, files: Files) -> None:
    for name, content in files.items():
        for word in (str(place), "home of ada", "ada", "laptop", str(Path.home()) + "/"):
            assert word.encode() not in content, (name, word)
    assert "ELSEWHERE/1" in files["comparison/commands.txt"].decode()
    assert yaml.safe_load(files[CONFIG])["data"]["root"] == "ELSEWHERE/1"


def test_it_holds_no_pictures_and_nothing_unexpected(files: Files) -> None:
    assert all(study_format.most(name) for name in files)
    assert b"data:image" not in files["comparison/index.html"]
    assert b"<image" not in files["comparison/index.html"]


def test_any_program_can_check_the_manifest(files: Files) -> None:
    lines = [line.split("  ", 1) for line in files["MANIFEST"].decode().splitlines()]
    assert {name for _, name in lines} == set(files) - {"MANIFEST"}
    assert all(hashlib.sha256(files[name]).hexdigest() == digest for digest, name in lines)


def test_a_table_that_its_runs_do_not_come_to_is_told(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{PAGE}.compare_models", lambda *_: [])
    changed = {**files, "comparison/table.csv": files["comparison/table.csv"] + b"x\n"}
    (tmp_path / "a.zip").write_bytes(sealed(changed))
    found, _ = compare(tmp_path / "out", runs=[tmp_path / "a.zip"])
    assert "another table.csv" in found.notes[-1]


def test_what_it_cannot_be_made_of_is_said_first(place: Path, tmp_path: Path) -> None:
    scores = write_scores(tmp_path, "a", "A", [1.0, 2.0])
    for archive, source, said in (
        ("a.zip", {"scores": [str(scores)]}, "made of run folders"),
        ("a.tar", {"runs": [place / "t"]}, "give the name of a .zip file"),
    ):
        with pytest.raises(UserError, match=said):
            compare(tmp_path / "out", archive=tmp_path / archive, **source)
    assert not (tmp_path / "out").exists()
    with pytest.raises(UserError, match="compared alone"):
        compare(tmp_path / "out", runs=[place / "study.zip", place / "t"])


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_what_fails_leaves_the_old_archive(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    target = tmp_path / "study.zip"
    target.write_bytes(old := packed({"MANIFEST": b"old", "study.json": b"old"}))
    real = zipfile.ZipFile.open

    def fails(self: zipfile.ZipFile, name: Any, mode: Any = "r", **options: Any) -> Any:
        if mode == "w" and "ranks" in name.filename:
            raise error
        return real(self, name, mode, **options)

    monkeypatch.setattr(f"{PAGE}.compare_models", lambda *_: [])
    monkeypatch.setattr(zipfile.ZipFile, "open", fails)
    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else UserError
    with pytest.raises(expected):
        compare(tmp_path / "out", runs=[place / "t"], archive=target)
    assert target.read_bytes() == old
    assert {path.name for path in tmp_path.iterdir()} == {"out", "study.zip"}


@pytest.mark.parametrize("what", ["text", "photographs", "a study at the end of others"])
def test_another_file_is_not_replaced(place: Path, tmp_path: Path, what: str) -> None:
    study = (place / "study.zip").read_bytes()
    held = {"text": b"hello", "photographs": packed({"a.jpg": b"x"})}.get(what, b"film" + study)
    target = tmp_path / "other.zip"
    target.write_bytes(held)
    with pytest.raises(UserError, match=r"other\.zip: is there, and no archive of a study; give"):
        compare(tmp_path / "out", runs=[place / "t"], archive=target)
    assert target.read_bytes() == held
    assert not (tmp_path / "out").exists()


def test_scores_that_are_not_those_of_the_ranks_go_into_no_archive(
    place: Path, tmp_path: Path
) -> None:
    study = shutil.copytree(place / "t", tmp_path / "t")
    record = study / "lite-none-v0-seed0" / "metrics.json"
    told = json.loads(record.read_text(encoding="utf-8"))
    told["final"]["test"]["mrr"] /= 2
    record.write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(UserError, match=r"test mrr is .+, of its ranks .+'\); train it"):
        compare(tmp_path / "out", runs=[study], archive=tmp_path / "study.zip")
    assert not (tmp_path / "study.zip").exists()


# What strangers send


def with_member(files: Files, name: str, mode: int = 0, twice: bool = False) -> bytes:
    target = BytesIO(sealed(files))
    with zipfile.ZipFile(target, "a") as archive:
        member = zipfile.ZipInfo(name)
        member.external_attr = mode << 16
        archive.writestr(member, b"x")
    return target.getvalue()


def without(files: Files, name: str) -> Files:
    return {key: own for key, own in files.items() if key != name}


BAD: dict[str, tuple[Callable[[Files], bytes], str]] = {
    "no archive": (lambda f: b"hello", "not a whole zip archive"),
    "cut short": (lambda f: packed(f)[:-200], "not a whole zip archive"),
    "of others": (lambda f: packed({"a.txt": b"x"}), "holds 'a.txt', which no study has"),
    "no manifest": (lambda f: packed(without(f, "MANIFEST")), "has no MANIFEST"),
    "a changed file": (lambda f: packed({**f, RANKS: f[RANKS] + b" "}), "ranks.csv is not what"),
    "a missing file": (lambda f: packed(without(f, RANKS)), "lacks 'runs/0001"),
    "a further file": (
        lambda f: packed({**f, "runs/0009-x/ranks.csv": b""}),
        "holds 'runs/0009-x/ranks.csv', which MANIFEST does not list",
    ),
    "a way out": (lambda f: with_member(f, "../../evil"), "holds '../../evil', which no study"),
    "from the root": (lambda f: with_member(f, "/etc/passwd"), "which no study has"),
    "a way out in runs": (lambda f: with_member(f, "runs/../x/config.yaml"), "which no study has"),
    "a link": (lambda f: with_member(f, "runs/0009-x/ranks.csv", 0o120777), "no plain file"),
    "twice": (lambda f: with_member(f, "README.txt"), "holds README.txt twice"),
    "bomb": (
        lambda f: sealed({**f, RANKS: b"0" * (16 << 20)}),
        "unpacks from",
    ),
    "large": (lambda f: sealed({**f, CONFIG: b"0" * (257 << 10)}), "more than the 262,144"),
    "many": (lambda f: packed({f"{n}": b"" for n in range(11_500)}), "lists more than"),
    "of a later version": (lambda f: sealed(changed(f, "study.json", format=2)), "has format '2'"),
    "of a truth": (lambda f: sealed(changed(f, "study.json", format=True)), "has format 'True'"),
    "from above": (lambda f: sealed(with_run(f, origin=[".."])), "does not say what 0001"),
    "from a root": (lambda f: sealed(with_run(f, origin=["/", "a"])), "does not say what 0001"),
    "more than all": (
        lambda f: sealed(with_score(f, "mrr", 7.0)),
        "is no run ('its test mrr is 7')",
    ),
    "beyond the last": (lambda f: sealed(with_score(f, "mean_rank", 1e6)), "its test mean_rank is"),
    "better than its ranks": (
        lambda f: sealed(with_score(f, "mrr", 0.999)),
        "its test mrr is 0.999, of its ranks",
    ),
    "other runs": (lambda f: sealed(changed(f, "study.json", runs=[])), "it lists no runs"),
    "no notes": (lambda f: sealed(changed(f, "study.json", notes=["a\nb"])), "no texts"),
    "no reference": (lambda f: sealed(changed(f, "study.json", reference=7)), "no texts"),
    "unfinished": (lambda f: sealed(changed(f, RECORD, status="failed")), "not finished"),
    "odd scores": (
        lambda f: sealed(changed(f, RECORD, final={"test": {"mrr": None}})),
        "is no run",
    ),
    "no gallery": (lambda f: sealed(changed(f, RECORD, gallery_size=[])), "is no run"),
    "no scores": (lambda f: sealed(changed(f, RECORD, baseline={"test": 3})), "damaged"),
    "a huge gallery": (lambda f: sealed(changed(f, RECORD, gallery_size=10**15)), "is no run"),
    "no settings": (lambda f: sealed({**f, CONFIG: b"a: 1"}), "is no run"),
    "odd settings": (
        lambda f: sealed({**f, CONFIG: f[CONFIG].replace(b"seed: 0", b"seed: {}")}),
        "is no run",
    ),
    "ranks of words": (
        lambda f: sealed({**f, RANKS: f[RANKS].replace(b"[1]", b'""')}),
        "/runs/0001-lite-none-v0-seed0/ranks.csv, line",
    ),
    "ranks beyond": (
        lambda f: sealed({**f, RANKS: f[RANKS].replace(b"[1]", b"[4e9]")}),
        "is no run",
    ),
}


def changed(files: Files, name: str, **values: Any) -> Files:
    """The files, with other values in one that is JSON."""
    record = json.loads(files[name]) | values
    return {**files, name: json.dumps(record).encode()}


def with_run(files: Files, **values: Any) -> Files:
    """The files, with other values of the first run in the list of runs."""
    first, *rest = json.loads(files["study.json"])["runs"]
    return changed(files, "study.json", runs=[first | values, *rest])


def with_score(files: Files, metric: str, value: float) -> Files:
    """The files, with another score of the first run's test drawings."""
    final = json.loads(files[RECORD])["final"]
    return changed(files, RECORD, final=final | {"test": final["test"] | {metric: value}})


def test_what_is_damaged_is_not_to_be_evaluated_again(files: Files, tmp_path: Path) -> None:
    for damaged in (
        sealed({**files, RANKS: files[RANKS].replace(b"[1]", b'""')}),
        sealed(changed(files, RECORD, gallery_size="many")),
        sealed({**files, RECORD: b"{}"}),
    ):
        said = refused(damaged, tmp_path)
        assert "again from whoever made it" in said
        assert not any(cure in said for cure in ("run it again", "evaluate"))


@pytest.mark.parametrize("what", BAD)
def test_it_is_refused_in_one_line(what: str, files: Files, tmp_path: Path) -> None:
    make, said = BAD[what]
    if what == "twice":
        with pytest.warns(UserWarning, match="Duplicate"):
            data = make(files)
    else:
        data = make(files)
    assert said in refused(data, tmp_path)


@settings(max_examples=40)
@given(st.data())
def test_a_flipped_byte_is_found_or_changes_nothing(place: Path, data: st.DataObject) -> None:
    whole = bytearray((place / "study.zip").read_bytes())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.zip"
        path.write_bytes(bytes(whole))
        (Path(folder) / "into").mkdir()
        try:
            study = read_study(path, Path(folder) / "into")
        except UserError:
            return
        assert study.table == (place / "out" / "table.csv").read_bytes()


@settings(max_examples=60)
@given(st.binary(max_size=400))
def test_what_is_no_archive_is_said(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.zip"
        path.write_bytes(b"PK\3\4" + content)
        with pytest.raises(UserError):
            read_study(path, Path(folder))

"""Splits: the thesis's rule, its consequences, and what is refused."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawsim.collection.splits import (
    COLUMNS,
    SETS,
    assert_disjoint,
    assert_filled,
    load_split,
    make_split,
    read_split,
    split_files,
)
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError

Pair = tuple[str, str, str]
"""Drawing, artwork, parent."""


def frame(pairs: list[Pair]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["drawing_id", "artwork_id", "parent"], dtype=str)


@st.composite
def graphs(draw: st.DrawFn) -> list[Pair]:
    """Confirmed pairs of a random bipartite graph, some drawings with style copies.

    Drawings and artworks share their ids, as two independent tables may.
    """
    names = st.integers(0, 30).map(str)
    edges = draw(st.lists(st.tuples(names, names), max_size=40, unique=True))
    copied = draw(st.sets(names))
    originals = [(drawing, artwork, drawing) for drawing, artwork in edges]
    return originals + [
        (f"{drawing}_{style}", artwork, drawing)
        for drawing, artwork, _ in originals
        if drawing in copied
        for style in ("oil", "gray")
    ]


def components(pairs: list[Pair]) -> list[set[Pair]]:
    """Connected components by merging: a set of nodes for each pair, united while any two meet."""
    groups: list[tuple[set[tuple[str, str]], set[Pair]]] = []
    for pair in pairs:
        nodes = {("drawing", pair[2]), ("artwork", pair[1])}
        members = {pair}
        apart = []
        for group in groups:
            if group[0] & nodes:
                nodes |= group[0]
                members |= group[1]
            else:
                apart.append(group)
        groups = [*apart, (nodes, members)]
    return [members for _, members in groups]


@given(pairs=graphs(), version=st.sampled_from(["v0", "v3", "v10"]))
def test_the_rule(pairs: list[Pair], version: str) -> None:
    """Components are numbered from 0 without gaps; % 6 is val, otherwise % 4 is test."""
    split = make_split(frame(pairs), version)
    assert tuple(split.columns) == COLUMNS
    found: dict[int, set[Pair]] = {}
    for row in split.to_dict("records"):
        number = row["cluster"]
        found.setdefault(number, set()).add((row["drawing_id"], row["artwork_id"], row["parent"]))
        assert row["set"] == ("val" if number % 6 == 0 else "test" if number % 4 == 0 else "train")
    assert sorted(found) == list(range(len(found)))
    expected = components(pairs)
    assert len(found) == len(expected)
    assert all(group in found.values() for group in expected)
    assert len(split) == len(pairs)


@given(pairs=graphs())
def test_no_drawing_and_no_artwork_is_in_two_sets(pairs: list[Pair]) -> None:
    split = make_split(frame(pairs), "v0")
    for column in ("drawing_id", "parent", "artwork_id"):
        assert (split.groupby(column)["set"].nunique() <= 1).all()
    assert_disjoint(split, "made by rule")


@given(data=st.data())
def test_order_of_rows_does_not_matter(data: st.DataObject) -> None:
    pairs = data.draw(graphs())
    shuffled = data.draw(st.permutations(pairs))
    pd.testing.assert_frame_equal(make_split(frame(pairs), "v1"), make_split(frame(shuffled), "v1"))


@given(pairs=graphs())
def test_style_copies_follow_their_parents_and_move_nothing(pairs: list[Pair]) -> None:
    split = make_split(frame(pairs), "v2")
    set_of = dict(zip(split["drawing_id"], split["set"], strict=True))
    assert all(
        set_of[copy] == set_of[parent]
        for copy, parent in zip(split["drawing_id"], split["parent"], strict=True)
    )
    originals = [pair for pair in pairs if pair[0] == pair[2]]
    bare = make_split(frame(originals), "v2")
    assert dict(zip(bare["drawing_id"], bare["set"], strict=True)).items() <= set_of.items()


def test_a_copy_ties_its_artworks_to_those_of_its_parent() -> None:
    pairs = [("d0", "a0", "d0"), ("d0_oil", "a1", "d0"), ("d1", "a1", "d1"), ("d2", "a2", "d2")]
    cluster = make_split(frame(pairs), "v0").set_index("drawing_id")["cluster"]
    assert cluster["d0"] == cluster["d0_oil"] == cluster["d1"] != cluster["d2"]


def test_versions_differ_in_their_assignment_alone() -> None:
    pairs = [(f"d{i}", f"a{i}", f"d{i}") for i in range(96)]
    splits = [make_split(frame(pairs), f"v{i}") for i in range(11)]
    assignments = {tuple(s.sort_values("drawing_id")["set"]) for s in splits}
    assert len(assignments) == 11
    for split in splits:
        # Of 0 .. 95, sixteen numbers are multiples of 6, and 24 of 4 less eight of 12.
        assert split["set"].value_counts().to_dict() == {"train": 64, "val": 16, "test": 16}


def test_a_split_is_the_same_on_every_machine() -> None:
    """Golden values: a split made today must be the one that results were published on."""
    pairs = [(f"d{i}", f"a{i}", f"d{i}") for i in range(12)]
    split = make_split(frame(pairs), "v0")
    order = [4, 8, 0, 1, 9, 6, 2, 10, 3, 7, 5, 11]
    assert split["drawing_id"].tolist() == [f"d{i}" for i in order]


def rows(*found: tuple[str, str, str]) -> pd.DataFrame:
    """A split of these (drawing, artwork, set); a copy is named like its original with a dash."""
    table = pd.DataFrame(found, columns=["drawing_id", "artwork_id", "set"], dtype=str)
    return table.assign(parent=table["drawing_id"].str.split("-").str[0])


def test_leaks_are_named() -> None:
    sound = [("d0", "a0", "train"), ("d0-oil", "a0", "train"), ("d1", "a1", "val")]
    assert_disjoint(rows(*sound), "x.csv")
    with pytest.raises(UserError, match=r"x\.csv leaks: 1 artwork .*'a1' in test and val") as error:
        assert_disjoint(rows(*sound, ("d2", "a1", "test")), "x.csv")
    assert len(str(error.value).splitlines()) == 1
    with pytest.raises(UserError, match=r"1 drawing .*'d1' in train and val"):
        assert_disjoint(rows(*sound, ("d1", "a2", "train")), "x.csv")
    with pytest.raises(UserError, match=r"1 drawing .*'d1' in train and val"):
        assert_disjoint(rows(*sound, ("d1-oil", "a2", "train")), "x.csv")
    many = [(f"d{i}", f"a{i // 2}", SETS[i % 2]) for i in range(20)]
    with pytest.raises(UserError, match=r"10 artworks in more") as error:
        assert_disjoint(rows(*many), "x.csv")
    assert str(error.value).count("train and val") == 5, "the first five are shown"


@pytest.mark.parametrize("missing", SETS)
def test_a_set_without_pairs_is_refused(missing: str) -> None:
    full = [(f"d{i}", f"a{i}", name) for i, name in enumerate(SETS)]
    assert_filled(rows(*full), "x.csv")
    lacking = [row for row in full if row[2] != missing]
    with pytest.raises(UserError, match=f"no {missing} pairs"):
        assert_filled(rows(*lacking), "x.csv")
    with pytest.raises(UserError, match=f"no {missing} pairs"):  # a copy alone cannot be a query
        assert_filled(rows(*lacking, ("d9-oil", "a9", missing)), "x.csv")


@pytest.fixture
def own(collection_root: Path, tmp_path: Path) -> Collection:
    """The tables of the small collection in a folder that a test may write to."""
    for table in collection_root.glob("*.csv"):
        shutil.copy(table, tmp_path)
    return Collection.open(tmp_path)


def write_split(collection: Collection, text: str) -> Path:
    path = collection.root / "splits" / "v0.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


SOUND = "drawing_id,artwork_id,set\nd0,a0,train\nd1,a0,train\nd3,a3,val\nd4,a4,test\n"


def test_a_split_file_has_precedence_over_the_rule(own: Collection) -> None:
    write_split(own, SOUND)
    split = load_split(own, "v0")
    assert tuple(split.columns) == COLUMNS
    assert split["set"].tolist() == ["train", "train", "val", "test"]
    assert split["parent"].tolist() == split["drawing_id"].tolist()
    assert split["cluster"].tolist() == [-1] * 4
    assert len(load_split(own, "v1")) == len(own.true_pairs)


def test_a_made_split_is_written_on_request_only_and_read_back_the_same(own: Collection) -> None:
    folder = own.root / "splits"
    made = load_split(own, "v7")
    assert not folder.exists()
    pd.testing.assert_frame_equal(load_split(own, "v7", write=True), made)
    assert [path.name for path in folder.iterdir()] == ["v7.csv"]
    pd.testing.assert_frame_equal(load_split(own, "v7", write=True), made)
    pd.testing.assert_frame_equal(read_split(folder / "v7.csv", own), made)


def test_a_split_that_cannot_be_used_is_not_written(own: Collection) -> None:
    few = Collection(own.root, own.drawings, own.artworks, own.pairs.head(1))
    with pytest.raises(UserError, match="no train pairs"):
        load_split(few, "v0", write=True)
    assert not (own.root / "splits").exists()


def test_no_confirmed_pairs_at_all(own: Collection) -> None:
    none = Collection(own.root, own.drawings, own.artworks, own.pairs[~own.pairs["pair"]])
    with pytest.raises(UserError, match=r"no train pairs \(0 pairs in all\)"):
        load_split(none, "v0")


def test_a_split_file_that_leaks_is_named(own: Collection) -> None:
    path = write_split(own, SOUND + "d5,a3,train\nd1,a6,test\nd1,a7,test\n")
    with pytest.raises(UserError, match="leaks") as error:
        load_split(own, "v0")
    assert [line.strip().split(" – ")[0] for line in str(error.value).splitlines()] == [
        f"{path} cannot be used: 2 problems",
        "v0.csv, row 7: leaks: drawing 'd1' is in test here and in train in row 3",
        "v0.csv, row 6: leaks: artwork 'a3' is in train here and in val in row 4",
    ]


def test_a_style_copy_in_another_set_than_its_original_is_a_leak(own: Collection) -> None:
    path = write_split(own, "drawing_id,artwork_id,set,parent\nd0,a0,train,\nd1,a1,val,d0\n")
    with pytest.raises(UserError, match="row 3: leaks: drawing 'd0' is in val here and in train"):
        read_split(path, own)


def test_any_file_of_the_folder_is_a_split_by_its_name(own: Collection) -> None:
    write_split(own, SOUND).rename(own.root / "splits" / "fold10.csv")
    for name in ("fold2", "near_duplicates", ".fold1"):
        (own.root / "splits" / f"{name}.csv").touch()
    assert [path.name for path in split_files(own.root)] == ["fold2.csv", "fold10.csv"]
    assert len(load_split(own, "fold10")) == 4
    with pytest.raises(UserError, match=r"split fold1: there is no .*, did you mean fold") as error:
        load_split(own, "fold1", write=True)
    assert f"drawsim prepare step=splits source={own.root}" in str(error.value)
    assert len(load_split(own, "v3")) == len(own.true_pairs), "versions are made by rule"


def test_problems_of_a_split_file_come_with_their_rows(own: Collection) -> None:
    path = write_split(own, SOUND + "d9,a4,test\nd5,a99,train\nd6,a6,trained\n")
    with pytest.raises(UserError) as error:
        read_split(path, own)
    assert [line.strip().split(" – ")[0] for line in str(error.value).splitlines()[1:]] == [
        "v0.csv, row 8: set is 'trained'",
        "v0.csv, row 6: drawing_id 'd9' is not in drawings.csv",
        "v0.csv, row 7: artwork_id 'a99' is not in artworks.csv",
    ]
    path = write_split(own, "drawing_id,artwork_id\nd0,a0\n")
    with pytest.raises(UserError, match=r"v0\.csv, row 1: no column set"):
        read_split(path, own)


def test_copies_that_are_not_there_are_left_out_and_counted(
    own: Collection, caplog: pytest.LogCaptureFixture
) -> None:
    head = "drawing_id,artwork_id,set,cluster,parent\n"
    path = write_split(own, head + "d0,a0,train,3,\nd0_oil,a0,train,3,d0\nd1,a0,train,,d0\n")
    with caplog.at_level(logging.INFO):
        split = read_split(path, own)
    assert split["drawing_id"].tolist() == ["d0", "d1"]
    assert split["parent"].tolist() == ["d0", "d0"]
    assert split["cluster"].tolist() == [3, -1]
    assert "1 rows of style copies" in caplog.text


PUBLISHED = (
    *((93, 19, 19), (80, 30, 21), (82, 22, 27), (77, 29, 25), (81, 30, 20), (83, 29, 19)),
    *((80, 18, 33), (93, 19, 19), (83, 30, 18), (96, 19, 16), (93, 22, 16)),
)
"""Original pairs in train, val and test of the thesis's v0 .. v10, as it gives them."""


@pytest.mark.real_data
@pytest.mark.parametrize("version", range(11))
def test_published_splits(shared_data: Path, version: int) -> None:
    suffix = f"_v{version}" if version else ""
    path = shared_data / "thesis" / "splits" / f"drawing_artwork_pair_train_test_split{suffix}.csv"
    listed = pd.read_csv(path, dtype=str)
    drawings = pd.Index([*listed["drawing_id"], *listed["parent"]]).unique()
    collection = Collection(
        root=path.parent,
        drawings=pd.DataFrame({"path": ""}, index=drawings),
        artworks=pd.DataFrame({"path": ""}, index=pd.Index(listed["artwork_id"].unique())),
        pairs=listed.assign(pair=True),
    )
    split = read_split(path, collection)
    assert len(split) == len(listed)
    assert split["cluster"].nunique() == 96
    assert_disjoint(split, path.name)
    assert_filled(split, path.name)
    originals = split[split["drawing_id"] == split["parent"]]
    assert tuple(int((originals["set"] == name).sum()) for name in SETS) == PUBLISHED[version]
    # The published numbers and the rule say the same.
    rule = split["cluster"].map(
        lambda n: "val" if n % 6 == 0 else "test" if n % 4 == 0 else "train"
    )
    assert (rule == split["set"]).all()


@pytest.mark.real_data
def test_the_rule_on_the_pairs_of_the_thesis(shared_data: Path) -> None:
    path = shared_data / "thesis" / "splits" / "drawing_artwork_pair_train_test_split.csv"
    pairs = pd.read_csv(path, dtype=str)[["drawing_id", "artwork_id", "parent"]]
    split = make_split(pairs, "v0")
    assert split["cluster"].nunique() == 96
    originals = split[split["drawing_id"] == split["parent"]]
    assert len(originals) == 131


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["imaj", "sketchy"])
def test_splits_of_real_collections(shared_data: Path, name: str) -> None:
    collection = Collection.open(shared_data / name)
    sizes = {len(load_split(collection, f"v{version}")) for version in range(11)}
    assert sizes == {len(collection.true_pairs)}


def test_a_pair_of_a_file_that_people_have_rejected_since_is_left_out(
    collection_root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("drawings.csv", "artworks.csv", "pairs.csv"):
        shutil.copy(collection_root / name, tmp_path / name)
    before = load_split(Collection.open(tmp_path), "v0", write=True)
    [train] = before.loc[before["set"] == "train", "drawing_id"].head(1)
    text = (tmp_path / "pairs.csv").read_text(encoding="utf-8")
    lines = [
        line.replace("True", "false") if f"{train}," in line else line for line in text.split()
    ]

    def load(grade: str) -> pd.DataFrame:
        rows = [f"{lines[0]},grade"]
        rows += [f"{line},{grade if f'{train},' in line else ''}" for line in lines[1:]]
        (tmp_path / "pairs.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        return load_split(Collection.open(tmp_path), "v0")

    pd.testing.assert_frame_equal(load(""), before)  # without a grade, the split's word counts
    caplog.set_level(logging.INFO)
    found = load("different")
    kept = before[before["drawing_id"] != train].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, kept)
    count = len(before) - len(kept)
    assert count > 0
    assert f"split v0: {count} rows of rejected pairs left out" in caplog.text

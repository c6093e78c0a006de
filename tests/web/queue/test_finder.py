"""Candidates against a search by hand, words against what they should find."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawsim.collection.kinds import KINDS, Kind
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.pixels.decode import ImageReadError
from drawsim.retrieval.analysis.calibration import Calibration
from drawsim.retrieval.index import strangers
from drawsim.retrieval.index.backends import ann_settings
from drawsim.retrieval.index.folder import Index, build_index
from drawsim.retrieval.index.gallery import Gallery
from drawsim.retrieval.index.queries import RANK_CONSTANT, Hits, Queries
from drawsim.web.queue import finder as finder_module
from drawsim.web.queue import items
from drawsim.web.queue.finder import Finder, NoSuchImage, other
from tests.web.conftest import Glass, make_index


def scores_of(index: Index, kind: Kind, name: str) -> dict[str, float]:
    """The cosine of a query and every candidate."""
    own, theirs = index.part(kind), index.part(other(kind))
    cosines = theirs.matrix.numpy() @ own.matrix.numpy()[own.embeddings.rows[name]]
    return dict(zip(theirs.embeddings.ids, cosines.tolist(), strict=True))


@pytest.fixture(scope="module")
def finder(index: Index, collection: Collection) -> Finder:
    return Finder([index], Glass(), collection)


@pytest.fixture(scope="module")
def both(index: Index, second_index: Index, collection: Collection) -> Finder:
    return Finder([index, second_index], None, collection)


@pytest.mark.parametrize("kind", KINDS)
def test_candidates_are_sorted_by_cosine(finder: Finder, index: Index, kind: Kind) -> None:
    for name in finder.tables[kind].index:
        cosines = scores_of(index, kind, name)
        found = finder.candidates(kind, name, 0, 100)
        assert [each.id for each in found] == sorted(cosines, key=cosines.__getitem__, reverse=True)
        assert [each.rank for each in found] == list(range(1, len(cosines) + 1))
        assert [each.score for each in found] == pytest.approx(
            [cosines[c.id] for c in found], abs=1e-6
        )
        assert {each.kind for each in found} == {other(kind)}


@given(start=st.integers(0, 15), count=st.integers(1, 15), several=st.booleans())
def test_pages_of_a_list_fit_together(
    finder: Finder, both: Finder, start: int, count: int, several: bool
) -> None:
    one = both if several else finder
    whole = one.candidates("drawing", "d3", 0, 12)
    assert len(whole) == one.count("drawing") == 12
    assert one.candidates("drawing", "d3", start, count) == whole[start : start + count]


def test_pages_fit_together_where_lists_are_made_in_parts(
    finder: Finder, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = finder.candidates("drawing", "d1", 0, 12)
    monkeypatch.setattr(finder_module, "BLOCK", 5)
    pages = [finder.candidates("drawing", "d1", start, 3) for start in (0, 3, 6, 9, 12)]
    assert [each for page in pages for each in page] == whole


@pytest.mark.parametrize("kind", KINDS)
def test_a_score_is_told_among_those_of_strangers(
    index: Index, collection: Collection, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = Finder([index], None, collection).candidates(kind, f"{kind[0]}3")
    assert {each.above for each in few} == {None}, "eight drawings say nothing"
    monkeypatch.setattr(strangers, "FEWEST", 3)
    finder = Finder([index], None, collection)
    best = [
        max(
            score
            for candidate, score in scores_of(index, kind, query).items()
            if not finder.is_known(kind, query, candidate)
        )
        for query in finder.ids[kind]
    ]
    for each in finder.candidates(kind, f"{kind[0]}3"):
        assert each.score is not None
        assert each.above is not None
        # A score may be that of a stranger itself, rounded otherwise.
        low, high = (np.mean(np.less(best, each.score + near)) for near in (-1e-6, 1e-6))
        assert low <= each.above <= high


CALIBRATION = Calibration(0.1, 0.05, ((1.0, -1.0), (2.0, 0.5)), 3, 4, 12, None, {})


def test_the_first_candidate_of_a_drawing_has_a_chance(
    index: Index, second_index: Index, collection: Collection
) -> None:
    finder = Finder([index], None, collection, CALIBRATION)
    best, second = sorted(scores_of(index, "drawing", "d3").values())[:-3:-1]
    standard = ((best - second) - 0.1) / 0.05
    expected = np.mean([1 / (1 + np.exp(-(a * standard + b))) for a, b in CALIBRATION.samples])
    found = finder.candidates("drawing", "d3", 0, 12)
    assert found[0].chance is not None
    assert found[0].chance.probability == pytest.approx(expected, abs=1e-4)
    assert {each.chance for each in found[1:]} == {None}
    assert finder.candidates("artwork", "a3")[0].chance is None
    finder.check_likely("drawing")
    with pytest.raises(UserError, match="of drawings alone"):
        finder.check_likely("artwork")
    with pytest.raises(UserError, match="nothing is calibrated"):
        Finder([index], None, collection).check_likely("drawing")
    with pytest.raises(UserError, match="give one index"):
        Finder([index, second_index], None, collection, CALIBRATION)
    stranger = replace(CALIBRATION, made_with={"weights_sha256": "another"})
    with pytest.raises(UserError, match="fitted with another model"):
        Finder([index], None, collection, stranger)


class Again(Glass):
    """Turns the first three around."""

    depth = 3
    turned = True
    picture: Path | np.ndarray | None = None
    fault: UserError | None = None

    def look_again(
        self, index: Index, query: Queries, picture: Path | np.ndarray | None, found: Hits
    ) -> Hits:
        self.picture = picture
        if self.fault:
            raise self.fault
        ids = found.ids.copy()
        if self.turned:
            ids[:, :3] = ids[:, 2::-1]
        return replace(found, ids=ids)


def test_a_chance_is_of_the_list_by_embedding_alone(index: Index, collection: Collection) -> None:
    lens = Again()
    assert (
        Finder([index], lens, collection, CALIBRATION).candidates("drawing", "d3")[0].chance is None
    )
    lens.turned = False
    assert Finder([index], lens, collection, CALIBRATION).candidates("drawing", "d3")[0].chance


@pytest.mark.parametrize("count", [1, 2, 12])
def test_a_picture_that_is_looked_up_is_re_ranked(
    finder: Finder, index: Index, collection: Collection, count: int
) -> None:
    pixels = np.full((3, 5, 3), (250, 20, 90), np.uint8)
    plain = [each.id for each in finder.by_pixels(pixels, "drawing", 12)]
    lens = Again()
    found = Finder([index], lens, collection).by_pixels(pixels, "drawing", count)
    assert [each.id for each in found] == [*plain[2::-1], *plain[3:]][:count]
    assert lens.picture is pixels


def test_a_drawing_that_cannot_be_looked_at_has_its_list_by_embedding(
    finder: Finder, index: Index, collection: Collection
) -> None:
    lens = Again()
    file = collection.paths("drawing")["d3"]
    lens.fault = ImageReadError(f"{file}: is damaged")
    again = Finder([index], lens, collection, CALIBRATION)
    found = again.candidates("drawing", "d3", 0, 12)
    assert lens.picture == file
    assert [each.id for each in found] == [
        each.id for each in finder.candidates("drawing", "d3", 0, 12)
    ]
    assert found[0].chance
    assert found.fault == "is damaged"
    assert finder.candidates("drawing", "d3").fault == ""
    pixels = np.full((3, 5, 3), (250, 20, 90), np.uint8)
    lens.fault = UserError("the pictures of what is found are not known")
    assert again.by_pixels(pixels, "drawing").fault == str(lens.fault)

    lens.fault = None  # it was mended
    mended = again.candidates("drawing", "d3", 0, 12)
    assert not mended.fault
    assert [each.id for each in mended[:3]] == [each.id for each in found[2::-1]]


def test_confirmed_pairs_are_known_from_both_sides(finder: Finder) -> None:
    known = {each.id for each in finder.candidates("drawing", "d2", 0, 12) if each.known}
    assert known == {"a1", "a2"}
    known = {each.id for each in finder.candidates("artwork", "a0", 0, 12) if each.known}
    assert known == {"d0", "d1"}
    assert not any(each.known for each in finder.candidates("drawing", "d7", 0, 12))  # pair=false


def test_several_indexes_are_fused_by_rank(both: Finder, index: Index, second_index: Index) -> None:
    expected: dict[str, float] = {}
    for one in (index, second_index):
        cosines = scores_of(one, "drawing", "d0")
        ranked = sorted(cosines, key=cosines.__getitem__, reverse=True)
        for rank, name in enumerate(ranked, 1):
            expected[name] = expected.get(name, 0) + 1 / (RANK_CONSTANT + rank)
    found = both.candidates("drawing", "d0", 0, 12)
    assert {each.id: each.score for each in found} == pytest.approx(expected)
    scores = [each.score or 0 for each in found]
    assert scores == sorted(scores, reverse=True)


def test_only_what_all_indexes_hold_is_there(
    tmp_path: Path, index: Index, collection: Collection
) -> None:
    fewer = replace(
        collection, artworks=collection.artworks.iloc[3:], drawings=collection.drawings.iloc[:6]
    )
    finder = Finder([index, make_index(tmp_path, fewer, 1)], Glass(), collection)
    assert list(finder.tables["drawing"].index) == ["d0", "d1", "d2", "d3", "d4", "d5"]
    assert finder.count("drawing") == 9
    held = set(finder.tables["artwork"].index)
    assert {each.id for each in finder.candidates("drawing", "d0", 0, 50)} == held
    pixels = np.zeros((4, 4, 3), np.uint8)
    assert {each.id for each in finder.by_pixels(pixels, "drawing", 50)} == held
    with pytest.raises(NoSuchImage, match="d7"):
        finder.candidates("drawing", "d7")


def test_an_index_of_one_kind_or_of_another_collection_is_refused(
    tmp_path: Path, index: Index, collection: Collection
) -> None:
    alone = replace(index, parts={"artwork": index.part("artwork")})
    with pytest.raises(UserError, match="no drawings; add them to the index"):
        Finder([alone], None, collection)
    stranger = replace(collection, drawings=collection.drawings.rename(index={"d0": "x0"}))
    with pytest.raises(UserError, match="of another collection"):
        Finder([index], None, stranger)


def test_a_picture_is_looked_up_by_what_the_lens_sees(finder: Finder, index: Index) -> None:
    pixels = np.full((3, 5, 3), (250, 20, 90), np.uint8)
    matrix = index.part("artwork").matrix.numpy() @ Glass().embed(pixels, "drawing")
    ids = np.array(index.part("artwork").embeddings.ids)[np.argsort(-matrix)]
    found = finder.by_pixels(pixels, "drawing", 4)
    assert [each.id for each in found] == ids[:4].tolist()
    assert not any(each.known for each in found)


def test_without_a_model_pictures_cannot_be_looked_up(index: Index, collection: Collection) -> None:
    with pytest.raises(UserError, match="does not say its model"):
        Finder([index], None, collection).by_pixels(np.zeros((4, 4, 3), np.uint8), "drawing")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, collection: Collection) -> Finder:
    """Artworks with artists and titles, one of them hard to type."""
    artists = ["Albrecht_Du╠êrer", *["Édouard Manet"] * 2, *["Paul Klee"] * 9]
    titles = ["", "Das Frühstück", "Olympia", *[""] * 9]
    table = collection.artworks.assign(artist=artists, title=titles, width="640", height="x")
    rich = replace(collection, artworks=table)
    return Finder([make_index(tmp_path_factory.mktemp("told"), rich, 0)], None, rich)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("durer", ["a0"]),
        ("DÜRER albrecht", ["a0"]),
        ("fruhstuck manet", ["a1"]),
        ("manet", ["a1", "a2"]),
        ("manet klee", []),
        ("a1", ["a1", "a10", "a11"]),  # the id itself, then those that begin with it
        ("artworks/a0.png", []),  # no path is ever told
        ("  ", []),
    ],
)
def test_words_find_what_has_them_all(told: Finder, text: str, ids: list[str]) -> None:
    assert [item.id for item in told.by_text("artwork", text)] == ids


def test_words_find_no_more_than_asked(told: Finder) -> None:
    assert len(told.by_text("artwork", "klee", 4)) == 4


def test_an_item_is_told_for_people(told: Finder) -> None:
    item = told.item("artwork", "a0")
    assert (item.artist, item.title, item.width, item.height) == ("Albrecht Dürer", "a0", 640, None)
    assert told.item("artwork", "a1").title == "Das Frühstück"
    assert not told.item("artwork", "a0").details  # what is said elsewhere is not said twice
    with pytest.raises(NoSuchImage):
        told.item("drawing", "a0")


def unsure_of(finder: Finder, kind: Kind) -> dict[str, float]:
    names = finder.ids[kind]
    return dict(zip(names, finder.unsure(kind, names).tolist(), strict=True))


def test_small_margins_are_uncertain(finder: Finder, index: Index) -> None:
    unsure = unsure_of(finder, "artwork")
    for name, value in unsure.items():
        first, second = sorted(scores_of(index, "artwork", name).values(), reverse=True)[:2]
        assert value == pytest.approx(second - first, abs=1e-6)


def test_models_that_disagree_are_uncertain(
    both: Finder, index: Index, second_index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder_module, "COMPARED", 4)
    unsure = unsure_of(both, "drawing")
    for name, value in unsure.items():
        tops = []
        for one in (index, second_index):
            cosines = scores_of(one, "drawing", name)
            tops.append(set(sorted(cosines, key=cosines.__getitem__, reverse=True)[:4]))
        distance = 1 - len(tops[0] & tops[1]) / len(tops[0] | tops[1])
        assert value == pytest.approx(distance, abs=1e-5)
    assert len(set(unsure.values())) == len(unsure)  # margins decide between equals


def test_what_ranked_is_named_by_the_manifest(
    tmp_path: Path, finder: Finder, both: Finder, index: Index, collection: Collection
) -> None:
    digest = hashlib.sha256((index.folder / "index.json").read_bytes()).hexdigest()
    assert finder.made_with.index_sha256 == digest
    assert both.made_with.index_sha256 != digest
    assert both.made_with.model == "random0 (hash0); random1 (hash1)"
    changed = make_index(tmp_path, collection, 0).remove("artwork", ["a3"])
    assert Finder([changed], None, collection).made_with.index_sha256 != digest


def test_only_one_candidate_is_no_margin(tmp_path: Path, collection: Collection) -> None:
    single = replace(
        collection,
        artworks=collection.artworks.iloc[:1],
        pairs=collection.pairs[collection.pairs["artwork_id"] == "a0"],
    )
    finder = Finder([make_index(tmp_path, single, 0)], None, single)
    assert set(unsure_of(finder, "drawing").values()) == {0.0}


@pytest.mark.parametrize(
    ("cell", "pixels"), [("640", 640), ("0", None), ("9" * 5_000, None), ("²", None), ("", None)]
)
def test_a_width_is_a_number_that_an_image_may_have(cell: str, pixels: int | None) -> None:
    assert items._pixels(cell) == pixels


def test_candidates_of_an_index_in_a_database(
    index: Index,
    finder: Finder,
    collection: Collection,
    tmp_path: Path,
    new_vector_database: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("drawsim.retrieval.index.queries.FEW", 1)
    galleries = {
        kind: Gallery(part.embeddings, index.model, part.table)
        for kind, part in index.parts.items()
    }
    ann, root = ann_settings("pgvector", {}), collection.root
    made = build_index(tmp_path, galleries, root, ann, new_vector_database())
    with pytest.raises(UserError, match="exactly only"):
        Finder([index], Glass(), collection, ann=True)
    near = Finder([made], Glass(), collection, ann=True)
    for kind in KINDS:
        for name in finder.tables[kind].index:
            exact, found = (f.candidates(kind, name, 0, 5) for f in (finder, near))
            assert [c.id for c in found] == [c.id for c in exact]
            assert [c.score for c in found] == pytest.approx([c.score for c in exact], abs=1e-6)

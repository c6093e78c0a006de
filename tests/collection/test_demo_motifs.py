from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from drawsim.collection.demo import make_demo
from drawsim.collection.demo.motifs import MOTIFS
from drawsim.collection.demo.plan import Drawing, Plan, Size, make_plan
from drawsim.collection.demo.truth import read_truth
from drawsim.common.errors import UserError


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(Size(motifs=len(MOTIFS)))


def of(plan: Plan, genre: str) -> list[Drawing]:
    return [d for d in plan.drawings if d.motif is not None and d.motif.genre == genre]


def test_planted_drawings_come_after_the_others_and_change_nothing_of_them(plan: Plan) -> None:
    bare = make_plan(Size())
    assert plan.artworks == bare.artworks
    assert plan.pairs == bare.pairs
    assert plan.drawings[: len(bare.drawings)] == bare.drawings
    planted = plan.drawings[len(bare.drawings) :]
    assert len(planted) == sum(motif.drawings for motif in MOTIFS)
    assert all(drawing.motif is not None and drawing.model is None for drawing in planted)
    assert len({drawing.id for drawing in plan.drawings}) == len(plan.drawings)
    paired = {drawing for drawing, _, _ in plan.pairs}
    assert paired.isdisjoint(drawing.id for drawing in planted)


def test_motifs_have_five_to_thirty_drawings_and_some_are_at_home_nowhere(plan: Plan) -> None:
    sizes = [len(of(plan, motif.genre)) for motif in MOTIFS]
    assert sizes == [motif.drawings for motif in MOTIFS]
    assert (min(sizes), max(sizes)) == (5, 30)
    assert sum(not list(motif.leans) for motif in MOTIFS) == 2


@pytest.mark.parametrize("motif", MOTIFS, ids=lambda motif: motif.genre)
def test_seven_in_ten_are_from_where_a_motif_is_at_home(plan: Plan, motif: object) -> None:
    known = next(one for one in MOTIFS if one is motif)
    drawings = of(plan, known.genre)
    settled = round(0.7 * known.drawings)
    if known.countries:
        assert sum(d.country in known.countries for d in drawings) == settled
        per_country = Counter(d.country for d in drawings if d.country in known.countries)
        assert max(per_country.values()) - min(per_country.values()) <= 1
    else:
        assert max(Counter(d.country for d in drawings).values()) <= 3
    if known.ages:
        assert sum(d.age.group in known.ages for d in drawings) == settled
    else:
        assert max(Counter(d.age.group for d in drawings).values()) < settled


def test_drawings_of_a_motif_show_one_scene_moved_a_little(plan: Plan) -> None:
    one, *others = (drawing.scene(0) for drawing in of(plan, "night"))
    for other in others:
        assert [shape.role for shape in other.shapes] == [shape.role for shape in one.shapes]
        apart = [
            np.abs(a.points - b.points).max() for a, b in zip(one.shapes, other.shapes, strict=True)
        ]
        assert 0 < max(apart) < 0.12


def test_the_truth_lies_beside_the_tables(tmp_path: Path) -> None:
    size = {"artworks": 2, "paired_artworks": 1, "pairs": 1, "unpaired_drawings": 0, "motifs": 2}
    make_demo(tmp_path / "demo", **size, progress=False)
    truth = read_truth(tmp_path / "demo")
    assert Counter(truth.motifs.values()) == {"portrait": 5, "bouquet": 8}
    assert truth.leans == {("bouquet", "country", "PER")}
    table = (tmp_path / "demo" / "drawings.csv").read_text(encoding="utf-8")
    assert all(key in table for key in truth.motifs)
    assert "portrait" not in table


def test_a_collection_that_is_no_demo_has_no_truth(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"motifs\.csv"):
        read_truth(tmp_path)

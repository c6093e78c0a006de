"""How far annotators agree beyond chance: Cohen's kappa of two, Krippendorff's alpha of any number.

What is rated is a pair of a drawing and an artwork. Who finishes a query has also rated the
candidates that were seen and left without a grade: they count as PASSED. Without them only
what both took for a match would be compared, and agreement would look near perfect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from drawsim.collection.grades import GRADES, PASSED, SCALE, Grade

Scale = Literal["nominal", "ordinal"]

MISSING = -1
PAIR = ["drawing_id", "artwork_id"]


@dataclass(frozen=True)
class Kappa:
    """Two annotators. pairs: rated by both, graded: of these, with a grade given by both (not
    seen and left); same: share with one and the same grade; kappa: None where it is undefined.
    """

    first: str
    second: str
    pairs: int
    graded: int
    same: float
    kappa: float | None


@dataclass(frozen=True)
class Alpha:
    """All annotators. pairs: rated by two or more, ratings: of these pairs; alpha: None where it
    is undefined.
    """

    scale: Scale
    pairs: int
    ratings: int
    alpha: float | None


def cohens_kappa(first: ArrayLike, second: ArrayLike) -> float | None:
    """Kappa of two raters of the same n things; their labels are (n,), of any one type.

    kappa = (p_o - p_e) / (1 - p_e), with p_o the share of things labelled alike and p_e the sum
    over labels of the product of the two raters' shares (Cohen, "A coefficient of agreement for
    nominal scales", Educational and Psychological Measurement 20, 1960). None where nothing was
    rated, or where both gave one and the same label throughout: chance would agree as well.
    """
    from sklearn.metrics import cohen_kappa_score

    one, other = np.asarray(first), np.asarray(second)
    if one.shape != other.shape:
        raise ValueError(f"the raters have {len(one)} and {len(other)} labels")
    labels, codes = np.unique(np.concatenate([one, other]), return_inverse=True)
    if len(labels) < 2:
        return None
    return float(cohen_kappa_score(codes[: len(one)], codes[len(one) :]))


def krippendorffs_alpha(ratings: ArrayLike, scale: Scale = "nominal") -> float | None:
    """Alpha of any number of raters, who may have left things out.

    ratings: (things, raters) codes 0, 1, 2, …, in their order where the scale is ordinal; MISSING
    where there is none. Formula: Krippendorff, "Computing Krippendorff's alpha-reliability",
    University of Pennsylvania, 2011; the ordinal difference counts the pairable values between two.
    None where no two raters met on a thing or all pairable values are the same.
    """
    import krippendorff

    codes = np.asarray(ratings, dtype=np.int64)
    met = codes[(codes != MISSING).sum(axis=1) > 1]
    if len(np.unique(met[met != MISSING])) < 2:
        return None
    values = np.where(met == MISSING, np.nan, met)
    return float(krippendorff.alpha(values.T, level_of_measurement=scale))


def ratings(judgements: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Who rated what, where at least two did: drawing_id, artwork_id, annotator, grade, given.

    judgements and answers are EventStore's tables. given: False for what was seen and left.
    """
    given = judgements[[*PAIR, "annotator", "grade"]].assign(given=True)
    rated = pd.concat([given, _left(answers)], ignore_index=True)
    rated = rated.drop_duplicates([*PAIR, "annotator"])  # a grade comes before what was left
    raters = rated.groupby(PAIR)["annotator"].transform("size")
    return rated[raters > 1].reset_index(drop=True)


def _left(answers: pd.DataFrame) -> pd.DataFrame:
    """The candidates that were seen by who finished the query, as rated PASSED."""
    finished = answers[answers["answer"].isin(["done", "none"])]
    seen = finished[["annotator", "kind", "id", "shown_ids"]].explode("shown_ids")
    seen = seen.dropna(subset=["shown_ids"])
    drawn = seen["kind"] == "drawing"
    return pd.DataFrame(
        {
            "drawing_id": seen["id"].where(drawn, seen["shown_ids"]),
            "artwork_id": seen["shown_ids"].where(drawn, seen["id"]),
            "annotator": seen["annotator"],
            "grade": PASSED,
            "given": False,
        }
    )


def kappas(rated: pd.DataFrame) -> list[Kappa]:
    """Each two annotators who rated pairs in common, by name; rated as from `ratings`."""
    both = rated.merge(rated, on=PAIR, suffixes=("", "_other"))
    both = both[both["annotator"] < both["annotator_other"]]
    found = []
    for (first, second), rows in both.groupby(["annotator", "annotator_other"]):
        one, other = rows["grade"], rows["grade_other"]
        found.append(
            Kappa(
                str(first),
                str(second),
                pairs=len(rows),
                graded=int((rows["given"] & rows["given_other"]).sum()),
                same=float((one == other).mean()),
                kappa=cohens_kappa(one, other),
            )
        )
    return found


def alpha(rated: pd.DataFrame, scale: Scale) -> Alpha:
    """Alpha of all annotators; on the ordinal SCALE, grades without a place are missing."""
    grades: Sequence[Grade] = SCALE if scale == "ordinal" else GRADES
    places = {grade: place for place, grade in enumerate(grades)}
    coded = rated.assign(code=rated["grade"].map(places)).dropna(subset=["code"])
    table = coded.pivot(index=PAIR, columns="annotator", values="code")
    codes = table.fillna(MISSING).to_numpy(dtype=np.int64)
    raters = (codes != MISSING).sum(axis=1)
    return Alpha(
        scale,
        pairs=int((raters > 1).sum()),
        ratings=int(raters[raters > 1].sum()),
        alpha=krippendorffs_alpha(codes, scale),
    )

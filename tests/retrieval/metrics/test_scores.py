"""The Metric shell against the functions under it, on one process and on two."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from drawsim.retrieval.metrics.functions import query_metrics, summarise
from drawsim.retrieval.metrics.scores import RetrievalScores
from drawsim.retrieval.ranking import Relevance, rank
from tests.commands import Command

QUERIES, GALLERY = 7, 20


def vectors() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.nn.functional.normalize(torch.randn(GALLERY + QUERIES, 6, generator=generator))


def relevance() -> Relevance:
    return Relevance(torch.tensor([0, 0, 1, 2, 4, 6]), torch.tensor([3, 5, 1, 0, 19, 7]))


def expected() -> dict[str, float]:
    everything = vectors()
    ranking = rank(everything[GALLERY:], everything[:GALLERY], relevance(), k=0)
    return summarise(query_metrics(ranking)) | {"tie_rate": ranking.tie_rate}


def test_any_order_and_repeated_rows_change_nothing() -> None:
    metric = RetrievalScores(GALLERY, relevance())
    order = torch.randperm(GALLERY + QUERIES, generator=torch.Generator().manual_seed(1))
    for rows in (order[:10], order[8:20], order[18:], order[:3]):
        metric.update(rows, vectors()[rows])
    assert metric.compute() == pytest.approx(expected())


def test_a_part_of_the_queries_is_scored_by_itself() -> None:
    metric = RetrievalScores(GALLERY, relevance())
    rows = torch.cat([torch.arange(GALLERY), torch.tensor([GALLERY + 4, GALLERY + 6])])
    metric.update(rows, vectors()[rows])
    part = Relevance(torch.tensor([0, 1]), torch.tensor([19, 7]))
    alone = summarise(query_metrics(rank(vectors()[rows[-2:]], vectors()[:GALLERY], part, k=0)))
    assert metric.compute() == pytest.approx(alone | {"tie_rate": 0.0})


def test_without_queries_there_are_no_scores() -> None:
    metric = RetrievalScores(GALLERY, relevance())
    metric.update(torch.arange(GALLERY), vectors()[:GALLERY])
    assert metric.compute() == {"tie_rate": 0.0}


def test_a_gallery_with_gaps_is_refused() -> None:
    metric = RetrievalScores(GALLERY, relevance())
    metric.update(torch.arange(5), vectors()[:5])
    with pytest.raises(ValueError, match="5 of 20"):
        metric.compute()


def share(process: int, meeting_point: str, out: str) -> None:
    """One of two processes: every second row, padded with a repeated one to equal length."""
    dist.init_process_group("gloo", f"file://{meeting_point}", rank=process, world_size=2)
    rows = torch.arange(process, GALLERY + QUERIES, 2)
    rows = torch.cat([rows, rows[: 14 - len(rows)]])
    metric = RetrievalScores(GALLERY, relevance())
    metric.update(rows, vectors()[rows])
    torch.save(metric.compute(), f"{out}/{process}.pt")
    dist.destroy_process_group()


def test_two_processes_give_what_one_gives(tmp_path: Path) -> None:
    code = (
        f"from {__name__} import share; share({{}}, {str(tmp_path / 'meet')!r}, {str(tmp_path)!r})"
    )
    processes = [Command("-c", code.format(number)) for number in range(2)]
    for process in processes:
        done = process.done(60)
        assert done.returncode == 0, done
    for number in range(2):
        found = torch.load(tmp_path / f"{number}.pt", weights_only=True)
        assert found == pytest.approx(expected())

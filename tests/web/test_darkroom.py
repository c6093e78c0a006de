"""Slow pictures keep nobody waiting but those who asked for them."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest
from fastapi import HTTPException
from fastapi.testclient import TestClient

from drawsim.web import darkroom as module
from drawsim.web.darkroom import LARGE, Darkroom, lane_of
from drawsim.web.services import Services

LONG = 60


def test_large_files_have_a_lane_of_their_own() -> None:
    async def made() -> None:
        darkroom, go_on = Darkroom(), threading.Event()
        slow = [
            asyncio.create_task(darkroom.make(lane_of(LARGE), lambda: go_on.wait(LONG)))
            for _ in range(5)
        ]
        await asyncio.sleep(0)
        for _ in range(10):
            assert await darkroom.make(lane_of(LARGE - 1), lambda: "small") == "small"
        assert not any(task.done() for task in slow)
        go_on.set()
        assert await asyncio.gather(*slow) == [True] * 5

    asyncio.run(made())


def test_what_hangs_is_given_up_and_its_place_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.1)

    async def made() -> None:
        darkroom, go_on = Darkroom(), threading.Event()
        for _ in range(3):  # more than places
            with pytest.raises(HTTPException, match="takes too long"):
                await darkroom.make("small", lambda: go_on.wait(LONG))
        monkeypatch.setattr(module, "PATIENCE", LONG)
        assert await darkroom.make("small", lambda: "made") == "made"
        go_on.set()

    asyncio.run(made())


def test_errors_are_those_of_the_work() -> None:
    with pytest.raises(ZeroDivisionError):
        asyncio.run(Darkroom().make("small", lambda: 1 / 0))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
@pytest.mark.parametrize("size", ["thumb", "full"])
def test_a_pipe_in_place_of_a_picture_is_no_picture(
    local: TestClient, services: Services, tmp_path: Path, size: str
) -> None:
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    services.pictures._files["drawing"] = {**services.pictures._files["drawing"], "d0": pipe}
    for _ in range(5):
        answer = local.get(f"/picture?kind=drawing&id=d0&size={size}")
        assert answer.status_code == 404
        assert "cannot be read" in answer.json()["error"]
    assert local.get("/picture?kind=drawing&id=d1").status_code == 200

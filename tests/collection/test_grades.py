"""The grades: what holds for all of them, and that one entry reaches everything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

from drawsim.collection import grades
from drawsim.collection.grades import CONFIRMED, GRADES, LINKING, MEANINGS, REJECTED, SCALE, Grade
from tests.commands import run

TRIAL = """
import json, sys
from fastapi.testclient import TestClient
from drawsim.collection.grades import CONFIRMED, GRADES, REJECTED, SCALE
from drawsim.web.events.drafts import Draft
from drawsim.web.pages.grading import for_scripts, rules
from drawsim.web.review.web_annotations import LINKING
from drawsim.web.api.requests import DraftRequest

given = dict(key="event-0001", action="grade", kind="drawing", drawing_id="d", artwork_id="a")
Draft(**given, grade="same series")
DraftRequest(**given, grade="same series").draft()
print(json.dumps({
    "schema": "same series" in str(DraftRequest.model_json_schema()),
    "keys": [each["key"] for each in json.loads(for_scripts())],
    "colour": 'data-grade="same series"' in rules(),
    "groups": [GRADES, CONFIRMED, REJECTED, LINKING, SCALE],
}))
"""
ENTRY = """    Meaning(
        name="same series",
        key="r",
        means="another state of the same plate",
        training="neither",
        colour="c2",
        nearness=2.5,
    ),
"""


def test_every_grade_has_its_meaning() -> None:
    assert get_args(Grade) == GRADES
    assert len({each.key for each in MEANINGS}) == len(MEANINGS)
    assert (grades.MATCH, grades.UNDECIDED, grades.PASSED) == ("same work", "unsure", "different")


def test_what_the_grades_are_for() -> None:
    assert CONFIRMED == ("same work",)
    assert REJECTED == ("different",)
    assert LINKING == ("same work", "same motif", "style only")
    assert SCALE == ("different", "style only", "same motif", "same work")


def test_a_new_grade_is_one_entry_in_one_file(tmp_path: Path) -> None:
    """The file is the only one that is changed, and keys, pages, API and export know the grade."""
    text = Path(grades.__file__).read_text(encoding="utf-8")
    text = text.replace('"style only", "different"', '"same series", "style only", "different"', 1)
    text = text.replace(
        '    Meaning(\n        name="style only"', ENTRY + '    Meaning(\n        name="style only"'
    )
    (tmp_path / "grades.py").write_text(text, encoding="utf-8")
    load = (
        "import sys\n"
        "for name in [name for name in sys.modules if name.split('.')[0] == 'drawsim']:\n"
        "    del sys.modules[name]\n"
        "import importlib.util; name = 'drawsim.collection.grades'; "
        f"spec = importlib.util.spec_from_file_location(name, {str(tmp_path / 'grades.py')!r}); "
        "module = importlib.util.module_from_spec(spec); sys.modules[name] = module; "
        "spec.loader.exec_module(module)\n"
    )
    done = run("-c", load + TRIAL)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["schema"]
    assert told["colour"]
    assert told["keys"] == ["w", "m", "r", "y", "d", "q"]
    every, confirmed, rejected, linking, scale = told["groups"]
    assert every == ["same work", "same motif", "same series", "style only", "different", "unsure"]
    assert (confirmed, rejected) == (["same work"], ["different"])
    assert linking == ["same work", "same motif", "same series", "style only"]
    assert scale == ["different", "style only", "same motif", "same series", "same work"]

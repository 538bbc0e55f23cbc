"""Four consecutive runs of `make test` include every heavy test; each run includes the tests of
changed modules."""

import os
import re
import subprocess
import sys
from pathlib import Path, PurePath

import pytest

from tests import rotation

ROOT = Path(__file__).parents[2]

TESTS = """
import pytest
from hypothesis import given, settings, strategies as st

@pytest.mark.heavy
@pytest.mark.parametrize("number", range(40))
def test_heavy(number): pass

@pytest.mark.nightly
def test_long(): pass

tried = []

@settings(max_examples=60, database=None)
@given(st.integers())
def test_any(number): tried.append(number)

def test_tried(): print("tried", len(tried))
"""


def ran(folder: Path, turn: str, *files: str) -> str:
    """Return the output of pytest for these files in this turn."""
    for name in files:
        (folder / name).write_text(TESTS)
    words = [
        "-p",
        "tests.conftest",
        "--rootdir",
        str(folder),
        "-v",
        "-s",
        "-n",
        "0",
        "--hypothesis-seed=1",
    ]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words, *files],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), "GREENROOM_TURN": turn},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


def counted(told: str, file: str) -> tuple[int, int, int]:
    """Return the numbers of heavy and nightly tests of a file that ran, and of the examples
    Hypothesis tried."""
    heavy, long = (
        len(set(re.findall(rf"{file}::({name}\S*)", told))) for name in ("test_heavy", "test_long")
    )
    return heavy, long, int(re.findall(rf"{file}::test_tried .*?tried (\d+)", told, re.DOTALL)[0])


def test_turn_runs_a_part_and_a_run_without_turn_everything(tmp_path: Path) -> None:
    told = ran(tmp_path, "7", "test_turning.py", "test_interleavings.py")
    heavy, long, examples = counted(told, "test_turning.py")
    assert 0 < heavy < 20
    assert long == 0
    assert examples <= 20
    heavy, long, examples = counted(told, "test_interleavings.py")
    assert (heavy, long) == (40, 1), "tests of a guarantee always run"
    assert examples > 20
    heavy, long, examples = counted(ran(tmp_path, "", "test_turning.py"), "test_turning.py")
    assert (heavy, long) == (40, 1)
    assert examples > 20


def test_four_consecutive_turns_run_each_test_once() -> None:
    for name in (
        "tests/gate/policy/test_place_rules.py::test_one",
        "tests/web/test_api.py::test_any[post-1]",
    ):
        assert sum(rotation.is_due(name, number) for number in range(7, 7 + rotation.TURNS)) == 1


@pytest.mark.parametrize(("change", "test", "runs"), [
    ("gate/units.py", "tests/gate/policy/test_place_rules.py", True),
    ("tests/gate/builders.py", "tests/gate/policy/test_place_rules.py", True),
    ("connectors/reddit_chats.py", "tests/journeys/test_reddit.py", True),
    ("dashboard/pages/faces.py", "tests/browser/test_faces.py", True),
    ("docs/gate.md", "tests/studio/recipes/test_style_references.py", False),
    ("tests/conftest.py", "tests/gate/policy/test_place_rules.py", False),
])  # fmt: skip
def test_tests_of_changed_modules_run(change: str, test: str, runs: bool) -> None:
    assert bool(rotation.subjects(PurePath(change)) & rotation.subjects(PurePath(test))) is runs


def test_changes_are_compared_with_the_previous_commit(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.test", *words],
            cwd=tmp_path,
            check=True,
        )

    def write(name: str) -> None:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)

    assert rotation.changed(tmp_path) == set(), "without a repository there are no changes"
    git("init", "-q")
    for name in ("gate/units.py", "studio/looks.py"):
        write(name)
        git("add", ".")
        git("commit", "-qm", name)
    write("web/doors.py")
    assert rotation.changed(tmp_path) == {"studio", "looks", "web", "doors"}

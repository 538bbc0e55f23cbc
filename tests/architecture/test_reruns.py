"""A test that fails in a parallel run is repeated alone, except a test of a guarantee."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TESTS = """
from pathlib import Path
from tests.conftest import Late, wait_until

def test_well(): pass

def test_wrong(): assert Path("mended").exists(), "wrong"

def test_never(): wait_until(lambda: Path("mended").exists(), 0)
"""


def ended(folder: Path, name: str, *words: str) -> int:
    """Run pytest with the project's conftest on `TESTS` in a file called `name`, and return the
    exit status."""
    (folder / name).write_text(TESTS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.conftest",
        "--rootdir",
        str(folder),
        *words,
        name,
    ]
    return subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, check=False
    ).returncode


@pytest.mark.parametrize(("name", "test", "status"), [
    ("test_pages.py", "test_wrong", 1), ("test_interleavings.py", "test_wrong", 9), ("test_crashes.py", "test_never", 1),
])  # fmt: skip
def test_failed_guarantee_has_a_different_exit_status(
    tmp_path: Path, name: str, test: str, status: int
) -> None:
    assert ended(tmp_path, name, "-n", "1", "-k", test) == status


def test_only_failed_tests_run_again(tmp_path: Path) -> None:
    assert ended(tmp_path, "test_pages.py", "-n", "2") == 1
    (tmp_path / "mended").touch()
    again = ("--last-failed", "--last-failed-no-failures", "none", "-n", "0")
    assert ended(tmp_path, "test_pages.py", *again) == 0
    assert ended(tmp_path, "test_pages.py", *again) == 5, "a failed test remains"


def test_every_parallel_stage_reruns_failed_tests() -> None:
    lanes = (ROOT / "Makefile").read_text("utf-8").split("\nunit-lane:")[-1].split("\nnightly:")[0]
    assert [line.rsplit(",", 1)[1] for line in lanes.splitlines() if "$(call stage" in line] == [
        "unit)", "slow)", "browser)", "chaos)",
    ]  # fmt: skip

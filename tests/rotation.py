"""Rotation of expensive tests: one run of `make test` includes a quarter of them, another with each
commit.

Tests marked `heavy` rotate by `GREENROOM_TURN`, which the Makefile sets to the number of commits,
so that four consecutive commits run all of them. Heavy tests of modules that the last commit or the
working tree changed always run. Tests marked `nightly` run in none of these runs, and Hypothesis
tries a third of its examples. Without `GREENROOM_TURN` everything runs in full.
"""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path, PurePath
from zlib import crc32

import pytest
from hypothesis import settings

TURNS = 4
FEWER, LEAST = 3, 5
"""The divisor of the number of examples, and its minimum."""

_SETTINGS = "_hypothesis_internal_use_settings"
"""Attribute in which Hypothesis stores the settings of a test. tests/architecture/test_rotation.py
fails if a new version renames it."""


def turn() -> int | None:
    """Return the number of this run, or None when everything runs."""
    given = os.environ.get("GREENROOM_TURN")
    return int(given) if given else None


def subjects(path: PurePath) -> set[str]:
    """Return the subjects of a file: its folders and the first word of its name, as in
    connectors/reddit_chats.py."""
    return {*path.parts[:-1], path.stem.removeprefix("test_").partition("_")[0]} - {
        "tests",
        "src",
        "greenroom",
    }


def changed(root: Path) -> set[str]:
    """Return the subjects of files that differ from the previous commit; empty if git fails."""
    lists = (["diff", "--name-only", "HEAD~1"], ["ls-files", "--others", "--exclude-standard"])
    try:
        told = [
            subprocess.run(["git", *one], cwd=root, capture_output=True, text=True, check=True)
            for one in lists
        ]
    except (OSError, subprocess.CalledProcessError):
        return set()
    return {
        subject
        for one in told
        for line in one.stdout.splitlines()
        for subject in subjects(PurePath(line))
    }


def is_due(nodeid: str, number: int) -> bool:
    """Return True if the test runs in this turn."""
    return (crc32(nodeid.encode()) + number) % TURNS == 0


def left_out(
    items: Iterable[pytest.Item], number: int, subjects_changed: set[str]
) -> list[pytest.Item]:
    """Return the tests that this run excludes."""
    return [
        item
        for item in items
        if item.get_closest_marker("nightly")
        or (
            item.get_closest_marker("heavy")
            and not is_due(item.nodeid, number)
            and not subjects(PurePath(item.nodeid.partition("::")[0])) & subjects_changed
        )
    ]


def try_fewer_examples(items: Iterable[pytest.Item]) -> None:
    """Divide the number of Hypothesis examples of these tests. Parameters of one test share its
    settings."""
    for test in {getattr(item, "function", None) for item in items}:
        full = getattr(test, _SETTINGS, None)
        if full and full.max_examples > LEAST:
            setattr(
                test, _SETTINGS, settings(full, max_examples=max(LEAST, full.max_examples // FEWER))
            )

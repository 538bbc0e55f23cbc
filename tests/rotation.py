"""Which expensive tests one run of `make test` includes: a quarter of them, another quarter with
each commit.

Tests marked `heavy` rotate by `GREENROOM_TURN`, which the Makefile sets to the number of commits,
so that four commits in a row run all of them. Those of what the last commit or the working tree
changed run in any case. Tests marked `nightly` run in none of these runs, and Hypothesis tries a
third of its examples. Without `GREENROOM_TURN` everything runs in full.
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
"""Examples are divided by the first, down to the second."""

_SETTINGS = "_hypothesis_internal_use_settings"
"""Where Hypothesis keeps a test's settings; tests/architecture/test_rotation.py fails when a new
version moves them."""


def turn() -> int | None:
    """The number of this run, or None when everything runs."""
    given = os.environ.get("GREENROOM_TURN")
    return int(given) if given else None


def subjects(path: PurePath) -> set[str]:
    """What a file is about: the folders it lies in and the first word of its name, as in
    connectors/reddit_chats.py."""
    return {*path.parts[:-1], path.stem.removeprefix("test_").partition("_")[0]} - {
        "tests",
        "src",
        "greenroom",
    }


def changed(root: Path) -> set[str]:
    """Subjects of what differs from the commit before the last, empty where git cannot tell."""
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
    """Whether it is this test's turn."""
    return (crc32(nodeid.encode()) + number) % TURNS == 0


def left_out(
    items: Iterable[pytest.Item], number: int, subjects_changed: set[str]
) -> list[pytest.Item]:
    """The tests that this run does without."""
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
    """Divide the examples that Hypothesis tries in these tests; parameters of one test share their
    settings."""
    for test in {getattr(item, "function", None) for item in items}:
        full = getattr(test, _SETTINGS, None)
        if full and full.max_examples > LEAST:
            setattr(
                test, _SETTINGS, settings(full, max_examples=max(LEAST, full.max_examples // FEWER))
            )

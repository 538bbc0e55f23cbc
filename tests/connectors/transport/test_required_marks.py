"""Required marks are read from the request, in the form that each platform defines."""

from typing import Any

import pytest

from connectors.contract.connector import FileRef, StepKind, WireStep
from connectors.transport import required_marks


def step(json: dict[str, Any], *names: str, **more: Any) -> WireStep:
    files = {
        f"f{number}": FileRef("a" * 64, "image/png", name) for number, name in enumerate(names)
    }
    return WireStep("create", StepKind.PUBLISH, "POST", "/x", json, files=files, **more)


def labelled(value: str) -> dict[str, Any]:
    return {"record": {"text": "x", "labels": {"values": [{"val": value}]}}}


HIDDEN, BARE = {"type": "photo", "has_spoiler": True}, {"type": "photo"}
TOLD = [
    ("adult=true", step({"adult": True}), step({"adult": False})),
    ("adult=true", step({"adult": True}), step({"flags": ["adult=true"], "text": "adult=true"})),
    ("ai=true", step({"deep": [{"ai": True}]}), step({"ai": None})),
    ("a.b.adult_content=true", step({"b": {"adult_content": True}}), step({"adult": True})),
    ("selfLabels=porn", step(labelled("porn")), step(labelled("sexual"))),
    (
        "has_spoiler=true",
        step({"has_spoiler": True}, "0.png"),
        step({"caption": "has_spoiler=true"}, "0.png"),
    ),
    (
        "has_spoiler=true",
        step({"media": [HIDDEN, HIDDEN]}, "0", "1"),
        step({"media": [HIDDEN, BARE]}, "0", "1"),
    ),
    (
        "spoiler=true",
        step({}, "SPOILER_0.png", "SPOILER_1.png"),
        step({}, "SPOILER_0.png", "1.png"),
    ),
    ("w non-empty", step({"w": "18+"}), step({"w": " "})),
    ("w non-empty", step({"w": "18+"}), step({"v": "w non-empty"})),
    ("adult=true", step({"rating_flags": ["adult=true"]}), step({"rating_flags": ["ai=true"]})),
    ("x.y=true", step({"flags": ["x.y=true"]}, to="person"), step({"flags": []}, to="person")),
]


@pytest.mark.parametrize(("flag", "whole", "without"), TOLD)
def test_required_mark_is_detected_as_present_or_missing(
    flag: str, whole: WireStep, without: WireStep
) -> None:
    assert required_marks.first_missing_mark(whole, (flag,)) == ""
    assert required_marks.first_missing_mark(without, (flag,)) == flag
    assert required_marks.first_missing_mark(without, ()) == ""


@pytest.mark.parametrize("flag", ["has_spoiler=true", "spoiler=true"])
def test_text_without_media_needs_no_spoiler_mark(flag: str) -> None:
    assert required_marks.first_missing_mark(step({"text": "hello"}), (flag,)) == ""

"""`greenroom gate check-texts`: one result per line, unreadable lines by number, and false alarm
rates."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.text_corpus import ORDINARY_TEXTS, false_alarm_rates
from gate.contract.text_marks import add_text_mark
from workers.cli.gate.text_check import MAX_LINE_BYTES, UnreadableLine, judge_lines


def said(*lines: bytes) -> list[object]:
    return [
        found.number if isinstance(found, UnreadableLine) else found
        for found in judge_lines(io.BytesIO(b"\n".join(lines)))
    ]


def line(text: str, **more: object) -> bytes:
    return json.dumps({"id": "1", "text": text, **more}).encode()


def test_each_line_gets_its_verdict() -> None:
    assert said(
        line("Good morning everybody", lang="en"),
        b"",
        line("Dzisiaj mam dla was nowe zdjęcia", id=7),
    ) == [
        {"id": "1", "rating": "G", "verdict": "A", "reasons": []},
        {"id": 7, "rating": "G", "verdict": "H", "reasons": ["TEXT_LANGUAGE_UNSUPPORTED"]},
    ]


def test_surface_decides_the_verdict() -> None:
    word = "EXPLICIT-MARKER-A"
    found = said(
        line(word), line(word, surface="telegram.bot_dm"), line("Hello", surface="nowhere.post")
    )
    assert [(each["verdict"], each["reasons"]) for each in found if isinstance(each, dict)] == [
        ("H", ["RATING_EXCEEDS_SURFACE", "TEXT_EXPLICIT_NO_FLAG"]),
        ("F", []),
        ("H", ["DESTINATION_UNKNOWN"]),
    ]


def test_kind_of_text_is_not_a_surface() -> None:
    """`caption` is a kind of text, `nowhere.post` a surface; surfaces are written with a dot or a
    slash."""
    word = "EXPLICIT-MARKER-A"
    posts = [
        line(word, surface=surface)
        for surface in ("x/post", "caption", "bio", "alt text", "title", "", "bottom")
    ]
    chats = [
        line(word, surface=surface)
        for surface in ("telegram/bot_dm", "message", "Chat", "bot reply", "bot_dm")
    ]
    found = said(*posts, *chats, line(word, surface="nowhere/post"))
    verdicts = [each["verdict"] for each in found if isinstance(each, dict)]
    assert verdicts == ["H"] * len(posts) + ["F"] * len(chats) + ["B"]


def test_unreadable_lines_are_numbered_and_the_rest_is_checked() -> None:
    bad = [
        b"no json", b"[1]", b'{"id": "1"}', b'{"text": "Hello"}', b'{"id": 1, "text": 2}', b"\xff\xfe", b"[" * 100_000,
        b'{"id": "1", "text": "\\ud800"}', b'{"id": "\\ud800", "text": "a"}', b'"' + b"a" * (MAX_LINE_BYTES * 3) + b'"',
    ]  # fmt: skip
    found = said(*bad, line("Hello"))
    assert found[:-1] == list(range(1, len(bad) + 1))
    assert found[-1] == {"id": "1", "rating": "G", "verdict": "A", "reasons": []}


class Endless(io.RawIOBase):
    """An endless stream of lines."""

    def readline(self, size: int | None = -1, /) -> bytes:
        return line("Good morning") + b"\n"


def test_lines_are_checked_as_they_arrive() -> None:
    # only `readline` of a stream is used
    told: Iterator[object] = judge_lines(Endless())  # type: ignore[arg-type]  # see above
    assert [next(told) for _ in range(3)] == [
        {"id": "1", "rating": "G", "verdict": "A", "reasons": []}
    ] * 3


def test_command_reads_a_file_or_standard_input(tmp_path: Path) -> None:
    data = line("Good morning") + b"\n{}\n" + "déjà vu".encode()
    (tmp_path / "texts.jsonl").write_bytes(data)
    command = [sys.executable, "-m", "workers.cli.main", "gate", "check-texts"]
    for done in (
        subprocess.run([*command, str(tmp_path / "texts.jsonl")], capture_output=True, check=False),
        subprocess.run(command, input=data, capture_output=True, check=False),
    ):
        assert done.returncode == 1
        assert json.loads(done.stdout) == {"id": "1", "rating": "G", "verdict": "A", "reasons": []}
        assert [told.split(":")[0] for told in done.stderr.decode().splitlines()] == [
            "line 2",
            "line 3",
        ]


def test_false_alarm_rates_stay_within_their_limits() -> None:
    for part in ("tune", "check"):
        figures = false_alarm_rates(ORDINARY_TEXTS / part)
        assert figures["holds_per_1000_messages"] <= 10
        assert figures["holds_per_100_captions"] <= 3
        assert figures["benign_block_ppm"] <= 500
        assert figures["unsupported_held_share"] >= 0.97


def test_ai_text_mark_is_reported() -> None:
    marked = add_text_mark("Good morning everybody\n\n— made with AI")
    assert said(line(marked), line(marked.replace("morning", "evening"))) == [
        {"id": "1", "rating": "G", "verdict": "A", "reasons": [], "ai_mark": True},
        {"id": "1", "rating": "G", "verdict": "H", "reasons": ["TEXT_OBFUSCATED"]},
    ]

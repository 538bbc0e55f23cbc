"""The log holds no secret and no text of an error."""

import io
import json
import logging
from contextlib import suppress
from pathlib import Path

import pytest
import structlog
from pydantic import TypeAdapter, ValidationError

from foundation.errors import Refused
from foundation.ops import telemetry


def said(monkeypatch: pytest.MonkeyPatch, **values: object) -> dict[str, object]:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    before = structlog.get_config()
    telemetry.configure_logging("test")
    try:
        telemetry.get_logger("tests").info("test.said", **values)
    finally:
        structlog.configure(**before)
        structlog.contextvars.clear_contextvars()
    found: dict[str, object] = json.loads(stream.getvalue())
    return found


@pytest.mark.parametrize(
    "key", ["token", "bot_token", "Authorization", "password", "client_secret", "api_key"]
)
def test_a_secret_by_its_name_is_hidden(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    assert said(monkeypatch, **{key: "abc"})[key] == telemetry.HIDDEN


@pytest.mark.parametrize(
    "value",
    [
        "Bearer abc.def",
        "123456789:AAHk3jsdhf83hfksjdhfkjsdhf83hfksjd",
        "redis://:hunter2@127.0.0.1/0",
        "postgresql+psycopg://greenroom_work:hunter2@127.0.0.1/x",
    ],
)
def test_a_secret_by_its_look_is_hidden(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    line = json.dumps(said(monkeypatch, detail=f"got {value}", inner={"deep": [value]}))
    assert telemetry.HIDDEN in line
    for secret in ("hunter2", "AAHk3", "abc.def"):
        assert secret not in line


def test_ids_and_names_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    line = said(monkeypatch, kind="delivery.publish", rows=3)
    assert (line["kind"], line["rows"], line["event"], line["process"]) == (
        "delivery.publish",
        3,
        "test.said",
        "test",
    )


def test_an_error_is_named_by_class_and_code() -> None:
    assert (
        telemetry.describe_error(Refused("gate.denied", why="private words"))
        == "Refused gate.denied"
    )
    assert telemetry.describe_error(ValueError("private words")) == "ValueError"


def test_an_error_is_placed_in_our_own_files() -> None:
    """Where a library noticed it helps nobody."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(int).validate_python("many")
    assert telemetry.error_location(caught.value).startswith(f"{__file__}:")


def test_a_command_hears_of_trouble_alone_and_the_house_of_all_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    with telemetry.quiet_logs():
        telemetry.get_logger("tests").info("test.usual")
        telemetry.get_logger("tests").warning("test.wrong")
    telemetry.get_logger("tests").info("test.after")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == [
        "test.wrong",
        "test.after",
    ]


def test_a_line_that_finds_a_full_disk_is_lost_and_the_work_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The line that tells what became of a post raised into the work that wrote it."""
    # its end fails as well
    full = Path("/dev/full").open("w", buffering=1, encoding="utf-8")  # noqa: SIM115  see above
    monkeypatch.setattr("sys.stderr", full)
    before = structlog.get_config()
    telemetry.configure_logging("test")
    try:
        with pytest.raises(OSError, match="No space left"):
            print("what a disk without space does", file=full)
        telemetry.get_logger("tests").info("test.said")
        logging.getLogger("library").warning("so do libraries")
    finally:
        structlog.configure(**before)
        with suppress(OSError):
            full.close()

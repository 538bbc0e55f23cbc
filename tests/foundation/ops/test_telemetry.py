"""Logs contain no secrets and no error texts."""

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
def test_secret_is_hidden_by_key(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
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
def test_secret_is_hidden_by_pattern(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    line = json.dumps(said(monkeypatch, detail=f"got {value}", inner={"deep": [value]}))
    assert telemetry.HIDDEN in line
    for secret in ("hunter2", "AAHk3", "abc.def"):
        assert secret not in line


def test_ids_and_names_are_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    line = said(monkeypatch, kind="delivery.publish", rows=3)
    assert (line["kind"], line["rows"], line["event"], line["process"]) == (
        "delivery.publish",
        3,
        "test.said",
        "test",
    )


def test_error_is_logged_by_class_and_code() -> None:
    assert (
        telemetry.describe_error(Refused("gate.denied", why="private words"))
        == "Refused gate.denied"
    )
    assert telemetry.describe_error(ValueError("private words")) == "ValueError"


def test_error_location_is_in_own_code() -> None:
    """A location inside a library does not help to find the cause."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(int).validate_python("many")
    assert telemetry.error_location(caught.value).startswith(f"{__file__}:")


def test_quiet_logs_show_warnings_only(
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


def test_log_line_on_full_disk_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Logging the result of a publication raised into the task that logged it."""
    # Closing the file fails as well.
    full = Path("/dev/full").open("w", buffering=1, encoding="utf-8")  # noqa: SIM115  see above
    monkeypatch.setattr("sys.stderr", full)
    before = structlog.get_config()
    telemetry.configure_logging("test")
    try:
        with pytest.raises(OSError, match="No space left"):
            print("fails without disk space", file=full)
        telemetry.get_logger("tests").info("test.said")
        logging.getLogger("library").warning("logged by a library")
    finally:
        structlog.configure(**before)
        with suppress(OSError):
            full.close()

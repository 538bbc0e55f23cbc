"""Telemetry: JSON log lines on stderr and Prometheus metrics, without message texts and secrets."""

import logging
import re
import secrets
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TextIO

import structlog
from prometheus_client import Counter, Histogram, Info, disable_created_metrics
from structlog.contextvars import bound_contextvars, get_contextvars, merge_contextvars

from foundation.errors import GreenroomError

# The package has no type hints. The additional `_created` series are not used.
disable_created_metrics()  # type: ignore[no-untyped-call]  # see above
NAMESPACE = "greenroom"
EVENTS_HANDLED = Counter(
    "events_total",
    "Outbox events handled, by kind and outcome",
    ["kind", "outcome"],
    namespace=NAMESPACE,
)
ROWS_CLAIMED = Counter(
    "claims_total",
    "Outbox events dispatched by the relay, by queue",
    ["queue"],
    namespace=NAMESPACE,
)
ROWS_RETURNED = Counter(
    "given_back_total", "Outbox events returned because Redis was unreachable", namespace=NAMESPACE
)
LEASES_EXPIRED = Counter(
    "leases_expired_total",
    "Outbox events dispatched again after a lost worker or message",
    namespace=NAMESPACE,
)
LANE_COLLISIONS = Counter(
    "lane_collisions_total",
    "Claims rejected by the unique index of lanes and retried",
    namespace=NAMESPACE,
)
ORPHANED_WORK = Counter(
    "orphans_total",
    "Objects that wait for a missing outbox event; must stay 0",
    ["what"],
    namespace=NAMESPACE,
)
PLATFORM_REQUEST_SECONDS = Histogram(
    "platform_request_seconds",
    "Requests to platforms, by act (stage, publish, …) and outcome (2xx, …, not_sent, lost)",
    ["platform", "act", "outcome"],
    namespace=NAMESPACE,
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
DELIVERIES_BY_STATE = Counter(
    "deliveries_total",
    "Deliveries, by the state they reached",
    ["state"],
    namespace=NAMESPACE,
)
DELIVERY_LATENESS = Histogram(
    "delivery_lateness_seconds",
    "Seconds from the scheduled time of a post to its publication",
    namespace=NAMESPACE,
    buckets=(1, 2, 5, 10, 30, 60, 300, 1800, 7200, 86400),
)
FIRST_REPLY_SECONDS = Histogram(
    "chat_first_answer_seconds",
    "Seconds from the first unanswered message of a fan to the reply, by author (bot, member)",
    ["by"],
    namespace=NAMESPACE,
    buckets=(0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600),
)
GATE_DECISIONS = Counter(
    "gate_decisions_total",
    "Decisions of the gate, by verdict",
    ["verdict"],
    namespace=NAMESPACE,
)
BUILD_INFO = Info("build", "Build of the running process", namespace=NAMESPACE)
"""Version and process name as a metric.

No metric has a tenant, creator, account or subscriber as a label: metrics are for operators.
"""

HIDDEN = "<hidden>"
_SECRET_KEY = re.compile(
    r"token|secret|password|passphrase|authorization|cookie|credential|api_?key|signing", re.I
)
_SECRET_VALUE = re.compile(
    r"Bearer\s+\S+"
    r"|\b\d{6,12}:[A-Za-z0-9_-]{30,}"  # a Telegram bot token
    r"|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_.-]+"  # a JWT
    r"|\b(?:sk|pk|ghp|xox[abp])[-_][A-Za-z0-9_-]{16,}"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # user:password in a URL
)


def _redact_entry(
    _logger: object, _method: str, entry: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    return {key: _redact_value(key, value) for key, value in entry.items()}


def _redact_value(key: str, value: object) -> object:
    if _SECRET_KEY.search(key):
        return HIDDEN
    if isinstance(value, str):
        return _SECRET_VALUE.sub(HIDDEN, value)
    if isinstance(value, dict):
        return {inner: _redact_value(str(inner), found) for inner, found in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redact_value("", found) for found in value]
    return value


_process = ""


def _name_process(
    _logger: object, _method: str, entry: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add the process name, which as a context variable would be missing in new threads."""
    if _process:
        entry.setdefault("process", _process)
    return entry


_SHARED: list[structlog.typing.Processor] = [
    merge_contextvars,
    _name_process,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    _redact_entry,
]


class _Unfailing:
    """A file whose lines may be lost, for example on a full disk, without an error."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._file.flush()


@lru_cache(maxsize=1)
def _wrap_log_stream(file: TextIO) -> _Unfailing:
    return _Unfailing(
        file
    )  # One object for all threads: structlog serializes lines by a lock per file.


def _to_stderr(*_: object) -> structlog.PrintLogger:
    return structlog.PrintLogger(
        _wrap_log_stream(sys.stderr)  # type: ignore[arg-type]  # all that print() needs of a file
    )


def configure_logging(process: str) -> None:
    """Send this process's log to stderr: JSON lines, or plain lines on a terminal."""
    global _process  # noqa: PLW0603 one name per process, set at its start
    _process = process
    last: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(default=str)
    )
    _configure_structlog(last)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(  # Libraries log through the same handler, with redaction.
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED, processors=[_drop_record, last]
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def process_name() -> str:
    """Return the name of this process in logs, metrics and connections.

    It is "" before `configure_logging`.
    """
    return _process


def _configure_structlog(last: structlog.typing.Processor) -> None:
    structlog.configure(
        processors=[*_SHARED, last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=_to_stderr,
    )


_configure_structlog(
    structlog.processors.JSONRenderer(default=str)
)  # structlog writes to stdout by default, where commands print results.


@contextmanager
def quiet_logs() -> Iterator[None]:
    """Log only warnings and errors within the block, for commands that a user watches."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    try:
        yield
    finally:
        structlog.configure(**before)


def _drop_record(
    _logger: object, _method: str, entry: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    return {key: value for key, value in entry.items() if key not in ("_record", "_from_structlog")}


def get_logger(name: str) -> Any:
    """Return a logger: `get_logger("workers.relay.claim_loop").info("relay.leading", rows=3)`.

    Event names are dotted; values are IDs and numbers.
    """
    return structlog.get_logger(source=name)


@contextmanager
def bind_log_values(**values: str | int) -> Iterator[None]:
    """Add `values` (IDs, kinds) to every log line within the block."""
    with bound_contextvars(**values):
        yield


def describe_error(error: BaseException) -> str:
    """Return class and code of an error without its text: `Refused gate.denied`, `OperationalError
    57P01`."""
    if isinstance(error, GreenroomError):
        return f"{type(error).__name__} {error.message.code}"
    return (
        f"{type(error).__name__} {getattr(getattr(error, 'orig', None), 'sqlstate', None) or ''}"
    ).strip()


def error_location(error: BaseException) -> str:
    """Return file and line of an error's innermost frame in our own code, or of all, without
    values."""
    frames = traceback.extract_tb(error.__traceback__)
    found = [one for one in frames if "site-packages" not in one.filename] or frames
    return f"{found[-1].filename}:{found[-1].lineno}" if found else ""


def trace_id() -> str:
    """Return the current trace ID, which links all effects of one cause, or a new one."""
    found = get_contextvars().get("trace")
    return found if isinstance(found, str) else secrets.token_hex(8)


def release_version() -> str:
    """Return the installed version."""
    try:
        return version("greenroom")
    except PackageNotFoundError:
        return "0+unknown"


def record_build_info() -> None:
    """Set version and process name in the metrics."""
    BUILD_INFO.info({"version": release_version(), "process": _process})

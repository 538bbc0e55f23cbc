"""Metrics and log lines of requests to platforms. Each line contains the trace ID of its cause.

They contain no ID of an account or post, no name and no text: of a path, only known segments are
logged.
"""

import re

from connectors.contract.connector import (
    Response,
    StepAnswerLost,
    StepNotSent,
    StepResult,
    WireStep,
)
from foundation.ops import telemetry

log = telemetry.get_logger("connectors.transport.transport")

_WORDS = frozenset(
    {
        "@me",
        "@original",
        "accounts",
        "api",
        "applications",
        "bot",
        "callback",
        "channels",
        "chats",
        "checkouts",
    }
    | {"commands", "comments", "containers"}
    | {
        "conversations",
        "file",
        "files",
        "gateway",
        "guilds",
        "house",
        "interactions",
        "items",
        "media",
        "media_publish",
        "messages",
    }
    | {
        "access_token",
        "metrics",
        "notifications",
        "oauth",
        "posts",
        "publish",
        "refresh_access_token",
        "refunds",
    }
    | {"statuses", "token", "updates", "upload"}
    | {"result", "sessions", "users", "webhooks", "xrpc"}
)
_VERSION = re.compile(r"v\d{1,2}(\.\d)?")
_METHOD = re.compile(
    r"(?:send|get|set|edit|copy|delete|answer|refund|create|log)[A-Z][A-Za-z]{2,30}"
)
_NAMED = re.compile(r"(?:app|chat|com)\.[a-z]+\.[a-z]+\.[A-Za-z]+(?:\.[A-Za-z]+)?")
_PLACEHOLDER = re.compile(r"\{[a-z]+\}")
_LEFT_OUT = "*"


def path_template(path: str) -> str:
    """Return the path of a step without IDs, names, secrets and query: `/api/{account}/posts/*`.

    Every segment that is not a known word is replaced, because a fan's name may look like any word.
    """
    return "/".join(
        _redact_segment(segment) for segment in path.partition("?")[0].partition("#")[0].split("/")
    )


def _redact_segment(segment: str) -> str:
    bare = _PLACEHOLDER.sub("", segment)
    known = (
        not bare
        or bare in _WORDS
        or _VERSION.fullmatch(bare)
        or _METHOD.fullmatch(bare)
        or _NAMED.fullmatch(bare)
    )
    return segment if known else _LEFT_OUT


def result_class(answer: StepResult) -> str:
    """Return the class of an answer for metrics: `2xx` … `5xx`, `not_sent`, `lost`."""
    match answer:
        case Response(status=status):
            return f"{status // 100}xx"
        case StepNotSent():
            return "not_sent"
        case StepAnswerLost():
            return "lost"


def log_request(step: WireStep, platform: str, answer: StepResult, *, seconds: float) -> None:
    """Count a request and log it. A successful poll is logged at debug level only, because there is
    one every few seconds."""
    act = "listen" if step.action == "updates" else str(step.kind)
    came = result_class(answer)
    telemetry.PLATFORM_REQUEST_SECONDS.labels(platform or "?", act, came).observe(seconds)
    say = log.debug if act == "listen" and came == "2xx" else log.info
    say(
        "platform.request",
        platform=platform or "?",
        method=step.method,
        path=path_template(step.path),
        step=step.name.partition(":")[0],
        act=act,
        status=answer.status if isinstance(answer, Response) else came,
        ms=round(seconds * 1000),
    )

"""What is said of a request to a platform: counted, and one line in the log, found by the trace of
its cause.

No id, no name and no word of it: a path is told by the words platforms write their addresses with,
the rest left out.
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
    """The path of a step without ids, names, secrets and query: `/api/{account}/posts/*`.

    What is not known to be a word of an address is left out: a fan's name looks like any word.
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
    """What came back, for counting: `2xx` … `5xx`, not_sent, lost."""
    match answer:
        case Response(status=status):
            return f"{status // 100}xx"
        case StepNotSent():
            return "not_sent"
        case StepAnswerLost():
            return "lost"


def log_request(step: WireStep, platform: str, answer: StepResult, *, seconds: float) -> None:
    """Count one request and say it; a poll that was answered is counted alone: it is one every few
    seconds."""
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

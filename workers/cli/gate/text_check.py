"""`greenroom gate check-texts`: verdicts of the gate on texts alone, without a database.

Everything except the text is assumed to be in order, so that the verdict depends on the text: the
creator and the author are known, no emergency stop is active, a second member approved the text,
the labels that the surface requires are set, its checks succeeded, the recipient of a chat message
is an adult whose age is verified, and no model wrote the text. URLs are not registered, and there
is no earlier conversation. Surfaces follow today's rules. A text with the mark of an AI-written
text is reported with `ai_mark`.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import typer
from pydantic import BaseModel, ConfigDict, StrictStr, ValidationError

from foundation.errors import BadInput
from foundation.ops.clock import wall_now
from gate.contract.facts import EvidenceSnapshot, ReviewFacts, ViewerFacts
from gate.contract.states import AssuranceState
from gate.contract.text_marks import has_text_mark
from gate.contract.units import Rating, Subject, Text, Unit
from gate.decision import unit_rules
from gate.decision.case import Case
from gate.decision.decide import Decision, decide_unit
from gate.policy.bundle import Bundle, shipped_bundle
from workers.terminal.exit_codes import ExitCode

CAPTION_SURFACE = "x.post"
MESSAGE_SURFACE = "telegram.bot_dm"
MAX_LINE_BYTES = 1024 * 1024
"""Maximum size of a line in bytes; a longer one is reported as unreadable."""


_TENANT, _CREATOR, _AUTHOR, _REVIEWER = (UUID(int=number) for number in range(1, 5))
_CHATS = ("chat", "dm", "bot_dm")
_MESSAGE = re.compile(r"chat|message|(?<![a-z])(?:dm|pm|reply|bot)(?![a-z])")
_READER = "reader"


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore")
    id: StrictStr | int
    text: StrictStr
    lang: StrictStr = ""
    surface: StrictStr = CAPTION_SURFACE


@dataclass(frozen=True)
class UnreadableLine:
    """An input line that cannot be checked: its number, from 1, and the reason."""

    number: int
    why: str


def run_text_check(file: Path | None) -> int:
    """Check the lines of a file, or of standard input, and print each result.

    Returns FAILED if a line was unreadable. Raises BadInput for a file that cannot be opened.
    """
    if file is None:
        return _print_results(sys.stdin.buffer)
    try:
        stream = file.open("rb")
    except OSError as error:
        raise BadInput("cli.log.no_file", file=str(file), detail=error.strerror or "?") from error
    with stream:
        return _print_results(stream)


def _print_results(stream: BinaryIO) -> int:
    code = ExitCode.OK
    for found in judge_lines(stream):
        if isinstance(found, UnreadableLine):
            typer.echo(f"line {found.number}: {found.why}", err=True)
            code = ExitCode.FAILED
        else:
            typer.echo(json.dumps(found, ensure_ascii=False))
    return code


def judge_lines(stream: BinaryIO) -> Iterator[Mapping[str, object] | UnreadableLine]:
    """Yield the result of each line of a stream; blank lines are skipped."""
    bundle = shipped_bundle()
    now = wall_now()
    number = 0
    while raw := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(raw) > MAX_LINE_BYTES:
            _skip_line(stream, raw)
            yield UnreadableLine(number, f"longer than {MAX_LINE_BYTES} bytes")
        elif raw.strip():
            yield _judge_line(number, raw, bundle, now)


def _skip_line(stream: BinaryIO, raw: bytes) -> None:
    while raw and not raw.endswith(b"\n"):
        raw = stream.readline(MAX_LINE_BYTES)


def _judge_line(
    number: int, raw: bytes, bundle: Bundle, now: datetime
) -> Mapping[str, object] | UnreadableLine:
    try:
        line = _Line.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "line"
        return UnreadableLine(number, f"{where}: {first['msg']}")
    decision = judge_text(
        line.text, surface=_parse_place(line.surface), language=line.lang, bundle=bundle, now=now
    )
    reasons = [str(reason) for reason in decision.reasons]
    return {
        "id": line.id,
        "rating": str(decision.rating),
        "verdict": str(decision.verdict),
        "reasons": reasons,
        **({"ai_mark": True} if has_text_mark(line.text) else {}),
    }


def _parse_place(surface: str) -> str:
    """Return the surface of a line: `x.post`, also written `x/post`.

    A single word is a kind of text (caption, bio, reply, message …): a message is checked as a chat
    message, everything else as a post.
    """
    if not surface.strip():
        return CAPTION_SURFACE
    if "." in surface or "/" in surface:
        return surface.strip().replace("/", ".")
    return MESSAGE_SURFACE if _MESSAGE.search(surface.casefold()) else CAPTION_SURFACE


def judge_text(
    text: str,
    *,
    surface: str = CAPTION_SURFACE,
    language: str = "",
    bundle: Bundle,
    now: datetime,
    assured: bool = True,
) -> Decision:
    """Return the decision on a text on a surface, with the assumptions of this module. Pure; `now`
    is UTC-aware.

    `assured` is False for a chat message whose recipient's age is unknown.
    """
    unit = _build_unit(text, surface, language)
    facts = _build_facts(unit, now, assured=assured)
    case = Case(facts, unit, bundle, now)
    flags = unit_rules.required_flags(case.row, case.rating, ai=False)
    return decide_unit(
        facts,
        replace(unit, flags=flags, seen=tuple(probe.see for probe in case.row.probes)),
        bundle,
        now,
    )


def _build_unit(text: str, surface: str, language: str) -> Unit:
    platform, _, place = surface.partition(".")
    chat = place in _CHATS
    return Unit(
        tenant_id=_TENANT,
        creator_id=_CREATOR,
        subject=Subject("draft" if chat else "delivery", UUID(int=0)),
        platform=platform,
        surface=surface,
        channel_id=UUID(int=0),
        account="account",
        audience="viewer" if chat else "public",
        texts=(Text("body", text),),
        viewer=_READER if chat else "",
        language=language,
    )


def _build_facts(unit: Unit, now: datetime, *, assured: bool) -> EvidenceSnapshot:
    known = ViewerFacts(
        AssuranceState.ASSURED, "L4", True, False, "default", now + timedelta(days=1), 0
    )
    return EvidenceSnapshot(
        tenant_id=unit.tenant_id,
        author=f"member:{_AUTHOR}",
        author_principal=_AUTHOR,
        ceiling=Rating.E,
        viewer=known if unit.viewer and assured else None,
        reviews=(ReviewFacts(_REVIEWER, True, 100, now),),
    )

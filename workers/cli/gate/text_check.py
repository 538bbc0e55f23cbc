"""`greenroom gate check-texts`: what the safety check says of texts, line by line, without a
database.

Assumed of everything but the words, so that the verdict is the words' own: the creator and the
author are known and no stop is closed; another person approved the text; the marks a place asks for
are set; what must be seen at the place was seen; the one reader of a chat message is an adult whose
age is assured; no model wrote it. Addresses are not registered, and nothing was said before. Places
are judged by the rules as they stand today. A text that carries the mark of one that a model wrote
here is reported with `ai_mark`.
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

from foundation.ops.clock import wall_now
from gate.contract.facts import EvidenceSnapshot, ReviewFacts, ViewerFacts
from gate.contract.states import AssuranceState
from gate.contract.text_marks import has_text_mark
from gate.contract.units import Rating, Subject, Text, Unit
from gate.decision import unit_rules
from gate.decision.case import Case
from gate.decision.decide import Decision, decide_unit
from gate.policy.bundle import Bundle, shipped_bundle

CAPTION_SURFACE = "x.post"
MESSAGE_SURFACE = "telegram.bot_dm"
MAX_LINE_BYTES = 1024 * 1024
"""Bytes; a longer line is reported, not judged."""


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
    """A line that is no text to judge: its number, from 1, and why."""

    number: int
    why: str


def run_text_check(file: Path | None) -> int:
    """Judge the lines of a file, standard input when there is none, and print each; 1 when a line
    was unreadable."""
    if file is None:
        return _print_results(sys.stdin.buffer)
    with file.open("rb") as stream:
        return _print_results(stream)


def _print_results(stream: BinaryIO) -> int:
    """Print what each line came to, as it comes; 1 when a line could not be read."""
    code = 0
    for found in judge_lines(stream):
        if isinstance(found, UnreadableLine):
            typer.echo(f"line {found.number}: {found.why}", err=True)
            code = 1
        else:
            typer.echo(json.dumps(found, ensure_ascii=False))
    return code


def judge_lines(stream: BinaryIO) -> Iterator[Mapping[str, object] | UnreadableLine]:
    """What the check says of each line of a stream, one at a time; blank lines are skipped."""
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
    """The place a line names: `x.post`, also `x/post`. A word alone says what kind of text it is
    (caption, bio, reply, message …), not where it goes: a message then goes to a reader, everything
    else is a post."""
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
    """The decision about a text alone at a place, all else in order as told above. Pure; `now` is
    UTC-aware.

    `assured` says whether the age of a chat message's reader is known.
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

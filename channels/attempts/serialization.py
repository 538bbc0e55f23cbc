"""Stored JSON forms of units, responses, outcomes and lookup results."""

import base64
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, assert_never
from uuid import UUID

from connectors.contract.connector import Response, StepAnswerLost, StepNotSent, StepResult
from connectors.contract.outcomes import (
    Absent,
    Disconnected,
    Failed,
    Found,
    LookupResult,
    Outcome,
    Processing,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from foundation.canonical_json import to_storable_json
from foundation.i18n.translation import Message
from foundation.money import Money
from foundation.sealed import Sealed
from gate.contract.units import (
    Button,
    Invoice,
    LinkReplacement,
    Medium,
    PlatformOption,
    Reference,
    Subject,
    Text,
    Unit,
    UnitPart,
)

StoredJson = dict[str, Any]
"""A JSON object as stored in PostgreSQL. Only this module interprets it."""


def unit_to_json(unit: Unit) -> StoredJson:
    """Return the stored form of a unit, which is needed to resume an attempt and to look it up."""
    plain = asdict(unit)
    ids = {name: str(plain[name]) for name in ("tenant_id", "creator_id", "channel_id")}
    return {**plain, **ids, "subject": {"kind": unit.subject.kind, "id": str(unit.subject.id)}}


def unit_from_json(stored: Mapping[str, Any]) -> Unit:
    """Return the unit that `unit_to_json` stored, with the same digest."""
    ids = {name: UUID(stored[name]) for name in ("tenant_id", "creator_id", "channel_id")}
    parts = {
        "subject": Subject(stored["subject"]["kind"], UUID(stored["subject"]["id"])),
        "texts": tuple(Text(**text) for text in stored["texts"]),
        "media": tuple(Medium(**medium) for medium in stored["media"]),
        "buttons": tuple(Button(**button) for button in stored["buttons"]),
        "invoice": Invoice(**stored["invoice"]) if stored["invoice"] else None,
        "flags": tuple(stored["flags"]),
        "references": tuple(Reference(**each) for each in stored.get("references", ())),
        "leads": tuple(LinkReplacement(**each) for each in stored.get("leads", ())),
        "before": tuple(_part_from_json(part) for part in stored.get("before", ())),
        "price": Money(**stored["price"]) if stored.get("price") else None,
        "options": tuple(
            PlatformOption(**{**one, "values": tuple(one["values"])})
            for one in stored.get("options", ())
        ),
        "seen": tuple(stored["seen"]) if stored.get("seen") is not None else None,
    }
    return Unit(**{**stored, **ids, **parts})


def _part_from_json(stored: Mapping[str, Any]) -> UnitPart:
    texts = tuple(Text(**text) for text in stored["texts"])
    return UnitPart(texts, tuple(Medium(**medium) for medium in stored["media"]))


def answer_to_json(answer: StepResult) -> StoredJson:
    """Return the stored form of a response. Its secrets are sealed already."""
    match answer:
        case StepNotSent(step=step, detail=detail):
            return {"type": "not_sent", "step": step, "detail": detail}
        case StepAnswerLost(step=step, detail=detail):
            return {"type": "lost", "step": step, "detail": detail}
        case Response():
            sealed = {
                name: base64.b64encode(secret.box).decode()
                for name, secret in answer.sealed.items()
            }
            return {
                "type": "response",
                "step": answer.step,
                "status": answer.status,
                "headers": to_storable_json(dict(answer.headers)),
                "body": to_storable_json(answer.body),
                "sealed": sealed,
            }
        case _:
            assert_never(answer)


def answer_from_json(stored: Mapping[str, Any]) -> StepResult:
    """Return the response that `answer_to_json` stored."""
    if stored["type"] == "not_sent":
        return StepNotSent(stored["step"], stored["detail"])
    if stored["type"] == "lost":
        return StepAnswerLost(stored["step"], stored["detail"])
    sealed = {name: Sealed(base64.b64decode(box)) for name, box in stored["sealed"].items()}
    return Response(stored["step"], stored["status"], stored["headers"], stored["body"], sealed)


def outcome_to_json(outcome: Outcome) -> StoredJson:
    """Return the stored form of an outcome; `outcome_name` is its kind, `outcome_reason` its
    reason."""
    match outcome:
        case Published(native_id=native_id, url=url, at=at, files=files):
            named = {"files": list(files)} if files else {}
            return {
                "native_id": native_id,
                "url": url,
                "at": at.isoformat() if at else None,
                **named,
            }
        case Processing(poll_token=token, by_hand=by_hand):
            return {"poll_token": token, "by_hand": by_hand}
        case Retry(after=after, scope=scope):
            gone = {"uploads_gone": True} if outcome.uploads_gone else {}
            return {"after": after.total_seconds(), "scope": scope, **gone}
        case Rejected(permanent=permanent):
            return {"permanent": permanent}
        case Reauthorize() | Disconnected() | Uncertain():
            return {}
        case _:
            assert_never(outcome)


def outcome_name(outcome: Outcome | LookupResult) -> str:
    """Return the kind of an outcome (published, processing, retry, rejected, reauthorize,
    disconnected, uncertain) or lookup result (found, absent, unknown, failed)."""
    return type(outcome).__name__.lower()


def outcome_reason(outcome: Outcome | LookupResult) -> Message | None:
    """Return the reason of an outcome, or None."""
    return getattr(outcome, "reason", None)


def outcome_from_json(
    name: str, result: Mapping[str, Any], detail: Mapping[str, Any] | None
) -> Outcome:
    """Return the stored outcome.

    Raises KeyError for a name that is not an outcome (`staged`, `superseded`).
    """
    reason = Message.from_json(detail) if detail else Message("attempt.unexplained")
    made: dict[str, Any] = {
        "published": lambda: Published(
            result["native_id"],
            result["url"],
            _parse_instant(result["at"]),
            tuple(result.get("files", ())),
        ),
        "processing": lambda: Processing(result["poll_token"], bool(result.get("by_hand"))),
        "retry": lambda: Retry(
            timedelta(seconds=result["after"]),
            result["scope"],
            reason,
            result.get("uploads_gone", False),
        ),
        "rejected": lambda: Rejected(reason, result["permanent"]),
        "reauthorize": lambda: Reauthorize(reason),
        "disconnected": lambda: Disconnected(reason),
        "uncertain": lambda: Uncertain(reason),
    }
    outcome: Outcome = made[name]()
    return outcome


def sighting_to_json(sighting: LookupResult) -> StoredJson:
    """Return the stored form of a lookup result."""
    match sighting:
        case Found(native_id=native_id, url=url, at=at):
            return {"native_id": native_id, "url": url, "at": at.isoformat() if at else None}
        case Failed(again=timedelta() as again):
            return {"again": again.total_seconds()}
        case Absent(confirmed=True):
            return {"confirmed": True}
        case Absent() | Unknown() | Failed():
            return {}
        case _:
            assert_never(sighting)


def sighting_from_json(
    name: str, result: Mapping[str, Any], detail: Mapping[str, Any] | None
) -> LookupResult:
    """Return the lookup result that `sighting_to_json` stored."""
    if name == "found":
        return Found(result["native_id"], result["url"], _parse_instant(result["at"]))
    if name == "absent":
        return Absent(confirmed=bool(result.get("confirmed")))
    reason = Message.from_json(detail) if detail else Message("attempt.unexplained")
    again = timedelta(seconds=result["again"]) if "again" in result else None
    return Failed(reason, again) if name == "failed" else Unknown(reason)


def _parse_instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

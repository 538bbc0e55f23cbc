"""What the days ahead would bring, said at the terminal: nothing is sent, written or asked of anybody."""

import json
from collections.abc import Collection
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from foundation.database import Scope
from foundation.words import Message, say
from schedules import outlook
from schedules.outlook import Outlook
from tenants import reads as tenant_reads
from tenants.scope import all_tenants
from workers.day import find
from workers.terminal import sentence
from workers.visiting import at_home
from workers.wiring import Services

REHEARSING = "system:rehearse"
RULE = "─" * 60


def rehearse(creator: str, *, days: int, agency: str, as_json: bool) -> str:
    """The days ahead of a creator, or of everybody here, as text or as one JSON object.

    Raises NotFound for a creator nobody knows, BadInput for days nobody can look at.
    """
    with at_home("rehearse") as services:
        found = _found(services, creator, days=days, agency=agency)
    return json.dumps(plain(found), indent=2) if as_json else "\n\n".join(said(name, one) for name, one in found)


def _found(services: Services, creator: str, *, days: int, agency: str) -> list[tuple[str, Outlook]]:
    """The outlook of each agency, by its name."""
    if creator:
        tenant_id, one = find(services, creator, agency)
        with services.tenant(tenant_id, REHEARSING) as scope:
            return [(one.name, _ahead(services, scope, [one.id], days))]
    outlooks = []
    for tenant_id in all_tenants(services.tenant):
        with services.tenant(tenant_id, REHEARSING) as scope:
            name = tenant_reads.agency(scope).name
            if not agency or name.casefold() == agency.casefold():
                creators = [one.id for one in tenant_reads.creators(scope)]
                outlooks.append((name, _ahead(services, scope, creators, days)))
    return outlooks


def _ahead(services: Services, scope: Scope, creators: Collection[UUID], days: int) -> Outlook:
    return outlook.outlook(scope, creators, days=days, connectors=services.connectors)


def said(name: str, found: Outlook) -> str:
    """An outlook in sentences, in the language of the terminal."""
    lines = [f"{name}\n{RULE}", _head(found)]
    for one in found.ahead:
        at = one.due_at.astimezone(ZoneInfo(one.zone))
        mark = "○" if one.dry else "✓" if one.trouble is None else "✗"
        why = sentence(Message("rehearsal.only")) if one.dry else sentence(one.trouble) if one.trouble else ""
        text = " ".join(one.words.split())
        lines.append(f"  {mark} {at:%d/%m %H:%M}  {one.account:<20} {text[:40]:<40} {why}".rstrip())
        lines += [f"      {sentence(more)}" for more in one.also]
    for near in found.collisions:
        told: dict[str, str | int] = {"account": near.account, "minutes": int(near.apart.total_seconds()) // 60}
        lines.append(f"  ! {sentence(Message('rehearsal.collision', told))}")
    for held in found.budgets:
        if held.why is not None and held.until is not None:
            until = held.until.astimezone(UTC)
            lines.append(f"  ! {held.account}: {sentence(held.why)} ({until:%d/%m %H:%M} UTC, {held.ahead})")
    lines += [f"  ! {one.at:%d/%m}  {sentence(one.what)}" for one in found.endings]
    return "\n".join(lines)


def _head(found: Outlook) -> str:
    counts = {"days": found.days, "leaving": len(found.leaving), "all": len(found.ahead) + found.more}
    return sentence(Message("rehearsal.head", counts))


def plain(found: list[tuple[str, Outlook]]) -> list[dict[str, object]]:
    """Outlooks as JSON says them: instants in UTC, spans in seconds, reasons as codes with their English sentence."""
    return [{"name": name, "leaving": len(one.leaving), **_fields(one)} for name, one in found]


def _fields(value: object) -> dict[str, object]:
    return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}  # type: ignore[arg-type]  # ours


def _plain(value: object) -> object:
    match value:
        case Message():
            return {"code": value.code, "says": say(value, "en")}
        case datetime():
            return value.astimezone(UTC).isoformat()
        case timedelta():
            return value.total_seconds()
        case list() | tuple():
            return [_plain(one) for one in value]
        case UUID():
            return str(value)
        case _ if is_dataclass(value):
            return _fields(value)
        case _:
            return value

"""What the days ahead would bring, said at the terminal: nothing is sent, written or asked of
anybody."""

import json
from collections.abc import Collection
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from foundation.db.database import Scope
from foundation.i18n.translation import Message, render_message
from schedules.calendar import publishing_forecast
from schedules.calendar.publishing_forecast import PublishingForecast
from tenants.agencies import queries
from tenants.scope import list_tenant_ids
from workers.terminal.lookup import find_creator
from workers.terminal.output import translate
from workers.terminal.session import connect_installation
from workers.wiring import Services

DRY_RUN_ACTOR = "system:rehearse"
RULE = "─" * 60


def render_dry_run(creator: str, *, days: int, agency: str, as_json: bool) -> str:
    """The days ahead of a creator, or of everybody here, as text or as one JSON object.

    Raises NotFound for a creator nobody knows, BadInput for days nobody can look at.
    """
    with connect_installation("dry-run") as services:
        found = _list_forecasts(services, creator, days=days, agency=agency)
    return (
        json.dumps(forecast_as_json(found), indent=2)
        if as_json
        else "\n\n".join(format_forecast(name, one) for name, one in found)
    )


def _list_forecasts(
    services: Services, creator: str, *, days: int, agency: str
) -> list[tuple[str, PublishingForecast]]:
    """The outlook of each agency, by its name."""
    if creator:
        tenant_id, one = find_creator(services, creator, agency)
        with services.tenant(tenant_id, DRY_RUN_ACTOR) as scope:
            return [(one.name, _forecast_publishing(services, scope, [one.id], days))]
    outlooks = []
    for tenant_id in list_tenant_ids(services.tenant):
        with services.tenant(tenant_id, DRY_RUN_ACTOR) as scope:
            name = queries.get_agency(scope).name
            if not agency or name.casefold() == agency.casefold():
                creators = [one.id for one in queries.list_creators(scope)]
                outlooks.append((name, _forecast_publishing(services, scope, creators, days)))
    return outlooks


def _forecast_publishing(
    services: Services, scope: Scope, creators: Collection[UUID], days: int
) -> PublishingForecast:
    return publishing_forecast.forecast_publishing(
        scope, creators, days=days, connectors=services.connectors
    )


def format_forecast(name: str, found: PublishingForecast) -> str:
    """An outlook in sentences, in the language of the terminal."""
    lines = [f"{name}\n{RULE}", _format_heading(found)]
    for one in found.ahead:
        at = one.due_at.astimezone(ZoneInfo(one.zone))
        if one.dry:
            mark, why = "○", translate(Message("rehearsal.only"))
        elif one.trouble is not None:
            mark, why = "✗", translate(one.trouble)
        else:
            mark, why = "✓", ""
        text = " ".join(one.words.split())
        lines.append(f"  {mark} {at:%d/%m %H:%M}  {one.account:<20} {text[:40]:<40} {why}".rstrip())
        lines += [f"      {translate(more)}" for more in one.also]
    for near in found.collisions:
        told: dict[str, str | int] = {
            "account": near.account,
            "minutes": int(near.apart.total_seconds()) // 60,
        }
        lines.append(f"  ! {translate(Message('rehearsal.collision', told))}")
    for held in found.budgets:
        if held.why is not None and held.until is not None:
            until = held.until.astimezone(UTC)
            lines.append(
                f"  ! {held.account}: {translate(held.why)} ({until:%d/%m %H:%M} UTC, {held.ahead})"
            )
    lines += [f"  ! {one.at:%d/%m}  {translate(one.what)}" for one in found.endings]
    return "\n".join(lines)


def _format_heading(found: PublishingForecast) -> str:
    counts = {
        "days": found.days,
        "leaving": len(found.publishing_entries),
        "all": len(found.ahead) + found.more,
    }
    return translate(Message("rehearsal.head", counts))


def forecast_as_json(found: list[tuple[str, PublishingForecast]]) -> list[dict[str, object]]:
    """Outlooks as JSON says them: instants in UTC, spans in seconds, reasons as codes with their
    English sentence."""
    return [
        {"name": name, "leaving": len(one.publishing_entries), **_fields_to_dict(one)}
        for name, one in found
    ]


def _fields_to_dict(value: object) -> dict[str, object]:
    # ours
    return {each.name: _to_plain_value(getattr(value, each.name)) for each in fields(value)}  # type: ignore[arg-type]  # see above


def _to_plain_value(value: object) -> object:
    match value:
        case Message():
            return {"code": value.code, "says": render_message(value, "en")}
        case datetime():
            return value.astimezone(UTC).isoformat()
        case timedelta():
            return value.total_seconds()
        case list() | tuple():
            return [_to_plain_value(one) for one in value]
        case UUID():
            return str(value)
        case _ if is_dataclass(value):
            return _fields_to_dict(value)
        case _:
            return value

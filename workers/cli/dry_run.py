"""`greenroom dry-run`: the posts of the next days and what would stop them. Sends and writes
nothing."""

from collections.abc import Collection
from datetime import UTC
from uuid import UUID
from zoneinfo import ZoneInfo

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.calendar import publishing_forecast
from schedules.calendar.publishing_forecast import ForecastEntry, PublishingForecast
from tenants.agencies import queries
from tenants.scope import list_tenant_ids
from workers.terminal.lookup import find_creator
from workers.terminal.output import translate
from workers.terminal.session import connect_installation
from workers.terminal.tables import format_json, format_table, plain_fields
from workers.wiring import Services

DRY_RUN_ACTOR = "system:rehearse"
MAX_TEXT_CHARACTERS = 40
"""Maximum number of characters of a post's text in the table."""


def render_dry_run(creator: str, *, days: int, agency: str, as_json: bool) -> str:
    """Return the forecast of a creator, or of every agency, as text or JSON.

    Raises NotFound for an unknown creator, BadInput for a number of days out of range.
    """
    with connect_installation("dry-run") as services:
        found = _list_forecasts(services, creator, days=days, agency=agency)
    return (
        format_json(forecast_as_json(found))
        if as_json
        else "\n\n".join(format_forecast(name, one) for name, one in found)
    )


def _list_forecasts(
    services: Services, creator: str, *, days: int, agency: str
) -> list[tuple[str, PublishingForecast]]:
    """Return the name and forecast of the creator, or of each agency."""
    if creator:
        tenant_id, one = find_creator(services, creator, agency)
        with services.tenant(tenant_id, DRY_RUN_ACTOR) as scope:
            return [(one.name, _forecast_publishing(services, scope, [one.id], days))]
    forecasts = []
    for tenant_id in list_tenant_ids(services.tenant):
        with services.tenant(tenant_id, DRY_RUN_ACTOR) as scope:
            name = queries.get_agency(scope).name
            if not agency or name.casefold() == agency.casefold():
                creators = [one.id for one in queries.list_creators(scope)]
                forecasts.append((name, _forecast_publishing(services, scope, creators, days)))
    return forecasts


def _forecast_publishing(
    services: Services, scope: Scope, creators: Collection[UUID], days: int
) -> PublishingForecast:
    return publishing_forecast.forecast_publishing(
        scope, creators, days=days, connectors=services.connectors
    )


def format_forecast(name: str, found: PublishingForecast) -> str:
    """Return a forecast as a heading, a table of posts and warnings, in the terminal's language."""
    parts = [f"{name}: {_format_heading(found)}"]
    if found.ahead:
        rows = [_format_row(entry) for entry in found.ahead]
        parts.append(format_table(("", "time", "channel", "text", "problem"), rows))
    if warnings := _format_warnings(found):
        parts.append("\n".join(f"! {warning}" for warning in warnings))
    return "\n\n".join(parts)


def _format_row(entry: ForecastEntry) -> tuple[str, ...]:
    if entry.dry:
        mark, problems = "○", [Message("rehearsal.only")]
    elif entry.trouble is not None:
        mark, problems = "✗", [entry.trouble]
    else:
        mark, problems = "✓", []
    at = entry.due_at.astimezone(ZoneInfo(entry.zone))
    text = " ".join(entry.words.split())[:MAX_TEXT_CHARACTERS]
    details = " ".join(translate(one) for one in [*problems, *entry.also])
    return mark, f"{at:%Y-%m-%d %H:%M}", entry.account, text, details


def _format_warnings(found: PublishingForecast) -> list[str]:
    """Return a line for each collision, each exhausted budget and each expiry."""
    warnings = []
    for near in found.collisions:
        params: dict[str, str | int] = {
            "account": near.account,
            "minutes": int(near.apart.total_seconds()) // 60,
        }
        warnings.append(translate(Message("rehearsal.collision", params)))
    for held in found.budgets:
        if held.why is not None and held.until is not None:
            until = held.until.astimezone(UTC)
            warnings.append(
                f"{held.account}: {translate(held.why)} ({until:%Y-%m-%d %H:%M} UTC, {held.ahead})"
            )
    warnings += [f"{one.at:%Y-%m-%d}: {translate(one.what)}" for one in found.endings]
    return warnings


def _format_heading(found: PublishingForecast) -> str:
    counts = {
        "days": found.days,
        "leaving": len(found.publishing_entries),
        "all": len(found.ahead) + found.more,
    }
    return translate(Message("rehearsal.head", counts))


def forecast_as_json(found: list[tuple[str, PublishingForecast]]) -> list[dict[str, object]]:
    """Return forecasts as JSON types: instants in UTC, durations in seconds, reasons as codes with
    their English text."""
    return [
        {"name": name, "leaving": len(one.publishing_entries), **plain_fields(one)}
        for name, one in found
    ]

"""Queries of alerts: those that a member may see, with their remedies, and the rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dashboard.pages.home.attention_items import ALERT_REMEDIES
from dashboard.pages.posts.remedies import can_open_page
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.money import Money
from insights.alerts import alerts, rules
from insights.alerts.alerts import Alert
from insights.alerts.rules import AlertRule
from tenants.agencies.agency_settings import get_agency_settings
from tenants.agencies.queries import Creator, Member, list_visible_creators, names_by_actor


@dataclass(frozen=True)
class AlertItem:
    """An alert on screen. `href` is the page that resolves it, with the text code `to` of the link;
    both are empty if the member may not open it. `seen` and `expected` are amounts or numbers."""

    alert: Alert
    message: Message
    seen: Money | int
    expected: Money | int | None
    acknowledged_by: str
    href: str
    to: str


@dataclass(frozen=True)
class AlertsView:
    """The alerts of a member, newest first, and the rules about the agency and their creators.

    `is_limited` is True for a member who works for some of the agency's creators only.
    """

    opened: Sequence[AlertItem]
    closed: Sequence[AlertItem]
    rules: Sequence[AlertRule]
    creators: Sequence[Creator]
    currency: str
    now: datetime
    is_limited: bool


def load_alerts(scope: Scope, member: Member) -> AlertsView:
    """Return the open alerts of a member, and those that were closed recently."""
    creators = list_visible_creators(scope, member)
    names = {one.id: one.name for one in creators}
    people = names_by_actor(scope)
    opened = alerts.list_alerts(scope, member, creators)
    closed = alerts.list_alerts(scope, member, creators, closed=True)
    return AlertsView(
        [_build_item(one, names, people, member) for one in opened],
        [_build_item(one, names, people, member) for one in closed],
        [one for one in rules.list_rules(scope) if one.settings.creator_id in (None, *names)],
        creators,
        get_agency_settings(scope).currency,
        scope.now,
        bool(member.creators),
    )


def _build_item(
    one: Alert, names: Mapping[UUID, str], people: Mapping[str, str], member: Member
) -> AlertItem:
    href, to = ALERT_REMEDIES[one.cause.partition(":")[0]]
    if not can_open_page(member, href):
        href = to = ""
    name = names.get(one.creator_id, "") if one.creator_id is not None else ""
    return AlertItem(
        one,
        alerts.describe_alert(one, name),
        _in_unit(one, one.seen),
        None if one.expected is None else _in_unit(one, one.expected),
        people.get(one.acknowledged_by, ""),
        href,
        to,
    )


def _in_unit(one: Alert, value: int) -> Money | int:
    return Money(value, one.currency) if one.currency else value

"""Platforms whose rules must be read again: when content stops, and the warnings before."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID
from gate.contract.units import Rating
from gate.policy import active_policy
from gate.policy.bundle import GRACE, Bundle
from gate.policy.queries import list_confirmations
from gate.reviews.events import RuleReminderDue
from gate.reviews.platform_confirmations import WARNING_PERIOD, platform_pages
from tenants.agencies import queries
from tenants.notices import notices
from tenants.notices.queries import list_open_notices
from tenants.scope import list_tenant_ids

ACTOR = "system:rules"
STEPS = (7, 30, 60)
"""Days before the last day of a rule on which the members are notified, nearest first."""

CAUSE = "rules"
AgencyPlaces = Callable[[Scope], Iterable[tuple[str, str]]]
"""Returns the platforms and surfaces on which an agency posts and chats."""


@dataclass(frozen=True)
class DuePlatform:
    """A platform whose rules an owner can confirm, from 60 days before the last day for which they
    were read."""

    platform: str
    places: tuple[str, ...]
    """The rules for destinations of the agency, of which the first reaches its last day."""
    urls: tuple[str, ...]
    last: date
    days: int
    """Days until the last day; negative after it."""
    today: date
    read_on: date
    """The day on which the first of its rules was read for the policy."""

    def last_day_of(self, rating: Rating) -> date:
        """Return the last day on which content with a rating continues without a confirmation."""
        return self.last + GRACE[rating]

    def days_left(self, rating: Rating) -> int:
        """Return the days for which content with a rating continues; negative once it is held."""
        return (self.last_day_of(rating) - self.today).days

    @property
    def held_ratings(self) -> tuple[Rating, ...]:
        """Return the ratings that are held."""
        return tuple(rating for rating in GRACE if self.days_left(rating) < 0)


def list_due_platforms(scope: Scope, places: Iterable[tuple[str, str]]) -> list[DuePlatform]:
    """Return the platforms of these destinations whose rules must be confirmed, the first to end
    first."""
    rules = active_policy.current_bundle(scope)
    today = scope.now.date()
    soon = today + WARNING_PERIOD + timedelta(days=1)
    names = sorted({name for place in set(places) for name in rules.overdue_rows(*place, on=soon)})
    platforms = sorted({rules.rows[name].platform for name in names})
    confirmations = list_confirmations(scope, platforms)
    found = []
    for platform in platforms:
        ours = tuple(name for name in names if rules.rows[name].platform == platform)
        ends = (rules.last_day(rules.rows[name], today, confirmations) for name in ours)
        last = min(day for day in ends if day is not None)
        if last - today <= WARNING_PERIOD:
            found.append(_build_due_platform(rules, platform, ours, last, today))
    return sorted(found, key=lambda due: (due.last, due.platform))


def _build_due_platform(
    rules: Bundle, platform: str, places: tuple[str, ...], last: date, today: date
) -> DuePlatform:
    urls = platform_pages(rules, platform)
    read_on = min(rules.rows[name].checked_on or last for name in places)
    return DuePlatform(platform, places, urls, last, (last - today).days, today, read_on)


def send_rule_reminders(event: RuleReminderDue, *, tenant: OpenScope, places: AgencyPlaces) -> None:
    """Notify each agency of the platforms to confirm, one step at a time, and daily afterwards.

    Also store the shipped rules, so that decisions can be reproduced after the next update.
    """
    with tenant(INSTALLATION_ID, ACTOR) as scope:
        active_policy.store_shipped_bundle(scope)
    for tenant_id in list_tenant_ids(tenant):
        with tenant(tenant_id, ACTOR) as scope:
            if not queries.get_agency(
                scope
            ).demo:  # The demo agency has a scripted day and no real destination.
                put_rule_notices(scope, list_due_platforms(scope, places(scope)))


def put_rule_notices(scope: Scope, due: Iterable[DuePlatform]) -> None:
    """Create one notice per platform and step, and close those of earlier steps."""
    wanted = dict(_build_notice(platform) for platform in due)
    for notice in list_open_notices(scope, limit=1000):
        if notice.cause.startswith(f"{CAUSE}:") and notice.cause not in wanted:
            notices.close(scope, notice.cause)
    for cause, message in wanted.items():
        # A notice that a member dismissed does not return before the next step.
        if not notices.has_been_notified(scope, cause):
            notices.put(scope, message, cause=cause)


def _build_notice(due: DuePlatform) -> tuple[str, Message]:
    """Return the cause and the message of the warning about a platform."""
    named: dict[str, str | int] = {"platform": f"platform.{due.platform}"}
    if due.days >= 0:
        step = next((step for step in STEPS if due.days <= step), max(STEPS))
        return f"{CAUSE}:{due.platform}:{due.last}:{step}", Message(
            "rule.due", {**named, "days": due.days}
        )
    cause = f"{CAUSE}:{due.platform}:{due.last}:{due.today}"
    if Rating.S in due.held_ratings:
        return cause, Message("rule.holds_suggestive", named)
    suggestive = due.days_left(Rating.S)
    if due.held_ratings:
        return cause, Message("rule.holds_adult", {**named, "days": suggestive})
    adult = due.days_left(Rating.N)
    return cause, Message("rule.overdue", {**named, "adult": adult, "days": suggestive})

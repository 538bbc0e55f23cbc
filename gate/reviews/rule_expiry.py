"""Expiring rules: the affected destinations, the notices, and the pending verifications."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID
from gate.policy import active_policy
from gate.policy.queries import rule_verifications
from gate.reviews import rule_verification
from gate.reviews.events import RuleReminderDue
from gate.reviews.rule_verification import PendingVerification
from tenants.agencies import queries
from tenants.notices import notices
from tenants.notices.queries import list_open_notices
from tenants.scope import list_tenant_ids

ACTOR = "system:rules"
STEPS = (7, 14, 30)
"""Days before a rule expires on which the members are notified, nearest first."""

CAUSE = "rules"
AgencyPlaces = Callable[[Scope], Iterable[tuple[str, str]]]
"""Returns the platforms and surfaces on which an agency posts and chats."""


@dataclass(frozen=True)
class ExpiringRule:
    """A rule that has expired or expires within a month. `last` is its last valid day."""

    name: str
    urls: tuple[str, ...]
    last: date
    days: int
    """Days until the last valid day; negative if the rule has expired."""
    waiting: PendingVerification | None


def list_expiring_rules(scope: Scope, places: Iterable[tuple[str, str]]) -> list[ExpiringRule]:
    """Return the rules of these destinations that have expired or expire within a month, earliest
    first."""
    rules = active_policy.current_bundle(scope)
    today = scope.now.date()
    soon = today + timedelta(days=max(STEPS) + 1)
    names = sorted({name for place in set(places) for name in rules.overdue_rows(*place, on=soon)})
    read = rule_verifications(scope, tuple(names)) if names else ()
    found = []
    for name in names:
        row = rules.rows[name]
        if row.review_by is None:
            continue
        held = [
            one.until - timedelta(days=1)
            for one in read
            if one.row == name and rules.is_verification_valid(one, today)
        ]
        last = max([row.review_by, *held])
        urls = tuple(url for url in row.source_url if url.startswith("https://"))
        days = (last - today).days
        if days <= max(STEPS):
            found.append(
                ExpiringRule(
                    name, urls, last, days, rule_verification.find_pending_verification(scope, row)
                )
            )
    return sorted(found, key=lambda one: (one.last, one.name))


def send_rule_reminders(event: RuleReminderDue, *, tenant: OpenScope, places: AgencyPlaces) -> None:
    """Notify each agency of expiring rules for its destinations, one step at a time.

    Also store the shipped rules, so that decisions can be reproduced after the next update.
    """
    with tenant(INSTALLATION_ID, ACTOR) as scope:
        active_policy.store_shipped_bundle(scope)
    for tenant_id in list_tenant_ids(tenant):
        with tenant(tenant_id, ACTOR) as scope:
            if not queries.get_agency(
                scope
            ).demo:  # The demo agency has a scripted day and no real destination.
                put_rule_notices(scope, list_expiring_rules(scope, places(scope)))


def put_rule_notices(scope: Scope, found: Iterable[ExpiringRule]) -> None:
    """Create one notice per expiry date and step, and close those of earlier steps."""
    wanted: dict[str, Message] = {}
    for one in found:
        step = next((step for step in STEPS if one.days <= step), max(STEPS))
        cause = f"{CAUSE}:{one.last}:{step if one.days >= 0 else 'past'}"
        code = "rule.past" if one.days < 0 else "rule.ages"
        count = int(wanted[cause].params["count"]) + 1 if cause in wanted else 1
        wanted[cause] = Message(
            code, {"count": count} if one.days < 0 else {"count": count, "days": step}
        )
    for notice in list_open_notices(scope, limit=1000):
        if notice.cause.startswith(f"{CAUSE}:") and notice.cause not in wanted:
            notices.close(scope, notice.cause)
    for cause, message in wanted.items():
        # A notice that a member dismissed does not return before the next step.
        if not notices.has_been_notified(scope, cause):
            notices.put(scope, message, cause=cause)

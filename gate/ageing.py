"""Rules that grow old: which of an agency's places they concern, who is told when, and what two members can do."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from foundation.database import OpenScope, Scope
from foundation.ids import HOUSE
from foundation.words import Message
from gate import attesting, inforce
from gate.attesting import Waiting
from gate.events import RulesDue
from tenants import notices
from tenants import reads as tenants
from tenants.scope import all_tenants

ACTOR = "system:rules"
STEPS = (7, 14, 30)
"""So many days before a rule ages its members are told, the nearest first."""

CAUSE = "rules"
Places = Callable[[Scope], Iterable[tuple[str, str]]]
"""Where an agency posts and chats: platforms and surfaces."""


@dataclass(frozen=True)
class Due:
    """A rule that is past its day or will be within a month. `last` is the last day on which it counts as read."""

    name: str
    urls: tuple[str, ...]
    last: date
    days: int
    """Until then; below nothing for one that is past."""
    waiting: Waiting | None


def due(scope: Scope, places: Iterable[tuple[str, str]]) -> list[Due]:
    """The rules of these places that somebody has to read again by now or within a month, the most pressing first."""
    rules, today = inforce.rules(scope), scope.now.date()
    soon = today + timedelta(days=max(STEPS) + 1)
    names = sorted({name for place in set(places) for name in rules.overdue(*place, on=soon)})
    read = attesting.read_again(scope, tuple(names)) if names else ()
    found = []
    for name in names:
        row = rules.rows[name]
        if row.review_by is None:
            continue
        held = [one.until - timedelta(days=1) for one in read if one.row == name and rules.counts(one, today)]
        last = max([row.review_by, *held])
        urls = tuple(url for url in row.source_url if url.startswith("https://"))
        days = (last - today).days
        if days <= max(STEPS):
            found.append(Due(name, urls, last, days, attesting.waiting(scope, row)))
    return sorted(found, key=lambda one: (one.last, one.name))


def remind(event: RulesDue, *, tenant: OpenScope, places: Places) -> None:
    """Tell every agency of the rules of its places that age, a step at a time; and keep the product's own rules for
    whoever makes a decision again after the next update."""
    with tenant(HOUSE, ACTOR) as scope:
        inforce.keep_shipped(scope)
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, ACTOR) as scope:
            if not tenants.agency(scope).demo:  # a demonstration shows its own day, and reaches no real place
                tell(scope, due(scope, places(scope)))


def tell(scope: Scope, found: Iterable[Due]) -> None:
    """One notice for each day on which rules age and each step before it; those of steps that passed are closed."""
    wanted: dict[str, Message] = {}
    for one in found:
        step = next((step for step in STEPS if one.days <= step), max(STEPS))
        cause = f"{CAUSE}:{one.last}:{step if one.days >= 0 else 'past'}"
        code = "rule.past" if one.days < 0 else "rule.ages"
        count = int(wanted[cause].params["count"]) + 1 if cause in wanted else 1
        wanted[cause] = Message(code, {"count": count} if one.days < 0 else {"count": count, "days": step})
    for notice in tenants.open_notices(scope, limit=1000):
        if notice.cause.startswith(f"{CAUSE}:") and notice.cause not in wanted:
            notices.settle(scope, notice.cause)
    for cause, message in wanted.items():
        if not notices.known(scope, cause):  # what somebody put away stays away until the next step
            notices.put(scope, message, cause=cause)

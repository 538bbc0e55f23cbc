"""Invariants of a world: the platforms' records compared with the intended posts, messages and
payments."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Set
from functools import partial
from uuid import UUID

from foundation.db.database import Scope
from foundation.ops.clock import monotonic, sleep
from gate.log import decision_log
from gate.log.decision_log import ChainIntact
from schedules.publishing import stalled_deliveries
from tests.chaos import post_checks, sales_checks
from tests.chaos.permit_checks import find_unpermitted_requests
from tests.chaos.sales_checks import Finding
from tests.chaos.world import World
from tests.conftest import Late

LEASE_SECONDS = 60.0
"""Longer than any lease in normal operation."""


def find_violations(world: World, logged: dict[str, int]) -> list[Finding]:
    """Return every violation; empty for a good day."""
    house = world.house
    truth = {place.channel_id: post_checks.list_received(house, place) for place in world.places}
    found: list[Finding] = []
    for check in (post_checks.check_posts, sales_checks.check_messages):
        found += check(world, truth)
    for place in world.of_kind("key", "plain", "nolook"):
        found += house.read(place.tenant_id, sales_checks.check_payments(house, place))
    for tenant_id in world.tenants:
        for ask in (
            sales_checks.check_ledger,
            sales_checks.find_repeated_messages,
            sales_checks.find_unanswered_fans,
            _rows,
            _chain,
            partial(_times, world.touched),
        ):
            found += house.read(tenant_id, _collected(ask))
    found += [
        *sales_checks.check_incoming_messages(world),
        *post_checks.check_pictures(world),
        *find_unpermitted_requests(world),
        *_endless(world),
    ]
    return found + _alarms(world, logged)


GRAVE = re.compile(
    r"(arrived|used|left|has \S+) ([2-9]|\d\d+) times| is \['[^\]]+', |nobody asked|is none|does "
    r"not balance|log breaks"
    "|, left at "
)
"""Matches violations that no slowness explains: an unrequested or repeated action, or a wrong
ledger."""


def fail_on_findings(wrong: list[str], story: str, *, came_back: bool) -> None:
    """Fail on any violation. Raises `Late` if the installation only did not recover in time and its
    work is unfinished."""
    if wrong and not came_back and not any(GRAVE.search(one) for one in wrong):
        raise Late(story)
    assert not wrong, story


def summarize_day(world: World) -> str:
    """Return the results of the day in one line."""
    entries = post_checks.list_deliveries(world)
    ends = Counter(str(entries[intent.delivery_id].state) for intent in world.intents)
    for tenant_id in world.tenants:
        ends += world.house.read(tenant_id, _counts)
    if left := world.scripts_left():
        ends["unfinished fans"] = left
    return ", ".join(f"{count} {end}" for end, count in sorted(ends.items()))


_COUNTED = {
    "messages": "SELECT state, count(*) AS n FROM drafts WHERE tenant_id = :tenant GROUP BY state",
    "payments": "SELECT kind AS state, count(*) AS n FROM payments WHERE tenant_id = :tenant "
    "GROUP BY kind",
    "packs": "SELECT state, count(*) AS n FROM fulfilments WHERE tenant_id = :tenant GROUP BY "
    "state",
    "refunds": "SELECT state, count(*) AS n FROM refunds WHERE tenant_id = :tenant GROUP BY state",
}


def _counts(scope: Scope) -> Counter[str]:
    found: Counter[str] = Counter()
    for name, statement in _COUNTED.items():
        for row in scope.run(statement, tenant=scope.tenant_id):
            found[f"{name} {row.state}"] += row.n
    return found


def _collected(ask: Callable[[Scope], Iterator[Finding]]) -> Callable[[Scope], list[Finding]]:
    return lambda scope: list(ask(scope))


def _rows(scope: Scope) -> Iterator[Finding]:
    """Find dead rows and deliveries without a row."""
    for row in scope.run(
        "SELECT kind, tries, last_error, subject_id FROM outbox WHERE tenant_id = :tenant AND "
        "state = 'dead'",
        tenant=scope.tenant_id,
    ):
        yield (
            f"a row of {row.kind} is dead after {row.tries} tries: {row.last_error} "
            f"({row.subject_id})"
        )
    orphans = stalled_deliveries.wake_stalled_deliveries(scope)
    if orphans:
        yield f"{orphans} scheduled deliveries have no row"
    for row in scope.run(
        "SELECT subject_kind, subject_id, kind, n FROM attempts a WHERE tenant_id = :tenant AND "
        "outcome IS NULL"
        " AND kind IN ('send', 'stage') AND NOT EXISTS (SELECT 1 FROM drafts d WHERE d.tenant_id "
        "= a.tenant_id"
        " AND d.id = a.subject_id AND d.state = 'uncertain') AND NOT EXISTS (SELECT 1 FROM "
        "fulfilments f"
        " WHERE f.tenant_id = a.tenant_id AND f.id = a.subject_id AND f.state = 'uncertain')",
        tenant=scope.tenant_id,
    ):
        yield f"attempt {row.n} of {row.subject_kind} {row.subject_id} is unfinished"


def _endless(world: World) -> list[Finding]:
    """Find leases that do not end."""

    def held(scope: Scope) -> dict[UUID, str]:
        rows = scope.run(
            "SELECT lease_token, kind || ' ' || subject_id AS what FROM outbox WHERE state = "
            "'leased'"
            " AND tenant_id = ANY(CAST(:tenants AS uuid[]))",
            tenants=world.tenants,
        )
        return {row.lease_token: row.what for row in rows}

    first = last = world.house.as_relay(held)
    until = monotonic() + LEASE_SECONDS
    while first.keys() & last.keys() and monotonic() < until:
        sleep(0.2)
        last = world.house.as_relay(held)
    return [f"a lease does not end: {what}" for token, what in first.items() if token in last]


def _chain(scope: Scope) -> Iterator[Finding]:
    checked = decision_log.verify_chain(scope)
    if not isinstance(checked, ChainIntact):
        yield f"the decision log breaks: {checked}"


def _times(touched: Set[UUID], scope: Scope) -> Iterator[Finding]:
    """Find deliveries sent before their due time or after their lateness limit. Deliveries in
    `touched` had several due times."""
    for row in scope.run(
        "SELECT d.id, d.due_at, d.late_until, a.armed_at FROM attempts a JOIN deliveries d ON "
        "d.tenant_id = a.tenant_id"
        " AND d.id = a.subject_id WHERE a.tenant_id = :tenant AND a.subject_kind = 'delivery' AND "
        "a.kind = 'send'"
        " AND (a.armed_at < d.due_at OR a.armed_at > d.late_until) AND d.id <> ALL(CAST(:touched "
        "AS uuid[]))",
        tenant=scope.tenant_id,
        touched=list(touched),
    ):
        yield f"delivery {row.id}, due {row.due_at} until {row.late_until}, left at {row.armed_at}"


def _alarms(world: World, logged: dict[str, int]) -> list[Finding]:
    """Find log events that must not occur, for this world: a retired world loses its rows
    deliberately."""
    bad, mine = (
        {"delivery.orphans", "event.dead", "event.on_dead_failed"},
        {str(one) for one in world.tenants},
    )
    said = [
        (name, line) for name, line in world.house.said_since(logged) if line.get("event") in bad
    ]
    return [f"{name}: {line}" for name, line in said if line.get("tenant") in mine | {None}]

"""Random sales of two creators in different time zones, around a change of the clocks."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from channels.accounts import lifecycle
from foundation.db.database import Scope
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import day_bounds
from subscribers.ledger import entries
from subscribers.statements import bookings
from subscribers.statements.bookings import CheckedLine, LineOutcome
from subscribers.statements.file_reader import StatementMovement
from tenants.agencies import agencies
from tenants.agencies.queries import Creator, get_creator

ZONES = ("Europe/Paris", "America/New_York")
BEGIN = date(2025, 3, 27)  # the clocks of Paris change on March 30
DAYS = 7
MINUTES = st.integers(0, DAYS * 24 * 60 - 1)
EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "how": st.sampled_from(["sale", "refunded", "statement", "returned", "fee"]),
            "creator": st.integers(0, 1),
            "minor": st.integers(1, 10**7),
            "part": st.integers(0, 100),
            "currency": st.sampled_from(["EUR", "JPY", "XTR"]),
            "at": st.one_of(MINUTES, st.sampled_from([day * 24 * 60 for day in range(DAYS)])),
            "later": MINUTES,
        }
    ),
    max_size=12,
)


def add_creators(scope: Scope) -> tuple[Creator, Creator]:
    first, second = (
        get_creator(
            scope,
            agencies.add_creator(
                scope,
                slug=f"c{uuid7().hex[-12:]}",
                name=f"Creator of {zone}",
                kind="virtual",
                zone=zone,
                languages=["fr"],
            ),
        )
        for zone in ZONES
    )
    return first, second


def local(minutes: int) -> datetime:
    """Return an instant of the week: minutes after its first midnight in Paris, on the clock."""
    midnight = datetime.combine(BEGIN, time(), tzinfo=ZoneInfo(ZONES[0]))
    return (midnight + timedelta(minutes=minutes)).astimezone(UTC)


def book_line(
    scope: Scope, creator: Creator, kind: Any, amounts: tuple[Money, Money], at: datetime
) -> None:
    """Book a line of a statement with its gross amount and fee."""
    line = StatementMovement(1, at, kind, "r", *amounts, uuid7().hex)
    bookings.book_lines(
        scope,
        creator.id,
        [CheckedLine(line, LineOutcome.NEW, at)],
        source="Autre plateforme",
        name="file.csv",
        digest=uuid7().hex,
    )


def happen(scope: Scope, creators: Sequence[Creator], event: Mapping[str, Any]) -> None:
    creator, at = creators[event["creator"]], local(event["at"])
    money = Money(event["minor"], event["currency"])
    part = Money(event["minor"] * event["part"] // 100, event["currency"])
    if event["how"] in ("sale", "refunded"):
        payment = uuid7()
        entries.record_sale(
            scope, payment, money, rail="rail:stars:x", at=at, creator_id=creator.id, fan_id=None
        )
        if event["how"] == "refunded":
            entries.reverse_payment(scope, payment, at=local(event["later"]))
        return
    book_line(scope, creator, "sale", (money, part), at)
    if event["how"] == "returned":  # a part of the sale, and of its fee
        fee = Money(part.minor // 5, part.currency)
        book_line(scope, creator, "refund", (part, fee), local(event["later"]))
    if event["how"] == "fee":  # a fee that became known afterwards
        book_line(scope, creator, "sale", (Money(0, part.currency), part), local(event["later"]))


def ledger_sums(
    scope: Scope, creators: Sequence[Creator], first: date, last: date
) -> dict[str, Any]:
    """Return gross, refunds and fees by currency as the accounting sums them."""
    found: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in creators:
        since, until = day_bounds(first, one.zone)[0], day_bounds(last, one.zone)[1]
        for total in entries.creator_totals(scope, one.id, since, until):
            amounts = (total.gross_minor, total.refunds_minor, total.fees_minor)
            found[total.currency] = [
                a + b for a, b in zip(found[total.currency], amounts, strict=True)
            ]
    return {code: sums for code, sums in found.items() if any(sums)}


def add_channel(scope: Scope, creator: Creator) -> UUID:
    """Connect an account of the sandbox and return its ID."""
    return lifecycle.connect_account(
        scope,
        creator_id=creator.id,
        platform="sandbox",
        surface="sandbox.post",
        account=uuid7().hex,
        name="Essai",
        base_url="http://127.0.0.1:1",
        token=None,
        zone=creator.zone,
    )

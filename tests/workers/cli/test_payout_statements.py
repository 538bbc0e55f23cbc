"""`greenroom payout-statement`: keys of its JSON, which programs read."""

import json
from datetime import UTC, date, datetime

from foundation.ids import uuid7
from foundation.money import Money
from subscribers.ledger.payout_statements import CurrencyStatement, PayoutStatement, SplitLine
from subscribers.ledger.payouts import PayoutView
from tenants.agencies.queries import Creator
from workers.cli.payout_statements import statement_as_json

AT = datetime(2026, 11, 1, tzinfo=UTC)
EUR = Money(100, "EUR")


def test_json_contains_every_amount() -> None:
    section = CurrencyStatement(
        *(EUR, EUR, EUR, EUR, (SplitLine("creator_due", "", EUR),)), *(EUR,) * 7
    )
    creator = Creator(uuid7(), "mia", "Mia", "human", "UTC", ("fr",), "E", 1)
    paid = PayoutView(uuid7(), "creator_due", EUR, date(2026, 11, 3), AT, "SEPA 1", "member:x")
    statement = PayoutStatement(
        "MIA-2026-11",
        "Lumière",
        ("Lumière",),
        creator,
        date(2026, 11, 1),
        AT,
        AT,
        (section,),
        (paid,),
        False,
    )
    found = json.loads(statement_as_json(statement))
    assert set(found) == {
        *("number", "agency", "creator", "month", "closed", "sections", "payouts")
    }  # fmt: skip
    (shown,) = found["sections"]
    assert {"currency", "opening", "sales", "split", "paid", "closing"} <= set(shown)
    assert shown["split"][0]["account"] == "creator_due"
    assert found["payouts"][0]["reference"] == "SEPA 1"

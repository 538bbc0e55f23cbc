"""Costs of the demo's creators: advertising, chatter pay and tools of the last months, one of them
entered twice and voided."""

from collections.abc import Iterator
from datetime import date

from demo.agency.history import HistoryInput
from foundation.db.database import Scope
from foundation.ids import derived_uuid
from foundation.money import Money
from subscribers.ledger import cost_entries
from subscribers.ledger.cost_entries import CostDraft, CostKind
from subscribers.orders.cohorts import add_months

MONTHS = 4
_COSTS = (
    (CostKind.ADS, 4, 180, "Shout-out"),
    (CostKind.CHATTERS, 12, 240, "Weekend shifts"),
    (CostKind.OTHER, 20, 45, "Props and outfits"),
)
"""Kind, day of the month, amount in test money and note."""


def enter_demo_costs(scope: Scope, stage: HistoryInput) -> None:
    """Enter the costs of a creator, once. They are in the currency of the packs."""
    currency = next(iter(stage.prices.values())).currency
    for number, draft in enumerate(_generate_costs(stage.today, currency)):
        entry = derived_uuid(stage.creator_id, "demo-cost", number)
        cost_entries.add_cost_entry(scope, stage.creator_id, draft, entry_id=entry)
        if number == 1:
            twice = derived_uuid(stage.creator_id, "demo-cost", "twice")
            cost_entries.add_cost_entry(scope, stage.creator_id, draft, entry_id=twice)
            cost_entries.void_cost_entry(scope, {stage.creator_id}, twice)


def _generate_costs(today: date, currency: str) -> Iterator[CostDraft]:
    """Yield the costs, the oldest month first; advertising grows from month to month."""
    for back in range(MONTHS - 1, -1, -1):
        month = add_months(today, -back)
        for kind, day, amount, note in _COSTS:
            grows = (MONTHS - back) * 40 if kind is CostKind.ADS else 0
            spent_on = month.replace(day=day)
            if spent_on <= today:
                yield CostDraft(kind, Money(amount + grows, currency), spent_on, note)

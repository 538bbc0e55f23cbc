"""Payouts to creators and other parties, recorded by members. Greenroom moves no money."""

from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict
from foundation.i18n.translation import Message
from foundation.money import Money
from foundation.ops.wall_time import local_day
from subscribers.ledger import entries, month_close
from subscribers.ledger.entries import LedgerLine
from subscribers.ledger.models import Payout
from tenants import audit
from tenants.agencies import queries
from tenants.notices import notices

PAYOUT_SOURCE = "payout"
"""The `source_kind` of the ledger transaction of a recorded payout."""
PAID_PREFIX = "payout:"
MAX_REFERENCE = 80
_NOON = time(12)


@dataclass(frozen=True)
class PayoutDraft:
    """A payout to record: the account of the ledger that it reduces, the amount, the local day of
    the payment and its reference, such as the number of a bank transfer."""

    money: Money
    paid_on: date
    reference: str
    account: str = entries.CREATOR_DUE_ACCOUNT


@dataclass(frozen=True)
class PayoutView:
    """A recorded payout. `booked_at` is its time in the ledger; `by` is the actor."""

    id: UUID
    account: str
    money: Money
    paid_on: date
    booked_at: datetime
    reference: str
    by: str


@dataclass(frozen=True)
class PayoutRecipient:
    """A party that can be paid: its account of the ledger, its name, empty for creator and team,
    and what is due by currency."""

    account: str
    name: str
    due: tuple[Money, ...]


def payable_accounts(scope: Scope, creator_id: UUID) -> list[str]:
    """Return the accounts that payouts of a creator can reduce: the creator, the team, and other
    parties by name."""
    names = entries.party_names(scope, creator_id)
    parties = sorted(names, key=lambda account: names[account].casefold())
    return [entries.CREATOR_DUE_ACCOUNT, entries.CHATTER_DUE_ACCOUNT, *parties]


def list_recipients(scope: Scope, creator_id: UUID) -> list[PayoutRecipient]:
    """Return the parties that can be paid, in the order of `payable_accounts`, with what is due to
    each in every currency that it has entries in."""
    names = entries.party_names(scope, creator_id)
    return [
        PayoutRecipient(
            account,
            names.get(account, ""),
            tuple(
                Money(-minor, currency)
                for currency, minor in entries.account_balance(
                    scope, account, creator_id=creator_id
                ).items()
            ),
        )
        for account in payable_accounts(scope, creator_id)
    ]


def payable_currencies(scope: Scope, creator_id: UUID) -> list[str]:
    """Return the currencies in which something is due to a party that can be paid, sorted."""
    rows = scope.run(
        "SELECT currency FROM ledger_entries WHERE tenant_id = :tenant AND creator_id = :creator"
        " AND account = ANY(:accounts) GROUP BY account, currency HAVING sum(amount_minor) < 0",
        tenant=scope.tenant_id,
        creator=creator_id,
        accounts=payable_accounts(scope, creator_id),
    )
    return sorted(set(rows.scalars()))


def amount_due(scope: Scope, creator_id: UUID, account: str, currency: str) -> Money:
    """Return what is due now to a party; negative if too much was paid."""
    balances = entries.account_balance(scope, account, creator_id=creator_id)
    return Money(-balances.get(currency, 0), currency)


def record_payout(scope: Scope, creator_id: UUID, draft: PayoutDraft, *, payout_id: UUID) -> UUID:
    """Record a payout once for each `payout_id` and return that ID. A payout of a closed month is
    booked now.

    Raises BadInput for an unknown recipient, an amount that is not positive or exceeds what is due,
    a day in the future and a reference that is empty or too long. Raises Conflict if `payout_id`
    belongs to another payout.
    """
    creator = queries.get_creator(scope, creator_id)
    scope.lock(f"payout:{scope.tenant_id}:{creator_id}")
    known = scope.session.get(Payout, (scope.tenant_id, payout_id))
    if known is not None:
        same = Money(known.amount_minor, known.currency) == draft.money and (
            (known.creator_id, known.account, known.paid_on)
            == (creator_id, draft.account, draft.paid_on)
        )
        if not same:
            raise Conflict("payout.other")
        return payout_id
    reference = " ".join(draft.reference.split())
    _check_payout(scope, creator_id, draft, reference, local_day(scope.now, creator.zone))
    paid_at = datetime.combine(draft.paid_on, _NOON, tzinfo=ZoneInfo(creator.zone))
    booked_at = month_close.booking_time(scope, creator_id, min(paid_at, scope.now))
    before = amount_due(scope, creator_id, draft.account, draft.money.currency)
    entries.post_transaction(
        scope,
        "payout",
        PAYOUT_SOURCE,
        str(payout_id),
        [
            LedgerLine(draft.account, draft.money),
            LedgerLine(f"{PAID_PREFIX}{draft.account}", -draft.money),
        ],
        occurred_at=booked_at,
        creator_id=creator_id,
    )
    row = Payout(
        tenant_id=scope.tenant_id,
        id=payout_id,
        creator_id=creator_id,
        account=draft.account,
        amount_minor=draft.money.minor,
        currency=draft.money.currency,
        paid_on=draft.paid_on,
        booked_at=booked_at,
        reference=reference,
        by=scope.actor,
    )
    scope.add(row)
    _notify_members(scope, row)
    audit.record(
        scope,
        "payout.recorded",
        f"creator:{creator_id}",
        amount=str(draft.money),
        before=str(before),
        after=str(before - draft.money),
    )
    return payout_id


def _notify_members(scope: Scope, row: Payout) -> None:
    amount = str(Money(row.amount_minor, row.currency))
    notices.put(
        scope,
        Message("payout.notice", {"amount": amount}),
        cause=f"payout:{row.id}",
        creator_id=row.creator_id,
        informs=True,
    )


def _check_payout(
    scope: Scope, creator_id: UUID, draft: PayoutDraft, reference: str, today: date
) -> None:
    if draft.account not in payable_accounts(scope, creator_id):
        raise BadInput("payout.unknown_recipient")
    if not 0 < len(reference) <= MAX_REFERENCE or not reference.isprintable():
        raise BadInput("payout.bad_reference", most=MAX_REFERENCE).about("reference")
    if draft.paid_on > today:
        raise BadInput("payout.in_future").about("day")
    due = amount_due(scope, creator_id, draft.account, draft.money.currency)
    if draft.money.minor <= 0:
        raise BadInput("payout.not_positive").about("amount")
    if draft.money.minor > due.minor:
        raise BadInput("payout.more_than_due", due=str(due)).about("amount")


def list_payouts(
    scope: Scope,
    creator_id: UUID,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[PayoutView]:
    """Return the payouts booked in [since, until), oldest first; all without bounds."""
    rows = scope.run(
        "SELECT id, account, amount_minor, currency, paid_on, booked_at, reference, by FROM payouts"
        " WHERE tenant_id = :tenant AND creator_id = :creator"
        " AND (CAST(:since AS timestamptz) IS NULL OR booked_at >= :since)"
        " AND (CAST(:until AS timestamptz) IS NULL OR booked_at < :until) ORDER BY booked_at, id",
        tenant=scope.tenant_id,
        creator=creator_id,
        since=since,
        until=until,
    )
    return [
        PayoutView(
            row.id,
            row.account,
            Money(row.amount_minor, row.currency),
            row.paid_on,
            row.booked_at,
            row.reference,
            row.by,
        )
        for row in rows
    ]

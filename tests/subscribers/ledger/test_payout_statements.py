"""Payout statements and recorded payouts: every amount equals the ledger."""

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import local_day
from subscribers.ledger import entries, month_close, payout_statements, payouts, revenue_splits
from subscribers.ledger.payout_statements import PayoutStatement
from subscribers.ledger.payouts import PayoutDraft
from subscribers.ledger.revenue_splits import NamedShare, SplitDraft
from tenants import audit
from tenants.agencies import agencies, agency_settings
from tenants.notices import notices

ZONE = "Europe/Paris"


@pytest.fixture
def creator(tenant: OpenScope, tenant_id: UUID) -> UUID:
    with tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Lumière", language="fr", zone=ZONE)
        made = agencies.add_creator(
            scope, slug="nova", name="Nova", kind="virtual", zone=ZONE, languages=["fr"]
        )
        others = (NamedShare("Photographer", 500),)
        rule = SplitDraft(6000, 2500, 1000, others, local_day(scope.now, ZONE))
        revenue_splits.add_revenue_split(scope, made, rule, split_id=uuid7())
        return made


def sell(scope: Scope, creator: UUID, money: Money, at: datetime, *, refunded: bool) -> None:
    payment = uuid7()
    entries.record_sale(
        scope, payment, money, rail="rail:sandbox:nova", at=at, creator_id=creator, fan_id=None
    )
    if refunded:
        entries.reverse_payment(scope, payment, at=at)


def months_of(scope: Scope) -> list[date]:
    this = local_day(scope.now, ZONE).replace(day=1)
    following = (this + timedelta(days=32)).replace(day=1)
    return [this, following, (following + timedelta(days=32)).replace(day=1)]


def check_sections(scope: Scope, creator: UUID, found: Sequence[PayoutStatement]) -> None:
    """Check that each month follows from the one before and that the last equals the ledger."""
    closing: dict[str, Money] = {}
    for statement in found:
        for one in statement.sections:
            assert one.opening == closing.get(one.currency, Money(0, one.currency))
            assert sum(money.minor for _, money in one.lines[:-1]) == one.closing.minor
            divided = sum(line.money.minor for line in one.split)
            assert one.sales - one.refunds == Money(divided, one.currency) + one.unsplit
            closing[one.currency] = one.closing
    booked = entries.account_balance(scope, "creator_due", creator_id=creator)
    assert {code: -minor for code, minor in booked.items() if minor} == {
        code: money.minor for code, money in closing.items() if money.minor
    }


SALES = st.lists(
    st.tuples(
        st.integers(1, 10**7),
        st.sampled_from(["EUR", "JPY", "XTR"]),
        st.integers(0, 40),
        st.booleans(),
    ),
    max_size=8,
)


@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(sales=SALES)
def test_statement_equals_the_ledger(
    tenant: OpenScope, tenant_id: UUID, creator: UUID, sales: list[tuple[int, str, int, bool]]
) -> None:
    with tenant(tenant_id, "system:test") as scope:
        for minor, currency, days, refunded in sales:
            at = scope.now + timedelta(days=days)
            sell(scope, creator, Money(minor, currency), at, refunded=refunded)
        for currency in {one[1] for one in sales}:
            due = payouts.amount_due(scope, creator, "creator_due", currency)
            if due.minor > 1:
                given = PayoutDraft(
                    Money(due.minor // 2, currency), local_day(scope.now, ZONE), "SEPA 1"
                )
                payouts.record_payout(scope, creator, given, payout_id=uuid7())
        found = [
            payout_statements.load_payout_statement(scope, creator, one) for one in months_of(scope)
        ]
        check_sections(scope, creator, found)


def test_statement_names_its_issuer(tenant: OpenScope, tenant_id: UUID, creator: UUID) -> None:
    with tenant(tenant_id, "system:test") as scope:
        before = payout_statements.load_payout_statement(scope, creator, scope.now.date())
        assert before.issuer == (before.agency,)
        agency_settings.update_agency_settings(
            scope,
            {
                "legal_name": "Atelier Nord SAS",
                "address": "1 rue du Port\n59000 Lille",
                "vat_number": "FR 44 732829320",
                "invoice_prefix": "nord-",
            },
        )
        found = payout_statements.load_payout_statement(scope, creator, scope.now.date())
    assert found.issuer == ("Atelier Nord SAS", "1 rue du Port", "59000 Lille", "FR44732829320")
    assert found.number == f"NORD-{before.number}"


def test_payout_is_recorded_once_and_lowers_the_balance(
    tenant: OpenScope, tenant_id: UUID, creator: UUID
) -> None:
    payout_id = uuid7()
    with tenant(tenant_id, "system:test") as scope:
        sell(scope, creator, Money(10_000, "EUR"), scope.now, refunded=False)
        today = local_day(scope.now, ZONE)
    for _ in range(2):
        with tenant(tenant_id, "system:test") as scope:
            given = PayoutDraft(Money(4000, "EUR"), today, "  SEPA   77 ")
            payouts.record_payout(scope, creator, given, payout_id=payout_id)
    with tenant(tenant_id, "system:test") as scope:
        assert payouts.amount_due(scope, creator, "creator_due", "EUR") == Money(2000, "EUR")
        told = notices.open_message(scope, f"payout:{payout_id}")
        assert told == Message("payout.notice", {"amount": "40.00 EUR"})
        found = payout_statements.load_payout_statement(scope, creator, today)
        (section,) = found.sections
        amounts = {name: money.minor for name, money in section.lines}
        assert amounts == {
            "opening": 0,
            "earned": 6000,
            "reversed": 0,
            "adjustments": 0,
            "paid": -4000,
            "closing": 2000,
        }
        assert [(line.name, line.money.minor) for line in section.split] == [
            ("", 6000),
            ("", 2500),
            ("", 1000),
            ("Photographer", 500),
        ]
        assert section.commission == Money(1000, "EUR")
        assert [(one.reference, one.money.minor) for one in found.payouts] == [("SEPA 77", 4000)]
        rows = list(csv.DictReader(io.StringIO(payout_statements.render_statement_csv(found))))
        assert {(one["line"], one["amount_minor"]) for one in rows} >= {
            ("closing", "2000"),
            ("paid", "-4000"),
            ("payout", "4000"),
        }
        acts = [one for one in audit.list_recent_acts(scope) if one.act == "payout.recorded"]
        assert [(one.details["before"], one.details["after"]) for one in acts] == [
            ("60.00 EUR", "20.00 EUR")
        ]
        for other in (
            PayoutDraft(Money(1, "EUR"), today, "SEPA 77"),
            PayoutDraft(Money(4000, "USD"), today, "SEPA 77"),
            PayoutDraft(Money(4000, "EUR"), today - timedelta(days=1), "SEPA 77"),
            PayoutDraft(Money(4000, "EUR"), today, "SEPA 77", "agency_due"),
        ):
            with pytest.raises(Conflict, match=r"payout\.other"):
                payouts.record_payout(scope, creator, other, payout_id=payout_id)


def test_payout_to_another_party_lowers_only_its_balance(
    tenant: OpenScope, tenant_id: UUID, creator: UUID
) -> None:
    with tenant(tenant_id, "system:test") as scope:
        sell(scope, creator, Money(10_000, "EUR"), scope.now, refunded=False)
        party = payouts.payable_accounts(scope, creator)[-1]
        given = PayoutDraft(Money(500, "EUR"), local_day(scope.now, ZONE), "cash", party)
        payouts.record_payout(scope, creator, given, payout_id=uuid7())
        assert payouts.amount_due(scope, creator, party, "EUR") == Money(0, "EUR")
        assert payouts.amount_due(scope, creator, "creator_due", "EUR") == Money(6000, "EUR")


@pytest.mark.parametrize(
    ("payout", "code"),
    [
        ((6001, 0, "a", "creator_due"), "payout.more_than_due"),
        ((0, 0, "a", "creator_due"), "payout.not_positive"),
        ((-1, 0, "a", "creator_due"), "payout.not_positive"),
        ((1, 1, "a", "creator_due"), "payout.in_future"),
        ((1, 0, " ", "creator_due"), "payout.bad_reference"),
        ((1, 0, "x" * 81, "creator_due"), "payout.bad_reference"),
        ((1, 0, "a\x00b", "creator_due"), "payout.bad_reference"),
        ((1, 0, "a", "sales"), "payout.unknown_recipient"),
        ((1, 0, "a", "agency_due"), "payout.unknown_recipient"),
    ],
)
def test_invalid_payout_is_refused(
    tenant: OpenScope,
    tenant_id: UUID,
    creator: UUID,
    payout: tuple[int, int, str, str],
    code: str,
) -> None:
    minor, days, reference, account = payout
    with tenant(tenant_id, "system:test") as scope:
        sell(scope, creator, Money(10_000, "EUR"), scope.now, refunded=False)
        paid_on = local_day(scope.now, ZONE) + timedelta(days=days)
        given = PayoutDraft(Money(minor, "EUR"), paid_on, reference, account)
        with pytest.raises(BadInput) as refused:
            payouts.record_payout(scope, creator, given, payout_id=uuid7())
        assert refused.value.message.code == code


def test_payout_of_a_closed_month_is_booked_now(
    tenant: OpenScope, tenant_id: UUID, creator: UUID
) -> None:
    with tenant(tenant_id, "system:test") as scope:
        sell(scope, creator, Money(10_000, "EUR"), scope.now, refunded=False)
        last = local_day(scope.now, ZONE).replace(day=1) - timedelta(days=1)
        month_close.close_month(scope, creator, last)
        before = month_close.load_ledger_month(scope, creator, last)
        given = PayoutDraft(Money(1, "EUR"), last, "SEPA 9")
        payouts.record_payout(scope, creator, given, payout_id=uuid7())
        assert month_close.load_ledger_month(scope, creator, last).lines == before.lines
        (made,) = payouts.list_payouts(scope, creator, scope.now, scope.now + timedelta(seconds=1))
        assert (made.paid_on, made.booked_at) == (last, scope.now)

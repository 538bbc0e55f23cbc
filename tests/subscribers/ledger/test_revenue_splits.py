"""Revenue splits: shares of all parties, effective dates, immutability, and refunds."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, Refused
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import local_day
from subscribers.ledger import entries, month_close, revenue_splits
from subscribers.ledger.entries import PartyShare, SplitShares
from subscribers.ledger.revenue_splits import NamedShare, SplitDraft, SplitStatus
from tenants import audit
from tenants.agencies import agencies

ZONE = "Pacific/Auckland"
PARTIES = [uuid7() for _ in range(3)]
CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD", "XTR", "XTS", "USD"])


@st.composite
def shares_of_sale(draw: st.DrawFn) -> SplitShares:
    cuts = sorted(draw(st.lists(st.integers(0, 10_000), min_size=5, max_size=5)))
    agency, creator, chatter, *others = (
        upper - lower for lower, upper in zip([0, *cuts], [*cuts, 10_000], strict=True)
    )
    return SplitShares(
        agency,
        creator,
        chatter,
        tuple(PartyShare(*one) for one in zip(PARTIES, others, strict=True)),
        "sale",
    )


@given(st.integers(-(10**12), 10**12), shares_of_sale(), CURRENCIES)
def test_parts_sum_to_the_sale_within_one_unit_each(
    minor: int, shares: SplitShares, currency: str
) -> None:
    divided, commission = entries.split_entries(Money(minor, currency), shares)
    parts: dict[str, int] = {}
    for line in (*divided, *commission):
        parts[line.account] = parts.get(line.account, 0) - line.money.minor
    assert parts.pop("allocated") == -minor
    assert sum(parts.values()) == minor
    wanted = {
        "agency_due": shares.agency,
        "creator_due": shares.creator,
        "chatter_due": shares.chatter,
        **{entries.party_account(one.party_id): one.share for one in shares.others},
    }
    assert parts.keys() == wanted.keys()
    for account, share in wanted.items():
        assert abs(parts[account] * 10_000 - minor * share) < 10_000, account


@given(st.integers(0, 10_000))
def test_percentages_are_read_as_they_are_written(share: int) -> None:
    written = revenue_splits.format_percent(share)
    assert revenue_splits.parse_percent(written) == share
    assert revenue_splits.parse_percent(f" {written.replace('.', ',')} % ") == share


@pytest.mark.parametrize("typed", ["-1", "100.01", "101", "1.234", "half", "1e2", "٣", "5%%"])
def test_other_percentages_are_refused(typed: str) -> None:
    with pytest.raises(BadInput, match=r"split\.bad_share"):
        revenue_splits.parse_percent(typed)


@pytest.fixture
def creator(tenant: OpenScope, tenant_id: UUID) -> UUID:
    with tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Lumière", language="fr", zone="Europe/Paris")
        return agencies.add_creator(
            scope, slug="nova", name="Nova", kind="virtual", zone=ZONE, languages=["fr"]
        )


def draft(scope: Scope, days: int = 0, **shares: Any) -> SplitDraft:
    given = {"creator": 6000, "agency": 2500, "chatter": 1000}
    others = shares.pop("others", (NamedShare("Photographer", 500),))
    starts_on = local_day(scope.now, ZONE) + timedelta(days=days)
    return SplitDraft(**{**given, **shares}, others=others, starts_on=starts_on)


def sell(scope: Scope, creator: UUID, minor: int, *, days: int = 0) -> UUID:
    payment = uuid7()
    entries.record_sale(
        scope,
        payment,
        Money(minor, "EUR"),
        rail="rail:sandbox:nova",
        at=scope.now + timedelta(days=days),
        creator_id=creator,
        fan_id=None,
    )
    return payment


def test_sale_is_booked_by_the_rule_of_its_time_and_refund_mirrors_it(
    tenant: OpenScope, tenant_id: UUID, creator: UUID
) -> None:
    with tenant(tenant_id, "system:test") as scope:
        first = revenue_splits.add_revenue_split(scope, creator, draft(scope), split_id=uuid7())
        coming = draft(scope, 3, creator=9000, agency=1000, chatter=0, others=())
        revenue_splits.add_revenue_split(scope, creator, coming, split_id=uuid7())
        now, later = sell(scope, creator, 10_001), sell(scope, creator, 10_000, days=5)
        rules = revenue_splits.list_revenue_splits(scope, creator)
        assert [one.status for one in rules] == [SplitStatus.COMING, SplitStatus.CURRENT]
        assert rules[1].id == first
        assert rules[1].others == (NamedShare("Photographer", 500),)
        (party,) = entries.party_names(scope, creator)
        due = {
            name: -entries.account_balance(scope, name, creator_id=creator)["EUR"]
            for name in ("creator_due", "agency_due", "chatter_due", party)
        }
        assert due == {
            "creator_due": 6001 + 9000,
            "agency_due": 2500 + 1000,
            "chatter_due": 1000,
            party: 500,
        }
        (total,) = entries.creator_totals(
            scope, creator, scope.now - timedelta(days=1), scope.now + timedelta(days=9)
        )
        assert (total.net_minor, total.others_minor) == (20_001, 500)
        for payment in (now, later):
            entries.reverse_payment(scope, payment, at=scope.now)
        for name in due:
            assert not entries.account_balance(scope, name, creator_id=creator)["EUR"]


def test_rule_is_stored_once_and_a_coming_one_can_be_replaced(
    tenant: OpenScope, tenant_id: UUID, creator: UUID
) -> None:
    split_id = uuid7()
    for _ in range(2):
        with tenant(tenant_id, "system:test") as scope:
            revenue_splits.add_revenue_split(scope, creator, draft(scope, 2), split_id=split_id)
    with tenant(tenant_id, "system:test") as scope:
        again = draft(scope, 2, creator=7000, agency=1500)
        revenue_splits.add_revenue_split(scope, creator, again, split_id=uuid7())
        (rule,) = revenue_splits.list_revenue_splits(scope, creator)
        assert (rule.shares.creator, rule.agency_share, rule.chatter_share) == (7000, 1500, 1000)
        at = rule.starts_at
        assert entries.revenue_split_at(scope, creator, at) == rule.shares
        assert entries.revenue_split_at(scope, creator, at - timedelta(seconds=1)) is None
        acts = [one for one in audit.list_recent_acts(scope) if one.act == "split.set"]
        assert len(acts) == 2
        assert acts[0].details["after"] == "creator 70, agency 15, team 10, Photographer 5"
        other = agencies.add_creator(
            scope, slug="mia", name="Mia", kind="human", zone=ZONE, languages=["fr"]
        )
        with pytest.raises(Conflict, match=r"split\.other_creator"):
            revenue_splits.add_revenue_split(scope, other, draft(scope), split_id=split_id)


def test_shares_that_already_apply_are_no_new_rule(
    tenant: OpenScope, tenant_id: UUID, creator: UUID
) -> None:
    with tenant(tenant_id, "system:test") as scope:
        first = revenue_splits.add_revenue_split(scope, creator, draft(scope), split_id=uuid7())
        for day in (0, 2, 30):
            same = revenue_splits.add_revenue_split(
                scope, creator, draft(scope, day), split_id=uuid7()
            )
            assert same == first
        assert len(revenue_splits.list_revenue_splits(scope, creator)) == 1
        assert len([one for one in audit.list_recent_acts(scope) if one.act == "split.set"]) == 1


def test_rule_stored_before_keeps_its_meaning(
    tenant: OpenScope, tenant_id: UUID, creator: UUID
) -> None:
    with tenant(tenant_id, "system:test") as scope:
        entries.set_revenue_split(
            scope, creator, SplitShares(4000, 6000, 1000), effective_from=scope.now
        )
        (rule,) = revenue_splits.list_revenue_splits(scope, creator)
        assert (rule.shares.creator, rule.agency_share, rule.chatter_share) == (6000, 3600, 400)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"creator": 6001}, "split.not_whole"),
        ({"creator": -100, "agency": 8600}, "split.not_whole"),
        ({"others": (NamedShare(" ", 500),)}, "split.bad_name"),
        ({"others": (NamedShare("a\x07b", 500),)}, "split.bad_name"),
        ({"others": (NamedShare("x" * 61, 500),)}, "split.bad_name"),
        ({"others": (NamedShare("Ana", 250), NamedShare(" ANA ", 250))}, "split.same_name"),
        ({"others": tuple(NamedShare(f"p{i}", 50) for i in range(10))}, "split.too_many"),
        ({"days": -1}, "split.in_past"),
        ({"days": 367}, "split.too_far"),
    ],
)
def test_invalid_rule_is_refused_and_stores_nothing(
    tenant: OpenScope, tenant_id: UUID, creator: UUID, changed: dict[str, Any], code: str
) -> None:
    with tenant(tenant_id, "system:test") as scope:
        with pytest.raises(BadInput) as refused:
            revenue_splits.add_revenue_split(
                scope, creator, draft(scope, **changed), split_id=uuid7()
            )
        assert refused.value.message.code == code
        assert revenue_splits.list_revenue_splits(scope, creator) == []


def test_rule_in_a_closed_month_is_refused(
    tenant: OpenScope, tenant_id: UUID, creator: UUID
) -> None:
    with tenant(tenant_id, "system:test") as scope:
        scope.add(
            month_close.MonthClose(
                tenant_id=tenant_id,
                creator_id=creator,
                month=local_day(scope.now, ZONE).replace(day=1),
                digest="0" * 64,
                by="member:x",
            )
        )
        with pytest.raises(Refused, match=r"split\.closed_month"):
            revenue_splits.add_revenue_split(scope, creator, draft(scope), split_id=uuid7())


@pytest.mark.parametrize("name", ["revenue_parties", "payouts", "split_rules"])
@pytest.mark.parametrize("act", ["UPDATE {} SET creator_id = creator_id", "DELETE FROM {}"])
def test_tables_of_splits_and_payouts_are_append_only(
    tenant: OpenScope, tenant_id: UUID, name: str, act: str
) -> None:
    with (
        pytest.raises(DBAPIError, match="permission denied"),
        tenant(tenant_id, "system:test") as scope,
    ):
        scope.run(act.format(name))

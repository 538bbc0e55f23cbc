"""The notice of a sale: once for each creator and day, for members who may see the creator's money,
whatever was sold and however often an event is repeated."""

import ast
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.db.database import OpenScope
from foundation.i18n.translation import render_message
from foundation.ids import uuid7
from foundation.money import Money
from subscribers.ledger import entries, sale_notices
from subscribers.ledger.events import SalesBooked
from tenants.agencies import agencies, queries
from tenants.agencies.rights import Right, Role, has_right
from tenants.notices import member_notices, preferences
from tenants.notices.preferences import NotificationPreferences, Route
from tests.architecture.tree import product

ZONE = "Europe/Paris"


@dataclass
class Seller:
    """An agency with a member of each role and two creators."""

    open: OpenScope
    tenant_id: UUID
    nova: UUID
    zoe: UUID
    members: dict[Role, UUID]

    def sell(
        self, minor: int = 500, currency: str = "XTR", *, days: float = 0, **more: UUID
    ) -> None:
        with self.open(self.tenant_id, "system:test") as scope:
            entries.record_sale(
                scope,
                more.get("payment", uuid7()),
                Money(minor, currency),
                rail="rail:stars:till",
                at=scope.now - timedelta(days=days),
                creator_id=more.get("creator", self.nova),
                fan_id=None,
            )

    def handle(self) -> int:
        """Handle the waiting events twice each, as after a lost confirmation. Return their number."""
        with self.open(self.tenant_id, "system:test") as scope:
            rows = scope.run(
                "DELETE FROM outbox WHERE tenant_id = :t AND kind = 'sales.booked'"
                " RETURNING subject_id, args ->> 'day' AS day",
                t=self.tenant_id,
            ).all()
        for row in [*rows, *rows]:
            event = SalesBooked(self.tenant_id, row.subject_id, date.fromisoformat(row.day))
            sale_notices.notify_of_sales(event, tenant=self.open)
        return len(rows)

    def bell(self, role: Role = Role.OWNER) -> list[member_notices.MemberNotice]:
        with self.open(self.tenant_id, "system:test") as scope:
            member = queries.get_active_member(scope, self.members[role])
            return member_notices.list_notifications(scope, member)

    def read(self) -> None:
        with self.open(self.tenant_id, "system:test") as scope:
            member = queries.get_active_member(scope, self.members[Role.OWNER])
            member_notices.mark_all_read(scope, member)


def create_seller(tenant: OpenScope) -> Seller:
    tenant_id = uuid7()
    with tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Lumière", language="fr", zone=ZONE)
        nova, zoe = (
            agencies.add_creator(
                scope, slug=slug, name=slug.title(), kind="virtual", zone=ZONE, languages=["fr"]
            )
            for slug in ("nova", "zoe")
        )
        members = {
            role: agencies.add_member(
                scope,
                name=role.title(),
                email=f"{role}@example.test",
                role=role,
                language="fr",
                zone=ZONE,
                creators=["zoe"] if role is Role.CREATOR else [],
            )
            for role in Role
        }
    return Seller(tenant, tenant_id, nova, zoe, members)


@pytest.fixture
def seller(tenant: OpenScope) -> Seller:
    return create_seller(tenant)


def test_sale_rings_once_for_members_who_may_see_the_money(
    tenant: OpenScope, seller: Seller
) -> None:
    other = create_seller(tenant)
    payment = uuid7()
    for _ in range(3):  # the platform reports the charge again
        seller.sell(payment=payment)
    assert seller.handle() == 1
    for role in Role:
        sees = has_right(role, Right.MONEY) and role is not Role.CREATOR
        texts = [render_message(one.notice.message, "fr") for one in seller.bell(role)]
        assert texts == (["Nouvelle vente : 500 Étoiles."] if sees else []), role
        assert not other.bell(role), "another agency"
    seller.sell(creator=seller.zoe)
    seller.handle()
    assert [one.notice.creator_id for one in seller.bell(Role.CREATOR)] == [seller.zoe]


def test_bell_rings_again_for_each_further_sale_and_never_for_a_repeated_event(
    seller: Seller,
) -> None:
    seller.sell(500)
    seller.handle()
    seller.read()
    assert all(one.is_read for one in seller.bell())
    seller.sell(1250, "EUR")
    seller.handle()
    (one,) = seller.bell()
    assert not one.is_read
    assert render_message(one.notice.message, "en") == "2 sales on this day: €12.50 · 500 Stars."
    seller.read()
    seller.handle()
    assert seller.bell()[0].is_read


def test_import_rings_once_for_each_recent_day(seller: Seller) -> None:
    for number in range(120):
        seller.sell(100 + number, "EUR", days=number / 4)
    assert seller.handle() <= 3
    assert 1 <= len(seller.bell()) <= 3


def test_bell_respects_the_choices_of_a_member(seller: Seller) -> None:
    seller.sell()
    seller.handle()
    owner = seller.members[Role.OWNER]
    choices = (
        NotificationPreferences({"sales": frozenset({Route.EMAIL})}),
        NotificationPreferences(muted_creators=frozenset({seller.nova})),
    )
    for chosen in choices:
        with seller.open(seller.tenant_id, "system:test") as scope:
            preferences.set_preferences(scope, owner, chosen)
        assert not seller.bell()
    assert seller.bell(Role.ACCOUNTANT)


def test_assigned_payment_is_a_sale(seller: Seller) -> None:
    payment, money = uuid7(), Money(700, "USD")
    with seller.open(seller.tenant_id, "system:test") as scope:
        book = {"at": scope.now, "creator_id": seller.nova, "fan_id": None}
        entries.record_suspense(scope, payment, money, rail="rail:fanvue:till", **book)
    assert seller.handle() == 0, "nobody knows yet what was paid for"
    with seller.open(seller.tenant_id, "system:test") as scope:
        entries.settle_suspense(scope, payment, money, **book)
    seller.handle()
    assert "7,00" in render_message(seller.bell()[0].notice.message, "fr")


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(1, 10**6), st.sampled_from(["EUR", "XTR", "XTS", "JPY"])),
        min_size=1,
        max_size=6,
    )
)
def test_notice_contains_the_sums_of_the_ledger(
    tenant: OpenScope, sales: list[tuple[int, str]]
) -> None:
    seller = create_seller(tenant)
    for minor, currency in sales:
        seller.sell(minor, currency)
        seller.handle()
    (one,) = seller.bell()
    sums = {
        currency: Money(sum(minor for minor, code in sales if code == currency), currency)
        for _, currency in sales
    }
    params = one.notice.message.params
    assert params["amounts"] == ", ".join(str(sums[code]) for code in sorted(sums))
    assert params["count"] == len(sales)


def test_every_sale_of_the_product_is_booked_where_the_bell_rings() -> None:
    """`record_sale` and `settle_suspense` notify; only the imported history is silent."""
    callers = {
        source.path
        for source in product()
        for call in source.nodes(ast.Call)
        if call.args and isinstance(call.args[0], ast.Constant) and call.args[0].value == "sale"
    }
    assert {path for path in callers if path.startswith("subscribers/")} <= {
        "subscribers/ledger/entries.py"
    }

"""The views of sales, audience and costs: what each role sees, and entering and voiding a cost."""

import re
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import local_day
from insights.sharing import share_links
from subscribers.fans.models import Fan
from subscribers.ledger import cost_entries, entries
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream


def sell(agency: Agency, at: datetime, minor: int, fan: UUID | None = None) -> UUID:
    payment = uuid7()
    with agency.scope() as scope:
        entries.record_sale(
            scope,
            payment,
            Money(minor, "EUR"),
            rail="rail:stars:x",
            at=at,
            creator_id=agency.creator_id,
            fan_id=fan,
        )
    return payment


@pytest.fixture
def paul(lumiere: Agency) -> UUID:
    """Return a fan who bought twice this week and was refunded once."""
    with lumiere.scope() as scope:
        now = scope.now
        fan = Fan(
            tenant_id=lumiere.tenant_id,
            creator_id=lumiere.creator_id,
            display_name="Paul Éluard",
            language="fr",
        )
        scope.add(fan)
        scope.session.flush()
        fan_id = fan.id
    sell(lumiere, now - timedelta(days=2), 12345, fan_id)
    back = sell(lumiere, now - timedelta(days=1), 1000, fan_id)
    with lumiere.scope() as scope:
        entries.reverse_payment(scope, back, at=now)
    return fan_id


@pytest.mark.parametrize("role", Role)
def test_views_show_sales_and_names_by_right(
    door: Door, lumiere: Agency, paul: UUID, role: Role
) -> None:
    sees = role in {Role.OWNER, Role.MANAGER, Role.CREATOR, Role.ACCOUNTANT}
    with stream(door.url, door.cookie(lumiere, role)) as page:
        text = page.open("/insights", view="sales")
        assert ("133,45\xa0€" in text) == sees, "gross"
        assert ("123,45\xa0€" in text) == sees, "net"
        if not sees:
            return
        text = page.choose("Ventes par", "Fan")
        names = role is not Role.ACCOUNTANT
        assert ("Paul Éluard" in text) == names
        text = page.choose("Affichage", "Audience")
        assert ("Paul Éluard" in text) == names
        assert "français" in text
        assert (f"fan {paul.hex[-4:]}" in text.lower()) != names


def test_sales_without_data_say_so(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Aucune vente sur cette période." in page.open("/insights", view="sales")
        for view in ("Audience", "Coûts et marge"):
            assert "Aucune donnée" in page.choose("Affichage", view)


def test_cost_is_added_once_and_voided(door: Door, lumiere: Agency) -> None:
    lumiere.sold(0, 20_000)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/insights", view="costs", period="this_month")
        page.type("Note", "Campagne de mai")
        page.type("Montant", "12,345")
        text = page.press("Ajouter le coût")
        assert "« 12,345 » n’est pas un montant" in text
        page.type("Montant", "49,90")
        text = page.press("Ajouter le coût")
        assert "Coût de 49.90 EUR ajouté." in text or "49,90" in text
        assert "Campagne de mai" in text
        assert "150,10\xa0€" in text, "profit"
        assert "300,8" in text, "ROI in per cent"
        text = page.press("Annuler")
        assert "Annulé" in text
        assert "200,00\xa0€" in text
    with lumiere.scope() as scope:
        today = local_day(scope.now, ZONE)
        (entry,) = cost_entries.list_cost_entries(scope, [lumiere.creator_id], today, today)
    assert entry.money == Money(4990, "EUR")
    assert entry.voided_by == lumiere.act_as(Role.OWNER)


def test_accounts_without_books_right_cannot_enter_costs(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere, Role.CREATOR)) as page:
        page.open("/insights", view="costs")
        assert "Ajouter le coût" not in page.labels()


def test_share_link_is_created_and_revoked_on_the_page(
    door: Door, lumiere: Agency, paul: UUID
) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/insights", view="sales", period="days_7")
        text = page.press("Créer le lien")
        assert "Donnez au lien un nom" in text
        page.type("Nom du lien", "Pour la comptable")
        text = page.press("Créer le lien")
        assert "Copiez l’adresse maintenant" in text
        (address,) = re.findall(r"/shared/[\w-]{43}", text)
        assert "Révoquer" in page.labels()
        page.press("Révoquer")
        assert "Révoquer" not in page.labels()
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        (link,) = share_links.list_share_links(scope)
    assert (link.name, link.rolling) == ("Pour la comptable", True)
    assert link.revoked_at is not None
    assert address.rpartition("/")[2] not in repr(link)


def test_creators_cannot_share(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere, Role.CREATOR)) as page:
        page.open("/insights", view="sales")
        assert "Créer le lien" not in page.labels()

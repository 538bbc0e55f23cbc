"""Sales, audience, costs and share links in a real browser: from the sums of a period to a file, a
cost and a page for a client."""

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from foundation.ids import uuid7
from foundation.money import Money
from subscribers.fans.models import Fan
from subscribers.ledger import entries
from tests.browser.chromium import Chromium, Visitor
from tests.browser.page_checks import page_faults
from tests.browser.test_dashboard import enter
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.web.builders import WebServer

MAIN = '[data-testid="stMain"] .gr'


@pytest.fixture
def earning(lumiere: Agency) -> Agency:
    """Return an agency whose creator sold to a fan on ten days and refunded one sale."""
    with lumiere.scope() as scope:
        fan = Fan(
            tenant_id=lumiere.tenant_id,
            creator_id=lumiere.creator_id,
            display_name="Paul Éluard",
            language="fr",
        )
        scope.add(fan)
        scope.session.flush()
        for back in range(10):
            payment = uuid7()
            entries.record_sale(
                scope,
                payment,
                Money(1001 + back, "EUR"),
                rail="rail:stars:x",
                at=scope.now - timedelta(days=back, hours=back % 5),
                creator_id=lumiere.creator_id,
                fan_id=fan.id,
            )
        entries.reverse_payment(scope, payment, at=scope.now)
    return lumiere


def open_view(visitor: Visitor, door: Door, who: Agency, view: str) -> None:
    enter(visitor, door, who)
    visitor.go(f"{door.url}/insights?view={view}&period=days_28")
    visitor.rest()


def test_sales_on_screen_equal_the_downloaded_file(
    chromium: Chromium, door: Door, earning: Agency, tmp_path: Path
) -> None:
    with chromium.visitor(1440) as visitor:
        open_view(visitor, door, earning, "sales")
        visitor.shows("90,45\xa0€")
        chart = '[data-testid="stVegaLiteChart"]'
        visitor.page.locator(f"{chart} canvas, {chart} svg").first.wait_for()
        visitor.press("Fan")
        visitor.shows("Paul Éluard")
        assert page_faults(visitor, MAIN) == []
        with visitor.page.expect_download() as download:
            visitor.page.get_by_role("button", name="CSV").nth(1).click()
        download.value.save_as(tmp_path / "days.csv")
        lines = list(csv.DictReader(io.StringIO((tmp_path / "days.csv").read_text("utf-8"))))
        assert sum(Decimal(line["Ventes nettes"]) for line in lines) == Decimal("90.45")
        with visitor.page.expect_download() as download:
            visitor.page.get_by_role("button", name="Excel").nth(1).click()
        assert download.value.suggested_filename.endswith(".xlsx")
        assert visitor.complaints == []


def test_cost_lowers_the_profit_of_its_month(
    chromium: Chromium, door: Door, earning: Agency
) -> None:
    with chromium.visitor(1440) as visitor:
        open_view(visitor, door, earning, "costs")
        visitor.type("Montant", "4,x")
        visitor.press("Ajouter le coût")
        visitor.shows("n’est pas un montant")
        visitor.type("Montant", "12,34")
        visitor.press("Ajouter le coût")
        visitor.shows("Coût de")
        visitor.shows("12,34\xa0€")
        assert page_faults(visitor, MAIN) == []
        assert visitor.complaints == []


def test_client_sees_shared_sums_until_the_link_is_revoked(
    chromium: Chromium, door: Door, earning: Agency, room: WebServer
) -> None:
    with chromium.visitor(1440) as visitor:
        open_view(visitor, door, earning, "sales")
        visitor.press("Partager")
        visitor.type("Nom du lien", "Pour Anna")
        visitor.press("Créer le lien")
        visitor.shows("Copiez l’adresse maintenant")
        address = visitor.page.get_by_test_id("stCode").inner_text()
        (path,) = re.findall(r"/shared/[\w-]{43}", address)
        base = str(room.client.base_url).rstrip("/")
        for width in (1440, 390):
            with chromium.visitor(width) as client:
                client.go(f"{base}{path}")
                client.shows("Pour Anna")
                client.shows("90,45\xa0€")
                assert "Paul" not in client.text()
                assert client.overflow <= 0
                assert client.complaints == []
        visitor.press("Révoquer")
        visitor.shows("Lien de partage révoqué")
    assert room.client.get(path).status_code == 404


def test_money_views_fit_a_phone(chromium: Chromium, door: Door, earning: Agency) -> None:
    with chromium.visitor(390) as visitor:
        enter(visitor, door, earning)
        for view in ("sales", "audience", "costs"):
            visitor.go(f"{door.url}/insights?view={view}&period=days_28")
            visitor.rest()
            assert visitor.overflow <= 0, view
            assert page_faults(visitor, MAIN) == [], view
        assert visitor.complaints == []

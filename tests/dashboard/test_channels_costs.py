"""What a platform asked for requests: on Accounts with the cap that the agency types, and beside a month's books."""

from datetime import timedelta
from uuid import UUID

import pytest

from channels import charging, connecting
from connectors.contract import Response
from dashboard.printing import Sheet, pdf
from dashboard.wording import Voice
from foundation.money import Money
from foundation.sealed import Sealed
from insights import reports
from schedules import costs
from schedules.calendar import local_day, zone_of
from studio.costs import Bill
from subscribers import closing
from tenants.roles import Role
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streams import stream


@pytest.fixture
def account(lumiere: Agency) -> UUID:
    """An account on X that posted twice this month, once with a link."""
    with lumiere.scope() as scope:
        channel_id = connecting.connect(
            scope,
            creator_id=lumiere.creator_id,
            platform="x",
            surface="x.post",
            account=f"17{str(lumiere.tenant_id)[-6:]}",
            name="@lumiere",
            base_url="https://api.x.com",
            token=Sealed(b"x"),
            zone="Europe/Paris",
        )
        for words in ("bonjour", "https://example.com"):
            charging.note(scope, channel_id, "x", Response("publish", 201, {}, {}), words)
    return channel_id


@pytest.mark.usefixtures("account")
def test_an_account_tells_its_month_and_its_agency_caps_it(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/channels").replace("\xa0", " ").replace("\u202f", " ")
        assert "X a demandé environ 0,22 $US pour ses requêtes ce mois-ci : 2 publications, dont 1 avec un lien" in text
        page.type("Au plus par mois sur X", "beaucoup")
        assert "Écrivez un montant en USD" in page.press("Garder le plafond")
        page.type("Au plus par mois sur X", "0.30")
        assert "Le plafond est gardé." in page.press("Garder le plafond")
    with lumiere.scope() as scope:
        found = charging.month(scope, "x")
        assert found is not None
        assert found.cap == Money(30, "USD")


@pytest.mark.usefixtures("account")
def test_what_was_asked_stands_beside_a_months_books_and_in_its_files(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        last = (local_day(scope.now, ZONE).replace(day=1) - timedelta(days=1)).replace(day=1)
        moved = "UPDATE request_costs SET month = :month WHERE tenant_id = :t"
        scope.run(moved, month=f"{last:%Y-%m}", t=scope.tenant_id)
    with stream(door.url, door.cookie(lumiere, Role.ACCOUNTANT)) as page:
        shown = page.open("/shop", view="books").replace("\xa0", " ").replace("\u202f", " ")
    assert "X, @lumiere : 0,22 $US" in shown
    with lumiere.scope() as scope:
        month = closing.month(scope, lumiere.creator_id, last)
        asked = charging.of_creator(scope, lumiere.creator_id, f"{last:%Y-%m}")
        table = reports.costs_table(costs.of_month(scope, lumiere.creator_id, f"{last:%Y-%m}"), asked)
    assert not month.totals
    assert table.splitlines()[-1] == f"requests,{last:%Y-%m},,x @lumiere,21.5000,,USD,,2"
    voice = Voice("fr", zone_of(ZONE))
    with_it, without = (pdf(Sheet("Mia", "L", "Mia", "", month, Bill(), voice, said)) for said in (asked, ()))
    assert with_it != without

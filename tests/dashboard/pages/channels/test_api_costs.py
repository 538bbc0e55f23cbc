"""API costs of a platform: on Channels with the monthly cap of the agency, and in the accounting of
a month."""

from datetime import timedelta
from uuid import UUID

import pytest

from channels.accounts import lifecycle
from channels.limits import request_costs
from connectors.contract.connector import Response
from dashboard.pages.shop.statement_pdf import MonthlyStatement, render_statement_pdf
from dashboard.shell.localization import MemberLocalizer
from foundation.money import Money
from foundation.ops.wall_time import load_zone, local_day
from foundation.sealed import Sealed
from insights.reports import daily_report
from schedules.posts import post_costs
from studio.costs.cost_report import SpendingTotal
from subscribers.ledger import month_close
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream


@pytest.fixture
def account(lumiere: Agency) -> UUID:
    """Return an account on X with two posts this month, one of them with a link."""
    with lumiere.scope() as scope:
        channel_id = lifecycle.connect_account(
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
            request_costs.record_costs(
                scope, channel_id, "x", Response("publish", 201, {}, {}), words
            )
    return channel_id


@pytest.mark.usefixtures("account")
def test_account_shows_its_costs_and_the_agency_sets_a_cap(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/channels").replace("\xa0", " ").replace("\u202f", " ")
        assert (
            "Coûts de l’API X ce mois-ci : environ 0,22 $US (publications : 2, dont avec lien : 1"
            in text
        )
        page.type("Plafond mensuel pour X", "beaucoup")
        assert "Saisissez un montant en USD" in page.press("Enregistrer le plafond")
        page.type("Plafond mensuel pour X", "0.30")
        assert "Plafond enregistré." in page.press("Enregistrer le plafond")
    with lumiere.scope() as scope:
        found = request_costs.monthly_costs(scope, "x")
        assert found is not None
        assert found.cap == Money(30, "USD")


@pytest.mark.usefixtures("account")
def test_api_costs_are_in_the_accounting_and_its_exports(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        last = (local_day(scope.now, ZONE).replace(day=1) - timedelta(days=1)).replace(day=1)
        moved = "UPDATE request_costs SET month = :month WHERE tenant_id = :t"
        scope.run(moved, month=f"{last:%Y-%m}", t=scope.tenant_id)
    with stream(door.url, door.cookie(lumiere, Role.ACCOUNTANT)) as page:
        page.open("/shop", view="books")
        shown = page.choose("Mois", page.find("Mois", "selectbox").options[1])
    shown = shown.replace("\xa0", " ").replace("\u202f", " ")
    assert "X, @lumiere : 0,22 $US" in shown
    with lumiere.scope() as scope:
        month = month_close.load_ledger_month(scope, lumiere.creator_id, last)
        asked = request_costs.creator_bills(scope, lumiere.creator_id, f"{last:%Y-%m}")
        table = daily_report.render_costs_csv(
            post_costs.load_month_cost(scope, lumiere.creator_id, f"{last:%Y-%m}"), asked
        )
    assert not month.totals
    assert table.splitlines()[-1] == f"requests,{last:%Y-%m},,x @lumiere,21.5000,,USD,,2"
    voice = MemberLocalizer("fr", load_zone(ZONE))
    with_it, without = (
        render_statement_pdf(
            MonthlyStatement("Mia", "L", "Mia", "", month, SpendingTotal(), voice, said)
        )
        for said in (asked, ())
    )
    assert with_it != without

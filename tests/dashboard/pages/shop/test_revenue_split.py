"""Revenue splits and payouts in the shop: set, refused beside the form, paid, and by role."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from foundation.i18n.translation import LANGUAGES
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import local_day
from insights.reports.payout_statement_pdf import render_payout_statement_pdf
from subscribers.ledger import entries, payout_statements, revenue_splits
from subscribers.ledger.entries import SplitShares
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import Stream, stream


@pytest.fixture
def opened(door: Door, lumiere: Agency) -> Iterator[Stream]:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/shop", view="split")
        yield page


def sell(who: Agency, minor: int, *, days: int = 0) -> None:
    with who.scope() as scope:
        entries.record_sale(
            scope,
            uuid7(),
            Money(minor, "EUR"),
            rail="rail:sandbox:x",
            at=scope.now + timedelta(days=days),
            creator_id=who.creator_id,
            fan_id=None,
        )


def set_split(who: Agency) -> None:
    with who.scope() as scope:
        shares = SplitShares(4000, 6000, 0)
        entries.set_revenue_split(scope, who.creator_id, shares, effective_from=scope.now)


def test_split_is_set_with_another_party_and_books_the_next_sale(
    opened: Stream, lumiere: Agency
) -> None:
    name = opened_name(lumiere)
    assert "Aucune répartition" in opened.again()
    opened.type(f"{name} (%)", "60")
    opened.type("Agence (%)", "25")
    opened.type("Équipe (%)", "10")
    opened.type("Autre bénéficiaire 1", "Ana <b>Photo</b>")
    told = opened.type("Part 1 (%)", "4,5")
    assert "Total : 99,5 %" in told
    told = opened.press("Enregistrer la répartition")
    assert "Le total des parts est de 99.5 %" in told
    opened.type("Part 1 (%)", "5")
    told = opened.press("Enregistrer la répartition")
    assert "Répartition enregistrée" in told
    assert "Le total des parts" not in told
    assert "en vigueur" in told
    assert "Ana &lt;b&gt;Photo&lt;/b&gt;" in told
    sell(lumiere, 10_000)
    with lumiere.scope() as scope:
        (rule,) = revenue_splits.list_revenue_splits(scope, lumiere.creator_id)
        assert rule.by.startswith("member:")
        (total,) = entries.creator_totals(
            scope, lumiere.creator_id, scope.now - timedelta(days=1), scope.now + timedelta(days=1)
        )
    assert (total.creator_minor, total.staff_minor, total.others_minor) == (6000, 1000, 500)


def opened_name(who: Agency) -> str:
    with who.scope() as scope:
        found: str = scope.run(
            "SELECT name FROM creators WHERE tenant_id = :t", t=who.tenant_id
        ).scalar_one()
    return found


def test_double_press_stores_one_rule(opened: Stream, lumiere: Agency) -> None:
    opened.type("Agence (%)", "0")
    opened.press_twice("Enregistrer la répartition")
    with lumiere.scope() as scope:
        assert len(revenue_splits.list_revenue_splits(scope, lumiere.creator_id)) == 1


@pytest.mark.parametrize("role", Role)
def test_only_owner_and_manager_set_splits(door: Door, lumiere: Agency, role: Role) -> None:
    set_split(lumiere)
    with stream(door.url, door.cookie(lumiere, role)) as page:
        text = page.open("/shop", view="split")
        saves = "Enregistrer la répartition" in page.labels()
    assert ("Répartition des revenus" in text) == (
        role in {Role.OWNER, Role.MANAGER, Role.CREATOR, Role.ACCOUNTANT}
    )
    assert saves == (role in {Role.OWNER, Role.MANAGER})


def test_payout_is_recorded_once_and_refused_beside_the_form(door: Door, lumiere: Agency) -> None:
    set_split(lumiere)
    sell(lumiere, 10_000)
    with lumiere.scope() as scope:
        month = local_day(scope.now, ZONE).replace(day=1)
    with stream(door.url, door.cookie(lumiere, Role.ACCOUNTANT)) as page:
        page.open("/shop", view="books")
        assert page.find("Mois", "selectbox").drawn.default == 0
        assert "Solde final dû au créateur" in page.again()
        assert {
            "Télécharger le relevé de versement en CSV",
            "Télécharger le relevé de versement en PDF",
        } <= set(page.labels("download_button"))
        page.type("Montant versé", "beaucoup")
        page.type("Référence", "SEPA 7")
        told = page.press("Enregistrer le versement")
        assert "« beaucoup » n’est pas un montant" in told
        page.type("Montant versé", "61")
        assert "Seuls 60,00\xa0€ sont dus" in page.press("Enregistrer le versement")
        page.type("Montant versé", "40")
        page.press_twice("Enregistrer le versement")
        told = page.again()
    assert "SEPA 7" in told
    with lumiere.scope() as scope:
        found = payout_statements.load_payout_statement(scope, lumiere.creator_id, month)
        (section,) = found.sections
        assert (section.paid, section.closing) == (Money(4000, "EUR"), Money(2000, "EUR"))
        for language in LANGUAGES:
            made = render_payout_statement_pdf(found, language)
            assert made[:5] == b"%PDF-"
            assert made == render_payout_statement_pdf(found, language)


def test_member_of_another_creator_sees_no_split(door: Door, lumiere: Agency) -> None:
    set_split(lumiere)
    name = opened_name(lumiere)
    with lumiere.scope() as scope:
        agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="human", zone=ZONE, languages=["fr"]
        )
        scope.run(
            """UPDATE members SET creators = '["zoe"]' WHERE id = :m""",
            m=lumiere.members[Role.MANAGER],
        )
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        text = page.open("/shop", view="split")
    assert "Aucune répartition" in text
    assert "Répartition des revenus de Zoé" in text
    assert f"Répartition des revenus de {name}" not in text

"""The view Links: forms, refusals, rights, the table with its totals, and its downloads."""

from datetime import timedelta

import pytest

from channels.accounts import lifecycle
from channels.links import short_links
from dashboard.pages.analytics.links.table import sort_results
from foundation.db.database import Scope
from foundation.ids import derived_uuid, uuid7
from foundation.money import Money
from foundation.sealed import Sealed
from insights.attribution import link_results
from insights.attribution.credits import AttributionModel
from insights.reports.tables.link_table import LINK_COLUMNS, build_link_sheet
from insights.workspace import saved_views
from subscribers.acquisition import links
from subscribers.acquisition.links import (
    AcquisitionLink,
    LinkDestination,
    LinkDetails,
    LinkDraft,
    LinkSource,
)
from tenants.agencies.queries import get_creator
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream

TARGET = "https://shop.example.org/"


def _create(scope: Scope, agency: Agency, name: str, cost: Money | None = None) -> AcquisitionLink:
    draft = LinkDraft(
        agency.creator_id,
        LinkDetails(name, LinkSource.AD, cost),
        LinkDestination.WEB,
        url=TARGET,
    )
    return links.create_link(scope, draft, connectors={}, key=uuid7())


def _chat_account(scope: Scope, agency: Agency) -> None:
    lifecycle.connect_account(
        scope,
        creator_id=agency.creator_id,
        platform="sandbox",
        surface="sandbox.post",
        chat_surface="sandbox.chat",
        account=f"bot-{agency.creator_id}",
        name="Le bot",
        base_url="http://127.0.0.1:9",
        token=Sealed(b"x"),
        zone="UTC",
    )


def test_link_is_created_opened_changed_and_archived(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        _chat_account(scope, lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Aucun lien." in page.open("/insights", view="links")
        page.type("Nom", "Bio Instagram")
        page.type("Coût", "abc")
        refused = page.press("Ajouter le lien")
        assert "Saisissez le coût" in refused
        page.type("Coût", "99,50")  # the name is still there
        text = page.press("Ajouter le lien")
        assert "« Bio Instagram » a été créé" in text
        assert "/l/" in text
        assert "?start=from-" in text
        page.type("Nom", "Bio TikTok")  # the form of the opened link comes first
        text = page.press("Enregistrer")
        assert "« Bio TikTok » a été modifié" in text
        text = page.press("Archiver")
        assert "a été archivé" in text
        assert "Bio TikTok" in page.choose("Liens", "Archivés")
    with lumiere.scope() as scope:
        (link,) = links.list_links(scope, [lumiere.creator_id], archived=True)
        assert link.details.cost == Money(9950, "EUR")
        assert short_links.short_link_target(scope, link.slug) == link.target


def test_link_to_a_page_with_a_bot_shows_the_address_of_its_button(
    door: Door, lumiere: Agency
) -> None:
    with lumiere.scope() as scope:
        _chat_account(scope, lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/insights", view="links")
        assert "Bot de la page" in page.choose("Destination", "Page web")
        page.choose("Bot de la page", "Le bot")
        page.type("Page web", TARGET)
        page.type("Nom", "Blog")
        text = page.press("Ajouter le lien")
        assert "Adresse pour le bouton de la page" in text
        assert "?start=from-" in text


def test_saved_view_restores_the_model_and_the_archive(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/insights", view="links", model="first")
        page.choose("Liens", "Archivés")
        page.type("Nom de la vue", "Premiers contacts")
        page.press("Enregistrer cette vue")
        page.choose("Attribution", "Linéaire")
        page.choose("Liens", "Actifs")
        text = page.press("Premiers contacts")
        assert "Premier contact : une vente" in text
        assert "Aucun lien archivé." in text
    with lumiere.scope() as scope:
        (view,) = saved_views.list_views(scope, lumiere.members[Role.OWNER])
    assert (view.parameters["model"], view.parameters["shown"]) == ("first", "archived")


@pytest.mark.parametrize(("role", "writes"), [(Role.MANAGER, True), (Role.ACCOUNTANT, False)])
def test_only_members_who_run_the_agency_change_links(
    door: Door, lumiere: Agency, role: Role, writes: bool
) -> None:
    with lumiere.scope() as scope:
        _create(scope, lumiere, "Campagne")
    with stream(door.url, door.cookie(lumiere, role)) as page:
        text = page.open("/insights", view="links")
        assert "Campagne" in text
        assert "Observé, non causal" in text
        assert ("Connectez d’abord un bot Telegram" in text) == writes


def test_domain_of_short_links_is_saved(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        _create(scope, lumiere, "Campagne")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/insights", view="links")
        page.type("Domaine des liens courts", "go lumiere")
        assert "Saisissez un nom d’hôte" in page.press("Enregistrer le domaine")
        page.type("Domaine des liens courts", "go.lumiere.fr")
        page.press("Enregistrer le domaine")
    with lumiere.scope() as scope:
        report = _report(scope, lumiere)
        sheet = build_link_sheet(report, "https://go.lumiere.fr", {})
        row = dict(zip(LINK_COLUMNS, sheet.rows[0], strict=True))
    assert str(row["short_url"]).startswith("https://go.lumiere.fr/l/")


def _report(scope: Scope, agency: Agency) -> link_results.LinkReport:
    creator = get_creator(scope, agency.creator_id)
    last = scope.now.date() + timedelta(days=1)
    return link_results.load_link_report(
        scope, [creator], last - timedelta(days=30), last, AttributionModel.LAST
    )


def test_columns_sort_and_unknown_values_come_last(lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        made = [_create(scope, lumiere, name) for name in ("b", "a", "c")]
        for link, count in zip(made, (5, 9, 1), strict=True):
            short_links.count_click(
                scope, derived_uuid(scope.tenant_id, "link", link.slug), people=count
            )
        found = _report(scope, lumiere).results
    for sort, descending, expected in (
        ("name", False, "abc"),
        ("clicks", True, "abc"),
        ("clicks", False, "cba"),
    ):
        ordered = sort_results(found, sort, descending=descending)
        assert "".join(one.link.details.name for one in ordered) == expected
    # A web page has no measured sales.
    assert [sort_results(found, "roi", descending=way)[0].roi for way in (True, False)] == [
        None
    ] * 2

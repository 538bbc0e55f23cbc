"""The page Reports: schedules with their recipients and stored reports, and reports of any period;
each member sees only their own creators."""

from uuid import UUID

import pytest

from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import local_day
from insights.reports import deliveries, runs, schedules
from insights.reports.events import ReportDue
from insights.reports.periods import ReportKind, period_before
from insights.rollups.history_import import PastDay, import_past_days
from insights.rollups.queries import DaySales, DayWork
from tenants.agencies import agencies
from tenants.agencies.queries import list_members
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream


@pytest.fixture
def zoe(lumiere: Agency) -> UUID:
    """Return a second creator, and record last week's sales of both."""
    with lumiere.scope() as scope:
        made = agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="human", zone=ZONE, languages=["fr"]
        )
        monday = period_before(ReportKind.WEEKLY, local_day(scope.now, ZONE)).first
        for creator, minor in ((lumiere.creator_id, 1234), (made, 5000)):
            none = Money(0, "EUR")
            sales = DaySales(2, Money(minor, "EUR"), none, none, none, none)
            work = DayWork(published=3, views=400)
            import_past_days(scope, [PastDay(creator, monday, work, (sales,))])
    return made


def test_schedule_is_created_changed_paused_and_deleted(
    door: Door, lumiere: Agency, zoe: UUID
) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Aucun rapport n’est encore programmé" in page.open("/reports")
        page.press("Nouveau rapport")
        page.type("Autres adresses e-mail", "pas une adresse")
        page.type("Nom", "Point du lundi")
        text = page.press("Enregistrer")
        assert "pas une adresse n’est pas une adresse e-mail valide" in text
        page.type("Autres adresses e-mail", "client@example.com\nautre@Example.COM")
        text = page.press("Enregistrer")
        assert "La programmation est enregistrée." in text
        for said in ("Point du lundi", "client@example.com", "autre@example.com", "Tous les"):
            assert said in text, said
        assert "chaque semaine, lundi à 08:00" in text
        page.press("Modifier")
        page.choose("Période", "Quotidien")
        assert "chaque jour à 08:00" in page.press("Enregistrer")
        assert "En pause" in page.press("Mettre en pause")
        assert "Prochain rapport" in page.press("Reprendre")
        page.press("Supprimer la programmation")
        assert "Point du lundi" not in page.open("/reports")


def create(lumiere: Agency, creators: tuple[UUID, ...]) -> UUID:
    with lumiere.scope() as scope:
        owner = next(one for one in list_members(scope) if one.role is Role.OWNER)
        form = schedules.ReportForm(
            *("Point Zoé", ReportKind.WEEKLY, "client", creators, 8, ZONE, "fr"),
            recipients=(schedules.Recipient("email", None, "client@example.com"),),
        )
        made = schedules.create_schedule(scope, uuid7(), form, owner)
        period = period_before(ReportKind.WEEKLY, local_day(scope.now, ZONE))
        tenant_id = scope.tenant_id
    runs.create_report(ReportDue(tenant_id, made, period.first, period.last), tenant=lumiere.open)
    return made


def test_stored_report_is_linked_sent_again_and_revoked(
    door: Door, lumiere: Agency, zoe: UUID
) -> None:
    schedule = create(lumiere, (zoe,))
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/reports")
        assert "client@example.com: en attente" in text
        text = page.press("Créer un lien")
        assert "/reports/" in text
        assert "Le rapport est renvoyé" in page.press("Renvoyer")
        assert "Liens révoqués : 1." in page.press("Révoquer les liens")
    with lumiere.scope() as scope:
        (run,) = runs.list_runs(scope, schedule)
        routes = sorted(one.route for one in deliveries.list_deliveries(scope, [run.id]))
    assert routes == ["email", "email", "link"]


def test_report_of_a_period_shows_only_the_members_creators(
    door: Door, lumiere: Agency, zoe: UUID
) -> None:
    create(lumiere, ())
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "62,34\xa0€" in page.open("/reports", section="download")
    with lumiere.scope() as scope:
        scope.run("UPDATE members SET creators = '[\"zoe\"]' WHERE role = 'accountant'")
    with stream(door.url, door.cookie(lumiere, Role.ACCOUNTANT)) as page:
        assert "Point Zoé" not in page.open("/reports")
    with stream(door.url, door.cookie(lumiere, Role.ACCOUNTANT)) as page:
        text = page.open("/reports", section="download")
        assert "50,00\xa0€" in text
        assert "62,34" not in text


@pytest.mark.parametrize(
    ("role", "opens"), [(Role.CREATOR, True), (Role.CHATTER, False), (Role.GUEST, False)]
)
def test_page_opens_for_members_who_see_sales(
    door: Door, lumiere: Agency, role: Role, opens: bool
) -> None:
    with stream(door.url, door.cookie(lumiere, role)) as page:
        assert ("Nouveau rapport" in page.open("/reports")) == opens

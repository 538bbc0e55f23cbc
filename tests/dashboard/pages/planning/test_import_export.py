"""Import and export of the calendar: a file is checked, imported and undone; exports, subscriptions
and feeds."""

import re
from datetime import date, timedelta

import pytest

from connectors.registry import loader
from dashboard.pages.planning import import_export_queries as reads
from dashboard.shell.localization import MemberLocalizer
from foundation.db.database import OpenScope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops.wall_time import load_zone, local_day
from schedules.calendar import calendar_subscriptions
from schedules.feeds import sources
from schedules.imports import handlers, import_files
from schedules.imports.csv_rows import ImportFinding
from schedules.imports.events import ImportApply, ImportCheck
from schedules.imports.states import ImportState
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import Stream, stream
from tests.schedules.csv_files import format_csv

CONNECTORS = loader.load_connectors()
FIELD = "Fichier CSV"


def line(who: Agency, key: object = 1, **more: object) -> dict[str, object]:
    """Return a valid row."""
    with who.scope() as scope:
        day = local_day(scope.now, ZONE) + timedelta(days=2)
    usual = {
        "key": key,
        "creator": "mia",
        "channels": "Sandbox",
        "date": day,
        "time": "10:00",
        "zone": ZONE,
    }
    return {**usual, "body": f"importée {key}", **more}


def work(who: Agency) -> None:
    """Process the pending imports as the workers do."""
    with who.scope() as scope:
        asked = (
            "SELECT id, kind, subject_id, args FROM outbox WHERE tenant_id = :t AND kind LIKE "
            "'import.%'"
        )
        rows = scope.run(asked, t=who.tenant_id).all()
        scope.run("DELETE FROM outbox WHERE id = ANY(:ids)", ids=[row.id for row in rows])
    for row in rows:
        if row.kind == ImportCheck.kind:
            event = ImportCheck(who.tenant_id, row.subject_id)
            handlers.check_import(event, tenant=who.open, connectors=CONNECTORS)
        else:
            said = ImportApply(who.tenant_id, row.subject_id, row.args["by"])
            handlers.apply_import(said, tenant=who.open, connectors=CONNECTORS)


@pytest.fixture
def mia(lumiere: Agency) -> Agency:
    """Return an agency with an account named Sandbox."""
    lumiere.post("déjà là", minutes=60)
    return lumiere


def bring(page: Stream, who: Agency, data: bytes) -> str:
    """Upload a file on the open page and check it as the workers do."""
    page.attach(FIELD, {"posts.csv": data})
    work(who)
    return page.again()


def states(who: Agency) -> list[str]:
    with who.scope() as scope:
        asked = (
            "SELECT d.state FROM deliveries d JOIN posts p ON p.tenant_id = d.tenant_id AND p.id "
            "= d.post_id"
            " WHERE d.tenant_id = :t AND p.origin = 'csv' ORDER BY d.state"
        )
        return list(scope.run(asked, t=who.tenant_id).scalars())


def test_import_is_checked_applied_and_undone(door: Door, mia: Agency) -> None:
    with stream(door.url, door.cookie(mia)) as page:
        page.open("/calendar")
        page.press("Importer et exporter")
        assert "files=1" in page.query
        seen = bring(page, mia, format_csv([line(mia, 1), line(mia, 2, zone="")]))
        assert "Prêt à importer" in seen
        assert "Aucun fuseau horaire indiqué" in seen
        assert states(mia) == []
        assert "toutes les publications ou aucune" in page.press(
            "Importer 2 publications en brouillon"
        )
        work(mia)
        assert "Publications importées : 2." in page.again()
        assert states(mia) == ["draft", "draft"]
        assert "importée 1" in page.open("/calendar", view="list")
        page.open("/calendar", files="1")
        assert "Déprogrammées : 2." in page.press("Annuler l’import maintenant")
    assert states(mia) == ["cancelled", "cancelled"]


def test_problems_are_listed_by_line_and_prevent_the_import(door: Door, mia: Agency) -> None:
    with stream(door.url, door.cookie(mia)) as page:
        page.open("/calendar", files="1")
        rows = [line(mia, 1), line(mia, 2, channels="Sandbx"), line(mia, 3, body="<b>&")]
        seen = bring(page, mia, format_csv(rows))
        assert "Erreurs à corriger" in seen
        assert (
            "Mia n’a pas de compte nommé « Sandbx ». Vouliez-vous dire « Sandbox » ?"
            in seen.replace("Mia  ", "Mia ")
        )
        assert not [one for one in page.labels() if one.startswith("Écrire")]
        assert "Télécharger le rapport (CSV)" in page.labels("download_button")
        unreadable = bring(page, mia, b"key,date\n1,2")
        assert "Colonnes absentes" in unreadable


def test_markup_in_imports_is_shown_as_text(door: Door, mia: Agency) -> None:
    with stream(door.url, door.cookie(mia)) as page:
        page.open("/calendar", files="1")
        page.attach(
            FIELD,
            {"<img src=x>.csv": format_csv([line(mia, 1, creator="<script>alert(1)</script>")])},
        )
        work(mia)
        seen = page.again()
        assert "&lt;script&gt;" in seen
        assert "<script>alert" not in seen
        assert "<img src=x>" not in seen.replace("\\<img src=x\\>", "")


def test_double_click_imports_once(door: Door, mia: Agency) -> None:
    with stream(door.url, door.cookie(mia)) as page:
        page.open("/calendar", files="1")
        bring(page, mia, format_csv([line(mia, 1)]))
        page.press_twice("Importer et programmer la publication")
        work(mia)
    assert len(states(mia)) == 1


def test_import_page_is_in_english(door: Door, tenant: OpenScope) -> None:
    who = create_agency(tenant, language="en")
    who.post("there", minutes=60)
    with stream(door.url, door.cookie(who)) as page:
        seen = page.open("/calendar", files="1")
        assert "Import posts from a file" in seen
        page.attach("CSV file (UTF-8)", {"posts.csv": format_csv([line(who, 1)])})
        work(who)
        assert "Ready to import" in page.again()


def test_creator_may_export_but_not_import(door: Door, mia: Agency) -> None:
    with stream(door.url, door.cookie(mia, Role.CREATOR)) as page:
        seen = page.open("/calendar", files="1")
        assert "Importer des publications" not in seen
        assert "Ajouter le flux" not in seen
        assert "Télécharger en CSV" in page.labels("download_button")


def test_imports_of_another_agency_are_hidden(door: Door, mia: Agency) -> None:
    with mia.scope(mia.act_as(Role.OWNER)) as scope:
        found = import_files.create_import(
            scope, format_csv([line(mia)]), name="secret.csv", creators={mia.creator_id}
        )
        sources.add_feed(
            scope, mia.creator_id, "https://blog.example/secret", [mia.channel_id or uuid7()]
        )
    other = create_agency(mia.open)
    with stream(door.url, door.cookie(other)) as page:
        seen = page.open("/calendar", files="1")
        assert "secret" not in seen
        assert str(found) not in seen


def test_calendar_subscription_is_created_shown_once_and_revoked(door: Door, mia: Agency) -> None:
    with stream(door.url, door.cookie(mia)) as page:
        page.open("/calendar", files="1")
        page.check("Inclure le texte des publications")
        seen = page.press("Créer une adresse")
        (secret,) = set(re.findall(r"/ics/(gri_[\w-]{43})\.ics", seen))
        assert "avec le texte des publications" in seen
        page.press("Je l’ai copiée")
        assert secret not in page.open("/calendar", files="1")
        entered = calendar_subscriptions.resolve_calendar_secret(mia.open, secret, address="test")
        assert entered is not None
        assert entered.words is True
        assert "Adresse supprimée." in page.press("Supprimer l’adresse")
    assert calendar_subscriptions.resolve_calendar_secret(mia.open, secret, address="test") is None


def test_export_needs_a_valid_date_range(door: Door, mia: Agency) -> None:
    with stream(door.url, door.cookie(mia)) as page:
        page.open("/calendar", files="1")
        assert {"Télécharger en CSV", "Télécharger en ICS"} <= set(page.labels("download_button"))
        page.type("Du", "32/13/2026")
        assert "Télécharger en CSV" not in page.labels("download_button")
        page.type("Du", "01/01/2030")
        assert "après la date de début" in page.again()


def test_export_contains_the_calendar(mia: Agency) -> None:
    mia.post("=1+1", minutes=90)
    voice = MemberLocalizer("fr", load_zone(ZONE))
    with mia.scope() as scope:
        mine, days = tenant_reads.list_creators(scope), reads.default_date_range(scope, ZONE)
        text = reads.export_posts(scope, mine, voice, days, "csv").decode("utf-8-sig")
        calendar = reads.export_posts(scope, mine, voice, days, "ics").decode()
        example = reads.example_import_file(scope, mine).decode("utf-8-sig")
        nothing = reads.export_posts(scope, [], voice, days, "ics").decode()
    assert "'=1+1" in text
    assert "déjà là" in text
    assert calendar.count("BEGIN:VEVENT") == 2
    assert nothing.count("BEGIN:VEVENT") == 0
    assert example.startswith("key,creator,channels")


@pytest.mark.parametrize(
    ("first", "last"),
    [("x", "01/01/2026"), ("02/01/2026", "01/01/2026"), ("01/01/2026", "01/01/2030")],
)
def test_date_range_is_validated(first: str, last: str) -> None:
    with pytest.raises(BadInput):
        reads.parse_date_range(first, last)
    assert reads.parse_date_range("01/01/2026", "01/01/2026") == reads.DateRange(
        date(2026, 1, 1), date(2026, 1, 1)
    )


def test_report_escapes_spreadsheet_formulas(mia: Agency) -> None:
    with mia.scope() as scope:
        now = scope.now
    said = Message("import.account_unknown", {"name": "x", "creator": "Mia"})
    findings = (ImportFinding(2, "=cmd", said),)
    about = (uuid7(), "n", "member:x", now, ImportState.REFUSED, False, 1, 1, 1, 0)
    text = reads.import_report(
        import_files.ImportView(*about, findings, None, 0, 0, 0),
        MemberLocalizer("fr", load_zone(ZONE)),
    ).decode("utf-8-sig")
    assert "'=cmd,Erreur" in text


def test_feed_is_added_paused_and_removed(door: Door, mia: Agency) -> None:
    with stream(door.url, door.cookie(mia)) as page:
        assert "Aucun flux" in page.open("/calendar", files="1")
        page.type("URL du flux", "nope")
        page.choose("Comptes des brouillons", "Sandbox")
        assert "Saisissez l’adresse complète du flux" in page.press("Ajouter le flux")
        page.type("URL du flux", "https://blog.example/feed")
        page.choose("Comptes des brouillons", "Sandbox")
        said = page.press("Ajouter le flux")
        assert "Flux ajouté." in said
        assert "https://blog.example/feed" in said
        assert "pour Sandbox" in said
        assert "en pause" in page.press("Mettre en pause")
        page.press("Vérifier maintenant")
        page.press("Retirer le flux")
        assert "Aucun flux" in page.again()
    with mia.scope() as scope:
        assert sources.list_feeds(scope, mia.creator_id) == []

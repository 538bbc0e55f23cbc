"""Reports in a browser: a schedule is created with its recipients, a stored report is downloaded and
read over its link without an account, on a wide screen and on a phone."""

import os
from pathlib import Path

from foundation.ids import uuid7
from foundation.ops.wall_time import local_day
from insights.reports import runs, schedules
from insights.reports.events import ReportDue
from insights.reports.periods import ReportKind, period_before
from insights.reports.schedules import ReportForm
from tenants.agencies import queries
from tenants.agencies.rights import Role
from tests.browser.chromium import Chromium, Visitor
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door

PICTURES = os.environ.get("GREENROOM_PICTURES", "")
PHONE = (390, 844)


def picture(visitor: Visitor, name: str) -> None:
    if PICTURES:
        visitor.picture(Path(PICTURES) / f"{name}.png")


def store_report(lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        owner = queries.get_member(scope, lumiere.members[Role.OWNER])
        form = ReportForm("Point du lundi", ReportKind.WEEKLY, "client", (), 8, ZONE, "fr")
        made = schedules.create_schedule(scope, uuid7(), form, owner)
        period = period_before(ReportKind.WEEKLY, local_day(scope.now, ZONE))
    event = ReportDue(lumiere.tenant_id, made, period.first, period.last)
    runs.create_report(event, tenant=lumiere.open)


def test_report_is_scheduled_downloaded_and_linked(
    door: Door, lumiere: Agency, chromium: Chromium
) -> None:
    store_report(lumiere)
    with chromium.visitor(cookies=f"{door.cookie(lumiere)} at {door.url}") as visitor:
        visitor.go(f"{door.url}/reports")
        visitor.rest()
        visitor.shows("Point du lundi")
        picture(visitor, "reports-wide")
        with visitor.page.expect_download() as taken:
            visitor.press("PDF")
        assert Path(taken.value.path()).read_bytes()[:5] == b"%PDF-"
        visitor.press("Créer un lien")
        visitor.shows("/reports/")
        visitor.press("J’ai copié le lien")
        visitor.hides("Copiez-le maintenant")
        visitor.press("Nouveau rapport")
        visitor.type("Nom", "Rapport client")
        addresses = visitor.page.get_by_role("textbox", name="Autres adresses e-mail")
        addresses.fill("client@example.com")
        addresses.blur()
        visitor.rest()
        picture(visitor, "reports-form")
        visitor.press("Enregistrer")
        visitor.shows("La programmation est enregistrée.")
        visitor.shows("client@example.com")
        visitor.size(*PHONE)
        visitor.rest()
        assert visitor.overflow <= 0
        picture(visitor, "reports-phone")
        visitor.press("Rapport ponctuel")
        visitor.shows("Nouveaux acheteurs")
        assert visitor.overflow <= 0
        picture(visitor, "reports-direct-phone")

"""The adult area and the subject portal in a real browser: mouse only, without own scripts."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from foundation.storage.object_store import FileStore
from gate.consent import subject_portal
from gate.contract.units import Rating
from tests.browser.chromium import Chromium, Visitor
from tests.browser.page_checks import page_faults
from tests.conftest import Cluster
from tests.fakes import yoti
from tests.fakes.sandbox import network
from tests.journeys.adult_area import AdultArea, AdultAreaServices, place
from tests.schedules.builders import wired

PICTURES = os.environ.get("PAGE_PICTURES", "")
"""Folder for screenshots, if set."""


@pytest.fixture(scope="module")
def lea(
    chromium: Chromium, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AdultArea]:
    with (
        wired(cluster, tmp_path_factory.mktemp("home")) as services,
        network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as running,
        yoti.provider() as provider,
        place(
            AdultAreaServices(
                services, running, provider, FileStore(tmp_path_factory.mktemp("pages"))
            )
        ) as found,
    ):
        yield found


def readable(visitor: Visitor, name: str) -> None:
    """Check the accessibility of the page in phone and desktop width."""
    for width in (390, 1440):
        visitor.size(width)
        assert page_faults(visitor) == []
        if PICTURES:
            visitor.picture(Path(PICTURES) / f"{name}-{width}.png")
    assert [
        (one["id"], one["nodes"][0]["html"])
        for one in Axe().run(visitor.page).response["violations"]
    ] == []


def test_visitor_enters_adult_area_and_subject_revokes_the_content(
    chromium: Chromium, lea: AdultArea
) -> None:
    with lea.desk.scope() as scope:
        person = lea.person(scope)
        own = f"{lea.url}{subject_portal.PORTAL_PATH}{subject_portal.create_portal_link(scope, person)}"
    lea.post(Rating.S, channel="page", text="En public")
    item = lea.post(text="Pour vous", person=person)
    with chromium.visitor() as visitor:
        visitor.go(f"{lea.url}/{lea.slug}/")
        readable(visitor, "profile")
        visitor.page.get_by_role("link", name="Contenus adultes").click()
        readable(visitor, "door")
        visitor.page.get_by_role("main").get_by_role("button").click()
        lea.desk.run()
        visitor.until("document.querySelector('main a.button') !== null")
        readable(visitor, "open")
        lea.provider.world.finish(next(reversed(lea.provider.world.sessions.values())))
        lea.desk.live(seconds=6)
        visitor.go(f"{lea.url}{lea.door}")
        visitor.shows("Pour vous")
        visitor.until("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
        readable(visitor, "inside")
        with chromium.visitor() as herself:
            herself.go(own)
            readable(herself, "person")
            herself.page.get_by_text("Retirer tous les consentements", exact=True).click()
            readable(herself, "sure")
            herself.press("Oui, tout retirer")
            lea.desk.run()
            herself.shows("retiré le")
            readable(herself, "done")
        visitor.go(f"{lea.url}{lea.door}")
        assert item not in visitor.page.content()
        visitor.press("Se déconnecter")
        visitor.go(f"{lea.url}{lea.door}")
        readable(visitor, "left")
        assert visitor.complaints == []
        assert visitor.hosts == {lea.url.removeprefix("http://")}

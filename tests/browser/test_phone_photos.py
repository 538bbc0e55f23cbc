"""Photos on a phone with a width of 390 pixels: uploaded together, then sorted by swiping."""

from pathlib import Path

from studio.library.states import ShelfState
from studio.packs import packs, triage
from tests.browser.chromium import Chromium, Visitor
from tests.browser.test_phone import come_in, look, press
from tests.conftest import wait_until
from tests.dashboard.phone.conftest import (  # noqa: F401  fixtures
    address,
    at_work,
    home,
    lea,
    running,
    sandbox,
    services,
)
from tests.schedules.builders import SandboxAgency, jpeg


def swipe(visitor: Visitor, x: int, y: int) -> None:
    """Move the top picture by a number of pixels."""
    box = visitor.page.locator("#stack").bounding_box()
    assert box is not None
    at = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    visitor.page.mouse.move(*at)
    visitor.page.mouse.down()
    visitor.page.mouse.move(at[0] + x, at[1] + y, steps=5)
    visitor.page.mouse.up()


def shelves(lea: SandboxAgency) -> list[str]:  # noqa: F811  the fixture
    with lea.scope() as scope:
        rows = scope.run(
            "SELECT shelf FROM creations WHERE tenant_id = :tenant ORDER BY shelf",
            tenant=scope.tenant_id,
        )
        return [row.shelf for row in rows]


def test_photos_are_uploaded_together_and_sorted(
    chromium: Chromium,
    lea: SandboxAgency,  # noqa: F811  fixtures
    address: str,  # noqa: F811  fixtures
    tmp_path: Path,
) -> None:
    files = []
    for number in range(4):
        files.append(tmp_path / f"{number}.jpg")
        files[-1].write_bytes(jpeg(number, size=(640, 800)))
    (tmp_path / "no.jpg").write_bytes(b"no picture")
    with chromium.visitor(390, 844) as visitor, at_work(lea):
        come_in(visitor, lea, address)
        visitor.page.locator("a[href='/phone/photos']").tap()
        visitor.shows("Importer des photos")
        visitor.page.set_input_files("#files", [*files, tmp_path / "no.jpg"])
        visitor.shows("4 sur 5 importés")
        visitor.shows("no.jpg")
        look(visitor, "photos")
        wait_until(lambda: len(shelves(lea)) == 4, 60)
        visitor.go(f"{address}/phone/sort/{lea.creator_id}")
        look(visitor, "sort_blurred")
        press(visitor, "Voir sans flou")
        visitor.shows("4 à trier")
        look(visitor, "sort")
        swipe(visitor, 30, 0)  # Too short to count as a swipe.
        visitor.shows("4 à trier")
        swipe(visitor, 160, 10)
        visitor.shows("Restantes : 3")
        swipe(visitor, 10, -160)
        visitor.shows("Restantes : 2")
        swipe(visitor, -160, 10)
        visitor.shows("Restantes : 1")
        press(visitor, "Annuler le dernier choix")
        visitor.shows("Restantes : 2")
        visitor.page.keyboard.press("ArrowLeft")
        visitor.shows("Restantes : 1")
        press(visitor, "Publier")
        visitor.shows("Rien à trier")
        assert [one for one in visitor.complaints if "422" not in one] == []
    assert shelves(lea) == [ShelfState.KEPT, ShelfState.KEPT, ShelfState.KEPT, ShelfState.RETIRED]
    with lea.scope() as scope:
        (ware,) = packs.list_packs(scope, [lea.creator_id])
        assert ware.pictures == 1
        assert triage.list_untriaged(scope, lea.creator_id).count == 0

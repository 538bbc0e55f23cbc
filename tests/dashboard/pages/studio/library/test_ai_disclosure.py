"""Studio: uploaded photos are marked as made with AI, one or several at once."""

from uuid import UUID

from foundation.db.database import OpenScope
from foundation.storage.object_store import FileStore
from gate.contract.units import Rating
from generators.contract.engines import OriginLabel
from studio.ingest import ai_disclosure, pipeline
from studio.ingest.events import AiDisclosureDue
from studio.library import assets
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.studio.library.test_demo_labels import made
from tests.dashboard.pages.studio.test_page import pick, word
from tests.dashboard.streamlit_client import stream
from tests.gate.answers import rate_and_answer
from tests.generators.builders import a_picture, encoded


def photo(door: Door, who: Agency, seed: int) -> UUID:
    """Add an uploaded and rated photo to the library."""
    prepared = pipeline.prepare_upload(
        encoded(a_picture(seed=seed), "JPEG"), name="a.jpg", alt=f"photo {seed}"
    )
    store = FileStore(door.log.parent / "objects")
    asset = pipeline.ingest_asset(
        door.tenant, store, tenant_id=who.tenant_id, creator_id=who.creator_id, prepared=prepared
    )
    with who.scope() as scope:
        rate_and_answer(scope, assets.get_asset(scope, asset).sha256, Rating.G, source="rule:test")
    return asset


def said(who: Agency, tenant: OpenScope) -> int:
    """Process the requests as the workers do and return their number."""
    with who.scope() as scope:
        rows = scope.run(
            "DELETE FROM outbox WHERE tenant_id = :t AND kind = 'picture.by_model' RETURNING "
            "subject_id, args",
            t=who.tenant_id,
        ).all()
    for row in rows:
        ai_disclosure.apply_ai_disclosure(
            AiDisclosureDue(who.tenant_id, row.subject_id, **row.args), tenant=tenant
        )
    return len(rows)


def test_selected_photos_are_marked_as_ai(door: Door, lumiere: Agency, tenant: OpenScope) -> None:
    photos = [photo(door, lumiere, seed) for seed in (1, 2)]
    made(door, lumiere, OriginLabel.NONE, 3)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        assert word("studio.avow_how") not in pick(page), "a generated picture is marked already"
        pick(page, 1)
        assert word("studio.avow_how") in pick(page, 2)
        assert word("studio.avowed") in page.press(word("studio.avow_yes"))
        assert said(lumiere, tenant) == 2
        page.open("/studio")
        text = pick(page, 1)
        assert word("studio.avow_how") not in text
        assert word("studio.avow") in text, "the mark is shown"
    with lumiere.scope() as scope:
        assert {one.ai for one in assets.get_renditions(scope, photos, "x").values()} == {
            "generated"
        }

"""Studio: archived pictures are deleted by a member, or after a retention period of the agency."""

from foundation.db.database import OpenScope
from foundation.storage.object_store import FileStore
from generators.contract.engines import OriginLabel
from schedules.posts.asset_usage import assets_used_in_posts
from studio.library import assets, erasure
from studio.library.events import ErasureDue
from studio.library.states import ShelfState
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.studio.library.test_demo_labels import drawn, made
from tests.dashboard.pages.studio.test_page import pick, word
from tests.dashboard.streamlit_client import stream


def done(who: Agency, door: Door, tenant: OpenScope) -> None:
    """Process the deletion as the workers do."""
    with who.scope() as scope:
        row = scope.run(
            "DELETE FROM outbox WHERE tenant_id = :t AND kind = 'picture.erase' RETURNING "
            "subject_id, args",
            t=who.tenant_id,
        ).one()
    store = FileStore(door.log.parent / "objects")
    event = ErasureDue(who.tenant_id, row.subject_id, **row.args)
    erasure.erase_picture(event, tenant=tenant, store=store, posted=assets_used_in_posts)


def test_archived_picture_is_deleted_by_the_owner(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    away, here = made(door, lumiere, OriginLabel.NONE), made(door, lumiere, OriginLabel.NONE, 2)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        assert word("studio.erase_yes") not in pick(page), "pictures in the library are not deleted"
    with lumiere.scope() as scope:
        assets.set_shelf_state(scope, away, ShelfState.RETIRED)
        assets.set_shelf_state(scope, here, ShelfState.RETIRED)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        assert drawn(page.choose(word("studio.shelf"), word("studio.shelf.away"))) == {
            str(away),
            str(here),
        }
        assert word("studio.erase_how") in pick(page)
        assert word("studio.erase_asked") in page.press(word("studio.erase_yes"))
        done(lumiere, door, tenant)
        page.open("/studio")
        assert len(drawn(page.choose(word("studio.shelf"), word("studio.shelf.away")))) == 1


def test_retention_days_are_saved_for_the_agency(door: Door, lumiere: Agency) -> None:
    made(door, lumiere, OriginLabel.NONE)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        page.type(word("studio.retention_days"), "3")
        assert word("erase.days", least=erasure.MIN_DAYS, most=erasure.MAX_DAYS) in page.press(
            word("studio.retention_keep")
        )
        page.type(word("studio.retention_days"), "30")
        assert word("studio.retention_kept") in page.press(word("studio.retention_keep"))
        with lumiere.scope() as scope:
            assert erasure.retention_days(scope) == 30
        page.type(word("studio.retention_days"), "0")
        assert word("studio.retention_never") in page.press(word("studio.retention_keep"))
        with lumiere.scope() as scope:
            assert erasure.retention_days(scope) is None

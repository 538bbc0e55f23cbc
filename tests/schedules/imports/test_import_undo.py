"""Undo of an import: unpublished posts are cancelled, published ones stay."""

import pytest

from foundation.errors import Conflict
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery, transition_delivery
from tests.schedules.builders import create_sandbox_agency
from tests.schedules.csv_files import FileImporter, format_csv


def test_undo_keeps_published_posts(free: FileImporter) -> None:
    found = free.write(format_csv([free.row(1), free.row(2, date=free.day(5))]), plan=True)
    free.desk.live(days=2)
    assert free.undo(found) == (1, 1)
    assert free.undo(found) == (1, 1), "a second undo returns the same counts"
    assert free.states() == ["cancelled", "published"]
    assert not [row for row in free.desk.rows() if row.kind == "delivery.publish"]
    free.desk.live(days=5)
    assert free.desk.texts() == ["bonjour 1"]


def test_undo_closes_notices_of_held_posts(clerk: FileImporter) -> None:
    found = clerk.write(format_csv([clerk.row(1)]))
    clerk.desk.live(days=2)
    assert clerk.states() == ["held"]
    assert clerk.desk.notices()
    assert clerk.undo(found) == (1, 0)
    assert not clerk.desk.notices()


def test_undo_settles_upload_of_dead_worker(free: FileImporter) -> None:
    open_ones = 0
    for at in range(8, 40, 4):
        one = FileImporter(create_sandbox_agency(free.desk.services, free.desk.network, tiers=0))
        found = one.write(format_csv([one.row(1, media=str(one.desk.photo()))]), plan=True)
        (row,) = one.rows("SELECT id, due_at FROM deliveries WHERE tenant_id = :tenant")
        one.desk.pass_time(
            seconds=(row.due_at - one.desk.now() - deliveries.FINAL_PREFLIGHT_LEAD).total_seconds()
            + 1
        )
        died = one.desk.crash(at=at)
        open_ones += any(tried.outcome is None for tried in one.desk.attempts(row.id, "stage"))
        assert one.undo(found) == (1, 0)
        assert all(tried.outcome is not None for tried in one.desk.attempts(row.id, "stage")), at
        if not died:
            break
    assert not died
    assert open_ones >= 1


def test_undo_keeps_uncertain_delivery(free: FileImporter) -> None:
    found = free.write(format_csv([free.row(1)]), plan=True)
    delivery_id = free.rows("SELECT id FROM deliveries WHERE tenant_id = :tenant")[0].id
    with free.desk.scope() as scope:
        row = get_delivery(scope, delivery_id)
        transition_delivery(scope, row, DeliveryState.PUBLISHING)
        transition_delivery(scope, row, DeliveryState.UNCERTAIN)
    assert free.undo(found) == (0, 1)
    assert free.states() == ["uncertain"]


def test_undone_file_can_be_imported_again(clerk: FileImporter) -> None:
    data = format_csv([clerk.row(1)])
    first = clerk.write(data)
    clerk.undo(first)
    second = clerk.write(data)
    assert second != first
    assert clerk.states() == ["cancelled", "draft"]


def test_undo_of_unwritten_import_is_refused(clerk: FileImporter) -> None:
    with pytest.raises(Conflict):
        clerk.undo(clerk.bring(format_csv([clerk.row(1)])))

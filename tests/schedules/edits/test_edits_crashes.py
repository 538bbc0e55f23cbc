"""Edits of live posts in a process that dies, and from a repeated outbox row."""

import pytest

from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.schedules.edits.edit_builders import (
    edit_live_post,
    get_edit_state,
    list_edit_visibility,
    list_edits,
    publish_post,
)


@pytest.mark.parametrize(("pictures", "step"), [(0, 1), (1, 3)], ids=["words", "picture"])
@pytest.mark.parametrize("mode", ["", "reset_after"])
def test_killed_edit_ends_with_new_text(
    lea: SandboxAgency, mode: str, pictures: int, step: int
) -> None:
    """The process dies before, during or after each transaction, and before or after the request."""
    for at in range(0, 40, step):
        mia = create_sandbox_agency(lea.services, lea.network)
        delivery_id = publish_post(mia, media=(mia.photo(),) if pictures else ())
        edit_live_post(mia, delivery_id, "new words")
        if mode:
            mia.fault(mode, on="edits")
        died = mia.crash(at=at)
        taken = mia.texts() == ["new words"]
        assert not (taken and list_edit_visibility(mia, delivery_id) == []), (
            at,
            "the published text is not recorded",
        )
        mia.live(minutes=4)
        assert (mia.texts(), get_edit_state(mia, delivery_id)) == (["new words"], "done"), at
        assert mia.posts()[0]["said_before"] == ["old words"], at
        assert list_edit_visibility(mia, delivery_id) == [True], at
        assert mia.rows("delivery.edit") == [], at
        if not died:
            break
    assert not died
    assert at > 5, "the shortest run has at least this many points"


@pytest.mark.parametrize("at", range(2, 14, 2))
def test_post_removed_during_killed_edit_has_no_live_copy(lea: SandboxAgency, at: int) -> None:
    """Whatever the edit ended with, no post is live and no copy is recorded."""
    delivery_id = publish_post(lea)
    edit_live_post(lea, delivery_id, "new words")
    lea.crash(at=at)
    lea.act(post_removal.request_post_removal, delivery_id)
    lea.live(minutes=4)
    assert lea.state(delivery_id) is DeliveryState.REMOVED
    assert get_edit_state(lea, delivery_id) in ("dropped", "done")
    assert list_edit_visibility(lea, delivery_id) == []
    assert all(post["deleted_at"] for post in lea.posts())
    assert lea.rows("delivery.edit") == []


def test_repeated_outbox_row_sends_no_second_edit(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea)
    edit_live_post(lea, delivery_id, "new words")
    lea.run()
    route = lea.routes.by_kind["delivery.edit"]
    for _ in range(2):
        route.handler(route.event(lea.tenant_id, list_edits(lea, delivery_id)[-1].id))
    assert len(lea.asked(kind="edits")) == 1

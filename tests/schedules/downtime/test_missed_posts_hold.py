"""Held missed posts: only a new time or a retry publishes them."""

from schedules.downtime import missed_posts
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery
from tenants.agencies import agencies
from tests.schedules.builders import SandboxAgency
from tests.schedules.downtime.test_missed_posts import only, overdue
from tests.schedules.rescheduling.test_account_failover import moved, on


def test_failover_does_not_publish_held_missed_posts(lea: SandboxAgency) -> None:
    lea.connect("spare")
    overdue(lea, 3)
    lea.pass_time(hours=1)
    lea.run()
    assert lea.texts() == ["main 0"]
    lea.act(missed_posts.hold_missed_posts, only(lea), creators=[lea.creator_id])
    assert len(moved(lea).moving) == 2
    lea.live(hours=3)
    assert lea.texts("spare") == []
    assert [state for state, _ in on(lea, "spare").values()] == [DeliveryState.HELD] * 2
    assert "downtime.still_held" in lea.notices().values()


def test_edit_does_not_publish_held_missed_post(lea: SandboxAgency) -> None:
    with lea.scope() as scope:
        agencies.set_approval_policy(scope, lea.creator_id, tiers=0, times=False)
    late = overdue(lea, 3)
    lea.pass_time(hours=1)
    lea.run()
    lea.act(missed_posts.hold_missed_posts, only(lea), creators=[lea.creator_id])
    with lea.scope() as scope:
        post_id = get_delivery(scope, late[1]).post_id
    changed = Draft(lea.creator_id, "", "other words", (), (lea.channels["main"],))
    assert not lea.act(drafts.rewrite_post, post_id, changed, author=f"member:{lea.author}")
    lea.live(hours=2)
    assert lea.texts() == ["main 0"]
    lea.act(drafts.retry_delivery, late[1])
    lea.live(minutes=1)
    assert lea.texts() == ["main 0", "other words"]

"""Eligible approvers, the scope of an approval, and its lifetime."""

import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from foundation.errors import BadInput, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from schedules.approvals import decisions, review_queue
from schedules.approvals.release import release_post
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery, transition_delivery
from schedules.publishing import stalled_deliveries
from studio.library import assets
from tenants.agencies import agencies
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tenants.notices.queries import list_open_notices as notices_of
from tests.conftest import WAITS_FOR_US, wait_until
from tests.fakes.sandbox import RunningSandbox
from tests.schedules import series_builders
from tests.schedules.builders import ZONE, SandboxAgency, create_sandbox_agency
from tests.schedules.series_builders import WEEKLY
from workers.wiring import Services


def member(at: SandboxAgency, role: Role = Role.MANAGER, *, creators: tuple[str, ...] = ()) -> UUID:
    with at.scope() as scope:
        return agencies.add_member(
            scope,
            name=f"{role}",
            email=f"{uuid7()}@example.test",
            role=role,
            language="fr",
            zone=ZONE,
            creators=creators,
        )


def say(at: SandboxAgency, post_id: UUID, who: UUID, *, tier: int = 1, no: str = "") -> None:
    with at.scope(f"member:{who}") as scope:
        if no:
            decisions.reject_post(scope, post_id, member_id=who, note=no, tier=tier)
        else:
            decisions.approve_post(scope, post_id, member_id=who, tier=tier)


def test_author_cannot_approve_own_post(lea: SandboxAgency) -> None:
    """The author is identified by the principal of the member, not by what the caller passes."""
    post_id = lea.write()
    with pytest.raises(Refused) as told:
        say(lea, post_id, lea.author)
    assert told.value.message.code == "approval.own_work"


@pytest.mark.parametrize("role", [Role.CHATTER, Role.ACCOUNTANT, Role.GUEST])
def test_role_without_permission_cannot_approve(lea: SandboxAgency, role: Role) -> None:
    post_id = lea.write()
    for no in ("", "no"):
        with pytest.raises(Refused):
            say(lea, post_id, member(lea, role), no=no)


def test_member_without_access_to_creator_cannot_approve(lea: SandboxAgency) -> None:
    post_id = lea.write()
    with pytest.raises(Refused) as told:
        say(lea, post_id, member(lea, creators=("zoe",)))
    assert told.value.message.code == "approval.other_creator"
    say(lea, post_id, member(lea, creators=("lea",)))


def test_two_tiers_need_two_approvers(lea: SandboxAgency) -> None:
    client = create_sandbox_agency(lea.services, lea.network, tiers=2)
    post_id = client.write()
    delivery_id = client.wish(post_id, after=60)
    say(client, post_id, client.manager)
    assert client.state(delivery_id) is DeliveryState.DRAFT
    with pytest.raises(Refused):
        say(client, post_id, client.manager, tier=2)
    say(client, post_id, member(client), tier=2)
    assert client.state(delivery_id) is DeliveryState.APPROVED


@pytest.mark.parametrize("tier", [0, 2, -1])
def test_unknown_approval_tier_is_refused(lea: SandboxAgency, tier: int) -> None:
    post_id = lea.write()
    with pytest.raises(BadInput):
        say(lea, post_id, lea.manager, tier=tier)


def test_rejection_unschedules_post_despite_approvals(lea: SandboxAgency) -> None:
    post_id = lea.write()
    delivery_id = lea.wish(post_id, after=600)
    lea.approve(post_id)
    lea.plan(post_id)
    say(lea, post_id, lea.manager, no="the wrong day")  # the same member who approved
    assert lea.state(delivery_id) is DeliveryState.DRAFT
    say(lea, post_id, member(lea))
    assert lea.state(delivery_id) is DeliveryState.DRAFT
    lea.live(minutes=11)
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "delivery.unapproved",
    )
    assert lea.posts() == []


def test_rejection_needs_note(lea: SandboxAgency) -> None:
    post_id = lea.write()
    with pytest.raises(BadInput):
        say(lea, post_id, lea.manager, no="  ")


def test_expired_approval_holds_delivery_until_renewal(lea: SandboxAgency) -> None:
    post_id = lea.write(late_ok=None)
    delivery_id = lea.wish(post_id, after=86400 * 101)
    lea.approve(post_id)
    lea.plan(post_id)
    lea.pass_time(days=101, minutes=1)
    lea.run()
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "delivery.yes_over",
    )
    lea.approve(post_id)
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_rejection_does_not_expire(services: Services, sandbox: RunningSandbox) -> None:
    """A series published again after 100 days although a member had rejected it and none had
    approved it."""
    lea = create_sandbox_agency(services, sandbox, tiers=0)
    post_id = series_builders.start_series(lea, series_builders.build_recurrence(lea, WEEKLY))
    lea.run()
    words(lea, post_id, decisions.decline_post, lea.manager, note="never")
    lea.live(days=110)
    assert lea.texts() == []
    with lea.scope() as scope:
        assert decisions.is_rejected(scope, deliveries.get_post(scope, post_id), scope.now)


def test_expired_approval_does_not_restore_older_change_request(lea: SandboxAgency) -> None:
    post_id = lea.write()
    lea.wish(post_id, after=86400 * 200)
    words(lea, post_id, decisions.request_changes, lea.manager, note="another picture")
    lea.approve(post_id)
    lea.pass_time(days=101)
    with lea.scope() as scope:
        row = deliveries.get_post(scope, post_id)
        assert not decisions.is_rejected(scope, row, scope.now)
        assert not decisions.is_approved(scope, row, scope.now)


@pytest.mark.parametrize("act", ["reject", "withdraw"])
def test_approval_during_rejection_does_not_schedule_post(
    services: Services, sandbox: RunningSandbox, act: str
) -> None:
    """The second of two members approved while the first withdrew: the post was scheduled with one
    approval."""
    lea = create_sandbox_agency(services, sandbox, tiers=2)
    post_id, other = lea.write(), member(lea)
    delivery_id = lea.wish(post_id, after=600)
    say(lea, post_id, lea.manager)

    def second() -> None:
        say(lea, post_id, other, tier=2)
        lea.act(release_post, post_id)

    with lea.scope(f"member:{lea.manager}") as scope:
        if act == "reject":
            decisions.reject_post(scope, post_id, member_id=lea.manager, note="no")
        else:
            decisions.withdraw_verdict(scope, post_id, member_id=lea.manager)
        saying = threading.Thread(target=second)
        saying.start()
        wait_until(lambda: scope.run(WAITS_FOR_US).scalar() == 1)
    saying.join(60)
    assert not saying.is_alive()
    assert lea.state(delivery_id) is DeliveryState.DRAFT


def test_content_changed_after_approval_is_held(lea: SandboxAgency) -> None:
    """Only the approved content is published, alt texts included."""
    photo = lea.photo()
    post_id = lea.write(media=(photo,))
    delivery_id = lea.wish(post_id, after=60)
    lea.approve(post_id)
    lea.plan(post_id)
    lea.act(assets.set_alt_text, photo, "something else")
    lea.live(minutes=2)
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "delivery.changed",
    )
    lea.approve(post_id)
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert lea.posts()[0]["media"][0]["alt"] == "something else"


def test_repeated_approval_is_stored_once(lea: SandboxAgency) -> None:
    post_id = lea.write()
    delivery_id = lea.wish(post_id, after=60)
    lea.approve(post_id)
    lea.approve(post_id)
    assert lea.states(delivery_id) == ["approved"]


def test_channel_added_later_needs_approval(lea: SandboxAgency) -> None:
    lea.connect("second")
    post_id = lea.write()
    lea.wish(post_id, after=600)
    lea.approve(post_id)
    late = lea.wish(post_id, "second", after=600)
    assert lea.state(late) is DeliveryState.DRAFT
    lea.approve(post_id)
    assert lea.state(late) is DeliveryState.APPROVED


def words(
    at: SandboxAgency, post_id: UUID, act: Callable[..., None], who: UUID, **more: str
) -> None:
    with at.scope(f"member:{who}") as scope:
        act(scope, post_id, member_id=who, **more)


def test_approval_can_be_withdrawn_for_seconds_only(lea: SandboxAgency) -> None:
    post_id = lea.write()
    delivery_id = lea.wish(post_id, after=600)
    lea.approve(post_id)
    lea.plan(post_id)
    words(lea, post_id, decisions.withdraw_verdict, lea.manager)
    assert lea.state(delivery_id) is DeliveryState.DRAFT
    with pytest.raises(Refused):
        words(lea, post_id, decisions.withdraw_verdict, lea.manager)
    lea.approve(post_id)  # and may be given again
    assert lea.state(delivery_id) is DeliveryState.APPROVED
    lea.pass_time(seconds=20)
    with pytest.raises(Refused) as told:
        words(lea, post_id, decisions.withdraw_verdict, lea.manager)
    assert told.value.message.code == "approval.too_late_to_undo"


def test_missing_verdict_cannot_be_withdrawn(lea: SandboxAgency) -> None:
    post_id = lea.write()
    lea.approve(post_id)
    with pytest.raises(Refused):
        words(lea, post_id, decisions.withdraw_verdict, member(lea))


def test_change_request_blocks_post_until_withdrawn(lea: SandboxAgency) -> None:
    post_id = lea.write()
    delivery_id = lea.wish(post_id, after=600)
    lea.approve(post_id)
    lea.plan(post_id)
    other = member(lea)
    words(lea, post_id, decisions.request_changes, other, note="another picture")
    assert lea.state(delivery_id) is DeliveryState.DRAFT
    lea.approve(post_id)
    assert lea.state(delivery_id) is DeliveryState.DRAFT
    with lea.scope() as scope:
        assert [one.message.code for one in notices_of(scope)] == ["approval.change_wanted"]
    words(lea, post_id, decisions.withdraw_verdict, other)
    with lea.scope() as scope:
        assert notices_of(scope) == []
        decisions.release_without_approval(scope, post_id)
    assert lea.state(delivery_id) is DeliveryState.APPROVED


def test_declined_post_is_cancelled(lea: SandboxAgency) -> None:
    post_id = lea.write()
    delivery_id = lea.wish(post_id, after=600)
    with pytest.raises(BadInput):
        words(lea, post_id, decisions.decline_post, lea.manager, note=" ")
    words(lea, post_id, decisions.decline_post, lea.manager, note="not her style")
    assert lea.state(delivery_id) is DeliveryState.CANCELLED


def test_author_is_notified_of_declined_post(lea: SandboxAgency) -> None:
    """The delivery was cancelled, and only the member who rejected it knew why nothing was
    published."""
    post_id = lea.write()
    lea.wish(post_id, after=600)
    words(lea, post_id, decisions.request_changes, lea.manager, note="another picture")
    words(lea, post_id, decisions.decline_post, lea.manager, note="not her style")
    with lea.scope() as scope:
        author, other = (
            tenant_reads.get_member(scope, one).principal_id for one in (lea.author, lea.manager)
        )
        assert [one.message.code for one in notices_of(scope, to=author)] == [
            "approval.turned_down"
        ]
        assert notices_of(scope, to=other) == []  # the member who rejected it needs no notice


def test_author_is_not_notified_of_own_decline(lea: SandboxAgency) -> None:
    post_id = lea.write()
    words(lea, post_id, decisions.decline_post, lea.author, note="not her style")
    with lea.scope() as scope:
        assert notices_of(scope, to=tenant_reads.get_member(scope, lea.author).principal_id) == []


@pytest.mark.parametrize("act", [decisions.request_changes, decisions.reject_post])
def test_rejected_hold_is_not_woken_until_post_changes(
    lea: SandboxAgency, act: Callable[..., None]
) -> None:
    """The sweep for stalled deliveries reported it as missed a minute later: a false alarm."""
    post_id = lea.write(late_ok=timedelta(hours=4))
    delivery_id = lea.wish(post_id)
    lea.live(minutes=1)
    assert lea.why(delivery_id) == "delivery.unapproved"
    before = lea.states(delivery_id)
    words(lea, post_id, act, lea.manager, note="another picture")
    lea.live(minutes=5)
    with lea.scope() as scope:
        assert stalled_deliveries.wake_stalled_deliveries(scope) == 0
    assert lea.states(delivery_id) == before
    with lea.scope(f"member:{lea.author}") as scope:
        drafts.rewrite_post(
            scope,
            post_id,
            Draft(lea.creator_id, "", "better", (), ()),
            author=f"member:{lea.author}",
        )
    lea.approve(post_id)
    lea.act(release_post, post_id)
    lea.run()
    assert lea.texts() == ["better"]


def test_declined_hold_is_cancelled(lea: SandboxAgency) -> None:
    post_id = lea.write()
    delivery_id = lea.wish(post_id)
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.HELD
    words(lea, post_id, decisions.decline_post, lea.manager, note="not her style")
    assert lea.state(delivery_id) is DeliveryState.CANCELLED
    # the notice of the hold is closed
    assert list(lea.notices().values()) == ["approval.turned_down"]


def test_overdue_delivery_is_held_after_change_request(lea: SandboxAgency) -> None:
    """Another post of the account delays it, so it is due and becomes a draft. It is then put on
    hold, not lost."""
    delivery_id = lea.delivery()
    post_id = lea.entry(delivery_id).post_id
    words(lea, post_id, decisions.request_changes, lea.manager, note="another picture")
    assert len(lea.rows("delivery.publish")) == 1
    lea.run()
    assert lea.why(delivery_id) == "delivery.unapproved"


def test_review_queue_lists_pending_posts_and_last_verdict(lea: SandboxAgency) -> None:
    first, second, refused = lea.write(), lea.write(), lea.write()
    for post_id, after in ((first, 900), (second, 600), (refused, 300)):
        lea.wish(post_id, after=after)
    words(lea, refused, decisions.request_changes, lea.manager, note="no")
    with lea.scope() as scope:
        found = review_queue.list_review_queue(scope, [lea.creator_id])
        assert review_queue.list_review_queue(scope, [uuid7()]) == []
        spoken = review_queue.load_last_verdict(scope, [lea.creator_id])
        assert review_queue.load_last_verdict(scope, [uuid7()]) is None
    assert [one.post_id for one in found] == [second, first]
    assert spoken is not None
    assert (spoken.post_id, spoken.verdict) == (refused, "change")
    lea.approve(second)
    with lea.scope() as scope:
        assert [one.post_id for one in review_queue.list_review_queue(scope, [lea.creator_id])] == [
            first
        ]


def test_approval_concurrent_with_hold_lifts_it(lea: SandboxAgency) -> None:
    """The sender holds the delivery for a missing approval while a member approves: the approval
    waits for the lock, finds the hold and lifts it."""
    post_id = lea.write()
    wish = lea.wish(post_id)
    with lea.scope("system:schedules") as scope:
        transition_delivery(
            scope,
            get_delivery(scope, wish),
            DeliveryState.HELD,
            reason=Message("delivery.unapproved"),
        )
        saying = threading.Thread(target=lea.approve, args=(post_id,))
        saying.start()
        wait_until(lambda: scope.run(WAITS_FOR_US).scalar() == 1)
    saying.join(60)
    assert not saying.is_alive()
    assert lea.state(wish) is DeliveryState.SCHEDULED

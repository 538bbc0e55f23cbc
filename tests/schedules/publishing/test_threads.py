"""Threads: each part is published once, in order, as a reply to the one before; an interrupted
thread records its progress."""

from uuid import UUID

import pytest

from connectors.registry import loader
from foundation.errors import BadInput, Conflict
from foundation.i18n.translation import Message
from gate.consent.grants import revoke_consent
from gate.policy import emergency_stops
from schedules.approvals import decisions
from schedules.drafts import drafts, previews
from schedules.drafts.drafts import Draft
from schedules.posts import deliveries
from schedules.posts import queries as schedule_reads
from schedules.posts.states import DeliveryState
from schedules.posts.thread_parts import MAX_THREAD_PARTS, ThreadPart
from schedules.publishing import settlement, uncertain_deliveries
from studio.library import assets
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.schedules.thread_builders import (
    IN_ORDER,
    WORDS,
    add_depicted_photo,
    build_thread,
    count_published_parts,
    list_permits,
    list_reply_chain,
    publish_parts,
    schedule_thread,
)


def test_thread_parts_are_published_in_order_as_replies(lea: SandboxAgency) -> None:
    delivery_id = schedule_thread(lea)
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert count_published_parts(lea, delivery_id) == (4, 4)
    assert list_reply_chain(lea) == IN_ORDER
    assert len(lea.asked()) == 4
    assert [attempt.part for attempt in lea.attempts(delivery_id)] == [0, 1, 2, 3]
    assert lea.states(delivery_id).count("partly") == 3


def test_each_thread_request_has_its_own_permit(lea: SandboxAgency) -> None:
    """The invariant for parts with photos: as many content requests as permits, and each permit
    belongs to its live copy."""
    rest = (ThreadPart(WORDS[1], (lea.photo(1),)), ThreadPart(WORDS[2]))
    delivery_id = lea.delivery(WORDS[0], media=(lea.photo(0),), parts=rest)
    lea.run()
    known = list_permits(lea, delivery_id)
    asked = [*lea.asked(), *lea.asked(kind="files")]
    assert len(known) == len(asked) == 5
    posts = {one["id"]: one for one in lea.posts()}
    visible = [copy for copy in known if copy.native_ids]
    assert [posts[copy.native_ids[0]]["text"] for copy in visible] == list(WORDS[:3])
    for copy in visible:  # a copy has the photos of its part, not those of the parts before
        assert set(copy.media) == {one["sha256"] for one in posts[copy.native_ids[0]]["media"]}


def test_first_comment_is_last_and_replies_to_first_part(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(
        WORDS[0], parts=build_thread(WORDS[0], WORDS[1], comment="More soon.")
    )
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert list_reply_chain(lea) == [(WORDS[0], ""), (WORDS[1], WORDS[0]), ("More soon.", WORDS[0])]


def test_other_post_is_not_published_between_parts(lea: SandboxAgency) -> None:
    first = schedule_thread(lea)
    second = lea.delivery("something else")
    lea.run()
    assert lea.state(first) is lea.state(second) is DeliveryState.PUBLISHED
    texts = lea.texts()
    at = texts.index(WORDS[0])
    assert texts[at : at + 4] == list(WORDS)


def test_idempotency_key_differs_for_each_part(lea: SandboxAgency) -> None:
    lea.connect("keys", keys=True)
    lea.fault("reset_after", channel="keys", times=1)
    delivery_id = schedule_thread(lea, channel="keys")
    lea.live(minutes=3)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert list_reply_chain(lea, "keys") == IN_ORDER
    assert len({one["key"] for one in lea.posts("keys")}) == 4


# Approval


def test_edit_of_any_part_needs_new_approval(lea: SandboxAgency) -> None:
    post_id = lea.write(WORDS[0], parts=build_thread(*WORDS))
    delivery_id = lea.wish(post_id, after=600)
    lea.approve(post_id)
    assert lea.state(delivery_id) is DeliveryState.APPROVED
    changed = (ThreadPart(WORDS[1]), ThreadPart("Until ten today."), ThreadPart(WORDS[3]))
    draft = Draft(lea.creator_id, "", WORDS[0], (), (lea.channels["main"],), parts=changed)
    lea.act(drafts.rewrite_post, post_id, draft, author=f"member:{lea.author}")
    assert lea.state(delivery_id) is DeliveryState.DRAFT
    lea.live(minutes=12)
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "delivery.unapproved",
    )
    assert lea.posts() == []


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2, 1)], ids=["first two", "last two"])
def test_unapproved_order_of_parts_is_held(lea: SandboxAgency, order: tuple[int, ...]) -> None:
    """The stored row was changed directly: only the approved order may be published."""
    delivery_id = schedule_thread(lea, after=60)
    with lea.scope() as scope:
        post_id = schedule_reads.post_id_of_delivery(scope, delivery_id)
        row = deliveries.get_post(scope, post_id)
        row.parts = [row.parts[place] for place in order]
        scope.add(row)
    lea.live(minutes=2)
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "delivery.changed",
    )
    assert lea.posts() == []


def test_alt_text_changed_during_thread_stops_it(lea: SandboxAgency) -> None:
    asset = lea.photo(1)
    delivery_id = lea.delivery(
        WORDS[0], parts=(ThreadPart(WORDS[1]), ThreadPart(WORDS[2], (asset,)))
    )
    publish_parts(lea, delivery_id, 1)
    lea.act(assets.set_alt_text, asset, "another picture altogether")
    lea.run()
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.BROKEN_OFF,
        "delivery.changed",
    )
    assert count_published_parts(lea, delivery_id) == (1, 3)


def test_unfinished_thread_cannot_be_rewritten_or_cancelled(lea: SandboxAgency) -> None:
    delivery_id = schedule_thread(lea)
    publish_parts(lea, delivery_id, 2)
    assert lea.state(delivery_id) is DeliveryState.PARTLY
    with lea.scope() as scope:
        post_id = schedule_reads.post_id_of_delivery(scope, delivery_id)
    draft = Draft(lea.creator_id, "", "new", (), (lea.channels["main"],))
    with pytest.raises(Conflict):
        lea.act(drafts.rewrite_post, post_id, draft, author=f"member:{lea.author}")
    with pytest.raises(Conflict):
        lea.act(deliveries.cancel_delivery, delivery_id)
    with pytest.raises(Conflict):
        lea.act(decisions.withdraw_verdict, post_id, member_id=lea.manager)


@pytest.mark.parametrize(
    "parts",
    [
        (ThreadPart(""),),
        (ThreadPart("x" * 5000),),
        (ThreadPart("comment", comment=True), ThreadPart("after")),
        tuple(ThreadPart(str(number)) for number in range(MAX_THREAD_PARTS)),
        (ThreadPart("nul\x00"),),
    ],
    ids=["empty", "long", "comment first", "many", "nul"],
)
def test_invalid_thread_is_refused(lea: SandboxAgency, parts: tuple[ThreadPart, ...]) -> None:
    with pytest.raises(BadInput):
        lea.write("hello", parts=parts)


# Surfaces


def test_part_that_does_not_fit_fails_whole_thread(lea: SandboxAgency) -> None:
    """The problem is found before the first part is published."""
    delivery_id = lea.delivery(WORDS[0], parts=(ThreadPart(WORDS[1]), ThreadPart("long " * 80)))
    with lea.scope() as scope:  # the platform lowers its limit after the approval
        scope.run(
            "UPDATE channels SET surface = 'sandbox.as_x' WHERE id = :id", id=lea.channels["main"]
        )
    lea.run()
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.FAILED,
        "connectors.text_too_long",
    )
    assert lea.posts() == []
    fits = lea.delivery(WORDS[0], parts=(ThreadPart(WORDS[1]), ThreadPart("short")))
    lea.run()
    assert lea.state(fits) is DeliveryState.PUBLISHED


def test_preview_shows_surfaces_without_threads(lea: SandboxAgency) -> None:
    """Manual posting refuses threads, and the public page joins the parts into one post; no text is
    lost."""
    hand = lea.connect_to("hand", account="x/lea", token="none", platform="byhand", surface="x")
    own = lea.connect_to(
        "own", account="lea", token="none", platform="own_page", surface="own_page.public"
    )
    draft = Draft(
        lea.creator_id,
        "",
        WORDS[0],
        (),
        (hand, own),
        parts=build_thread(*WORDS, comment="More soon."),
    )
    refused, joined = lea.act(
        previews.preview_draft,
        draft,
        author=f"member:{lea.author}",
        connectors=loader.load_connectors(),
    )
    assert Message("connectors.no_threads") in refused.reasons
    assert (joined.reasons, joined.joined, joined.parts) == ((), True, ())
    assert joined.body == "\n\n".join((*WORDS, "More soon."))
    alone = Draft(lea.creator_id, "", WORDS[0], (), (hand, own))
    for one in lea.act(
        previews.preview_draft,
        alone,
        author=f"member:{lea.author}",
        connectors=loader.load_connectors(),
    ):
        assert (one.reasons, one.joined) == ((), False)


# Interruptions


def test_thread_continues_after_lost_response_is_resolved(lea: SandboxAgency) -> None:
    delivery_id = schedule_thread(lea)
    publish_parts(lea, delivery_id, 1)
    lea.fault("reset_after")
    lea.live(minutes=3)
    assert "uncertain" in lea.states(delivery_id)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert list_reply_chain(lea) == IN_ORDER


def test_accepted_part_is_not_sent_again_after_lost_response(lea: SandboxAgency) -> None:
    delivery_id = schedule_thread(lea)
    publish_parts(lea, delivery_id, 2)
    lea.fault("accept_then_hang")
    lea.live(minutes=3)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert list_reply_chain(lea) == IN_ORDER
    assert len(lea.asked()) == 4


def test_lost_part_alone_is_sent_again(lea: SandboxAgency) -> None:
    delivery_id = schedule_thread(lea)
    publish_parts(lea, delivery_id, 1)
    lea.fault("reset_before")
    lea.live(minutes=12)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert list_reply_chain(lea) == IN_ORDER


def test_member_resolves_uncertain_part_and_thread_continues(lea: SandboxAgency) -> None:
    """Without a lookup, the decision of a member covers that part, and the rest continues from
    there."""
    for link in (True, False):
        mia = create_sandbox_agency(lea.services, lea.network)
        mia.fault("status:503", on="lookups", times=99)
        delivery_id = schedule_thread(mia)
        publish_parts(mia, delivery_id, 1)
        mia.fault("reset_after" if link else "reset_before")
        mia.live(minutes=2)
        assert mia.state(delivery_id) is DeliveryState.UNCERTAIN
        assert count_published_parts(mia, delivery_id) == (1, 4)
        lea.network.clear()
        url = f"{mia.network.url}/t/{mia.accounts['main']}/{mia.posts()[-1]['id']}" if link else ""
        mia.act(
            uncertain_deliveries.resolve_uncertain_delivery,
            delivery_id,
            member_id=mia.manager,
            url=url,
        )
        mia.live(minutes=2)
        assert mia.state(delivery_id) is DeliveryState.PUBLISHED, mia.states(delivery_id)
        assert list_reply_chain(mia) == IN_ORDER


def test_link_of_published_part_is_refused_for_next_part(lea: SandboxAgency) -> None:
    delivery_id = schedule_thread(lea)
    publish_parts(lea, delivery_id, 2)
    lea.fault("status:503", on="lookups", times=99)
    lea.fault("reset_before")
    lea.live(minutes=1)
    assert lea.state(delivery_id) is DeliveryState.UNCERTAIN
    second = next(one["id"] for one in lea.posts() if one["text"] == WORDS[1])
    with pytest.raises(Conflict):
        lea.act(settlement.record_live_link, delivery_id, native_id=second, url="https://x.test/2")


def test_refused_part_stops_thread_until_member_retries(lea: SandboxAgency) -> None:
    delivery_id = schedule_thread(lea)
    publish_parts(lea, delivery_id, 2)
    lea.fault("refuse")
    lea.live(minutes=1)
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.BROKEN_OFF,
        "connectors.refused",
    )
    assert count_published_parts(lea, delivery_id) == (2, 4)
    assert f"delivery:{delivery_id}" in lea.notices()
    lea.live(hours=1)
    assert len(lea.posts()) == 2  # the rest is not published automatically
    lea.act(drafts.retry_delivery, delivery_id)
    lea.live(minutes=1)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert list_reply_chain(lea) == IN_ORDER


def test_emergency_stop_pauses_thread(lea: SandboxAgency) -> None:
    delivery_id = schedule_thread(lea)
    publish_parts(lea, delivery_id, 2)
    target = str(lea.channels["main"])
    lea.act(emergency_stops.close_switch, "channel", target, "sending", reason="test")
    lea.live(minutes=5)
    assert lea.state(delivery_id) is DeliveryState.PARTLY
    assert len(lea.posts()) == 2
    lea.act(emergency_stops.reopen_switch, "channel", target, "sending", reason="test")
    lea.live(minutes=1)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert list_reply_chain(lea) == IN_ORDER


@pytest.mark.heavy
def test_long_emergency_stop_breaks_off_thread(lea: SandboxAgency) -> None:
    delivery_id = schedule_thread(lea)
    publish_parts(lea, delivery_id, 2)
    lea.act(
        emergency_stops.close_switch, "channel", str(lea.channels["main"]), "sending", reason="test"
    )
    lea.live(minutes=40)
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.BROKEN_OFF,
        "delivery.too_late",
    )
    assert len(list_reply_chain(lea, standing=True)) == 2


@pytest.mark.parametrize("whose", [2, 0], ids=["of a part to come", "of the first part"])
def test_consent_revoked_during_thread_removes_all_parts(lea: SandboxAgency, whose: int) -> None:
    """A person in part 3, or in part 1, revokes consent after part 2: the whole thread is removed."""
    asset, person = add_depicted_photo(lea, 3)
    media: list[tuple[UUID, ...]] = [(asset,) if place == whose else () for place in range(3)]
    rest = tuple(
        ThreadPart(body, pictures) for body, pictures in zip(WORDS[1:3], media[1:], strict=True)
    )
    delivery_id = lea.delivery(WORDS[0], media=media[0], parts=rest)
    publish_parts(lea, delivery_id, 2)
    assert count_published_parts(lea, delivery_id) == (2, 3)
    assert len(list_reply_chain(lea, standing=True)) == 2
    lea.act(revoke_consent, person)
    lea.live(minutes=2)
    assert lea.state(delivery_id) is DeliveryState.REMOVED, lea.states(delivery_id)
    assert list_reply_chain(lea, standing=True) == []
    assert len(lea.posts()) == 2  # the third part was never requested
    assert all(copy.removed_at is not None for copy in list_permits(lea, delivery_id))
    assert "delivery.called_back" in lea.notices().values()


def test_thread_is_kept_while_consent_is_valid(lea: SandboxAgency) -> None:
    """The counterpart of the test above, without a revocation."""
    asset, _ = add_depicted_photo(lea, 4)
    delivery_id = lea.delivery(
        WORDS[0], parts=(ThreadPart(WORDS[1]), ThreadPart(WORDS[2], (asset,)))
    )
    publish_parts(lea, delivery_id, 2)
    lea.live(minutes=2)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert len(list_reply_chain(lea, standing=True)) == 3


def test_thread_with_unrated_last_part_does_not_start(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(
        WORDS[0], parts=(ThreadPart(WORDS[1]), ThreadPart(WORDS[2], (lea.photo(5, rating=None),)))
    )
    lea.run()
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "gate.RATING_MISSING",
    )
    assert lea.posts() == []

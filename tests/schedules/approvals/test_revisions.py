"""Requested changes, and the differences between the reviewed and the current version."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from foundation.errors import BadInput, Conflict
from foundation.ids import uuid7
from foundation.ops.clock import monotonic
from schedules.approvals import decisions, review_queue, revisions
from schedules.approvals.revisions import TextChange, TextRun, diff_words
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts.channel_overrides import ChannelOverride
from schedules.posts.states import DeliveryState
from schedules.posts.thread_parts import ThreadPart
from tenants.agencies.rights import Role
from tests.schedules.approvals.test_review_comments import known, member
from tests.schedules.builders import SandboxAgency, create_sandbox_agency


def refuse(
    at: SandboxAgency,
    post_id: UUID,
    act: Callable[..., None] = decisions.request_changes,
    **more: Any,
) -> None:
    at.act(act, post_id, member_id=at.manager, **{"why": "words", "note": "shorter please", **more})


def rewrite(at: SandboxAgency, post_id: UUID, body: str, **more: Any) -> bool:
    media = more.pop("media", ())
    with at.scope(f"member:{at.author}") as scope:
        draft = Draft(at.creator_id, more.pop("title", ""), body, media, (), **more)
        return drafts.rewrite_post(scope, post_id, draft, author=f"member:{at.author}")


@pytest.mark.parametrize("act", [decisions.request_changes, decisions.reject_post])
def test_refusal_stores_reason_and_keeps_due_time(
    lea: SandboxAgency, act: Callable[..., None]
) -> None:
    post_id = lea.write("a long text")
    delivery_id = lea.wish(post_id, after=600)
    lea.approve(post_id)
    lea.plan(post_id)
    due = lea.entry(delivery_id).due_at
    why = "words" if act is decisions.request_changes else "taste"
    for wrong in ({"note": " "}, {"why": "?"}, {"why": "double" if why == "words" else "moment"}):
        with pytest.raises(BadInput):
            refuse(lea, post_id, act, **{"why": why, **wrong})
    assert lea.state(delivery_id) is DeliveryState.SCHEDULED
    refuse(lea, post_id, act, why=why)
    assert (lea.state(delivery_id), lea.entry(delivery_id).due_at) == (DeliveryState.DRAFT, due)
    with lea.scope() as scope:
        found = revisions.list_change_requests(scope, post_id)
    assert [(one.why, one.note, one.answered) for one in found] == [(why, "shorter please", False)]
    assert found[0].by == known(lea, lea.manager).principal_id


def test_latest_change_request_counts_until_withdrawn(lea: SandboxAgency) -> None:
    post_id = lea.write()
    refuse(lea, post_id)
    refuse(lea, post_id, note="no, longer")
    with lea.scope() as scope:
        assert [one.note for one in revisions.list_change_requests(scope, post_id)] == [
            "no, longer"
        ]
    lea.act(decisions.withdraw_verdict, post_id, member_id=lea.manager)
    with lea.scope() as scope:
        assert revisions.list_change_requests(scope, post_id) == []


def test_revision_answers_change_request_and_needs_approval(lea: SandboxAgency) -> None:
    shot, other = lea.photo(1), lea.photo(2)
    post_id = lea.write("one two three", media=(shot,))
    lea.wish(post_id, after=600)
    with lea.scope() as scope:
        assert revisions.revision_since_verdict(scope, post_id) is None
    refuse(lea, post_id)
    with lea.scope() as scope:
        assert review_queue.list_review_queue(scope, [lea.creator_id]) == []
        assert revisions.revision_since_verdict(scope, post_id) is None  # the content is the same
    rewrite(lea, post_id, "one three four", media=(other,))
    with lea.scope() as scope:
        assert [one.post_id for one in review_queue.list_review_queue(scope, [lea.creator_id])] == [
            post_id
        ]
        assert [one.answered for one in revisions.list_change_requests(scope, post_id)] == [True]
        found = revisions.revision_since_verdict(scope, post_id)
    assert found is not None
    assert (found.verdict, found.put, found.taken) == ("change", (other,), (shot,))
    (change,) = found.changes
    assert (change.place, change.field, change.part) == ("", "body", 0)
    assert "".join(run.words for run in change.runs if run.kind != "new") == "one two three"
    assert "".join(run.words for run in change.runs if run.kind != "gone") == "one three four"


def test_edit_after_approval_needs_new_approval(lea: SandboxAgency) -> None:
    post_id = lea.write("as approved")
    delivery_id = lea.wish(post_id, after=600)
    lea.approve(post_id)
    lea.plan(post_id)
    assert rewrite(lea, post_id, "another text") is False
    assert lea.state(delivery_id) is DeliveryState.DRAFT
    with lea.scope() as scope:
        found = revisions.revision_since_verdict(scope, post_id)
    assert found is not None
    assert found.verdict == "yes"
    lea.live(minutes=11)
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "delivery.unapproved",
    )
    assert lea.posts() == []
    lea.approve(post_id)
    lea.run()
    assert lea.texts() == ["another text"]


def test_approval_of_outdated_version_is_refused(lea: SandboxAgency) -> None:
    post_id = lea.write("as read")
    lea.wish(post_id, after=600)
    with lea.scope() as scope:
        (read,) = review_queue.list_review_queue(scope, [lea.creator_id])
    rewrite(lea, post_id, "as written meanwhile")
    with pytest.raises(Conflict):
        lea.act(decisions.approve_post, post_id, member_id=lea.manager, digest=read.digest)
    with lea.scope() as scope:
        (now,) = review_queue.list_review_queue(scope, [lea.creator_id])
    lea.act(decisions.approve_post, post_id, member_id=lea.manager, digest=now.digest)


def test_revision_closes_change_request_notice(lea: SandboxAgency) -> None:
    post_id = lea.write("one two three")
    lea.wish(post_id, after=600)
    refuse(lea, post_id)
    cause = f"approval:{post_id}"
    assert lea.notices()[cause] == "approval.change_wanted"
    rewrite(lea, post_id, "one two three")  # the content is the same
    assert cause in lea.notices()
    rewrite(lea, post_id, "one three four")
    assert cause not in lea.notices()


def test_later_approval_settles_own_change_request(lea: SandboxAgency) -> None:
    post_id, other = lea.write("one two three"), member(lea, Role.MANAGER)
    lea.wish(post_id, after=600)
    refuse(lea, post_id)
    rewrite(lea, post_id, "one three four")
    with lea.scope(f"member:{other.id}") as scope:
        decisions.approve_post(scope, post_id, member_id=other.id)
        assert [
            (one.answered, one.agreed) for one in revisions.list_change_requests(scope, post_id)
        ] == [(True, False)]
    lea.approve(post_id)
    with lea.scope() as scope:
        assert [
            (one.answered, one.agreed) for one in revisions.list_change_requests(scope, post_id)
        ] == [(True, True)]


def test_second_tier_approval_replaces_own_change_request(
    lea: SandboxAgency,
) -> None:
    two = create_sandbox_agency(lea.services, lea.network, tiers=2)
    post_id, other = two.write(), member(two, Role.MANAGER)
    delivery_id = two.wish(post_id, after=600)
    two.approve(post_id)
    with two.scope(f"member:{other.id}") as scope:
        decisions.request_changes(
            scope, post_id, member_id=other.id, note="later please", why="moment"
        )
    with two.scope(f"member:{other.id}") as scope:
        decisions.approve_post(scope, post_id, member_id=other.id, tier=2)
        assert [
            one for one in revisions.list_change_requests(scope, post_id) if not one.agreed
        ] == []
    assert two.state(delivery_id) is DeliveryState.APPROVED


def test_revisions_are_invisible_to_another_agency(lea: SandboxAgency) -> None:
    post_id = lea.write()
    refuse(lea, post_id)
    other = create_sandbox_agency(lea.services, lea.network)
    for ask in (revisions.list_change_requests, revisions.revision_since_verdict):
        with pytest.raises(Exception, match=r"post\.unknown"), other.scope() as scope:
            ask(scope, post_id)


def test_comparison_covers_every_part_and_override(lea: SandboxAgency) -> None:
    post_id = lea.write(
        "said",
        parts=(ThreadPart("second"), ThreadPart("under it", comment=True)),
        others=(ChannelOverride("x", body="short"),),
    )
    lea.wish(post_id, after=600)
    refuse(lea, post_id)
    rewrite(
        lea,
        post_id,
        "said",
        title="A title",
        parts=(ThreadPart("second"), ThreadPart("under that", comment=True)),
        others=(ChannelOverride("mastodon", body="longer"),),
    )
    with lea.scope() as scope:
        found = revisions.revision_since_verdict(scope, post_id)
    assert found is not None
    assert [(one.place, one.field, one.part) for one in found.changes] == [
        ("", "comment", 2),
        ("", "title", 0),
        ("mastodon", "body", 0),
        ("x", "body", 0),
    ]


def test_change_requests_of_two_members_are_both_listed(lea: SandboxAgency) -> None:
    post_id, other = lea.write(), member(lea, Role.MANAGER)
    refuse(lea, post_id)
    with lea.scope(f"member:{other.id}") as scope:
        decisions.request_changes(scope, post_id, member_id=other.id, why="picture", note="darker")
    with lea.scope() as scope:
        assert [(one.by, one.why) for one in revisions.list_change_requests(scope, post_id)] == [
            (other.principal_id, "picture"),
            (known(lea, lea.manager).principal_id, "words"),
        ]


TEXT = st.text(alphabet=st.sampled_from("ab é\n.,"), max_size=40) | st.text(max_size=40)


@settings(max_examples=300, deadline=None)
@given(TEXT, TEXT)
@example("", "x")
@example("x", "")
def test_diff_reproduces_both_texts(before: str, now: str) -> None:
    runs = diff_words(before, now)
    assert "".join(run.words for run in runs if run.kind != "new") == before
    assert "".join(run.words for run in runs if run.kind != "gone") == now
    assert all(run.words for run in runs)
    if before == now:
        assert all(run.kind == "same" for run in runs)


def test_diff_compares_whole_words() -> None:
    assert diff_words("the old lighthouse", "the new lighthouse") == (
        TextRun("same", "the "),
        TextRun("gone", "old"),
        TextRun("new", "new"),
        TextRun("same", " lighthouse"),
    )


@pytest.mark.parametrize(
    "pair",
    [
        ("a " * 10_000, "b " * 10_000),
        ("a b " * 5_000, "b a " * 5_000),
        (" ".join(map(str, range(750))), " ".join(map(str, reversed(range(750))))),
        ("a " * 749 + "x", "x " + "a " * 748),
    ],
)
def test_longest_texts_are_compared_within_seconds(pair: tuple[str, str]) -> None:
    started = monotonic()
    diff_words(*pair)
    assert monotonic() - started < 3


def test_changed_text_names_its_field_and_part() -> None:
    now = {"title": "", "body": "", "media": [], "parts": [], "overrides": []}
    assert revisions.changed_texts(now, {**now, "body": "x"}) == (
        TextChange("", "body", 0, (TextRun("new", "x"),)),
    )
    assert revisions.changed_texts(now, now) == ()


def test_unknown_post_has_no_change_requests(lea: SandboxAgency) -> None:
    with pytest.raises(Exception, match=r"post\.unknown"), lea.scope() as scope:
        revisions.list_change_requests(scope, uuid7())

"""Comments under posts: received once, answered once by a member, hidden, and never counted as a
subscriber."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import SQLAlchemyError

from channels.accounts import queries as channel_reads
from connectors.contract.comments import Comment
from connectors.platforms.sandbox.publisher import Sandbox
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.ids import uuid7
from gate.contract.states import AssuranceState
from gate.viewers import age_assurance
from subscribers.comments import incoming_comments, moderation
from subscribers.conversations import queries as reads
from subscribers.conversations.states import OwnerState
from subscribers.erasure import erase_fan
from subscribers.fans import directory
from subscribers.inbox import conversation_list, member_actions
from subscribers.inbox import queries as inbox
from subscribers.inbox.conversation_list import InboxGroup
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.subscribers.comments.comment_actions import (
    CAN,
    add_comment,
    answer_comment,
    find_conversation_id,
    get_network_comments,
    get_owner,
    list_comments,
    list_network_replies,
    publish_post,
    receive_comments,
    take_over,
)
from workers.wiring import Services

SCRIPT = "javascript:alert(1)"


def test_comment_is_received_once_and_waits_for_a_member(lea: SandboxAgency) -> None:
    post = publish_post(lea)
    first = add_comment(lea, "where is this?", post=post)
    for _ in range(2):
        receive_comments(lea)
    (one,) = list_comments(lea)
    assert (one.text, one.under, one.state) == ("where is this?", post, "open")
    assert get_owner(lea) is OwnerState.PENDING_HUMAN
    with lea.scope() as scope:
        (row,) = conversation_list.list_inbox(scope, [lea.creator_id])
        assert (row.group(lea.manager, scope.now), row.said) == (
            InboxGroup.PUBLIC,
            "where is this?",
        )
        channel = channel_reads.get_channel(scope, lea.channels["main"])
        again = Comment(first, "ann", "ann", "where is this?", post, at=scope.now)
        incoming_comments.receive_comment(
            scope, channel, again
        )  # received twice in two overlapping readings
    assert len(list_comments(lea)) == 1


def test_commenter_is_no_subscriber(lea: SandboxAgency) -> None:
    since = lea.now()
    add_comment(lea, "where is this?", post=publish_post(lea))
    receive_comments(lea)
    with lea.scope() as scope:
        counts = reads.count_chat_activity(
            scope, lea.creator_id, since, scope.now + timedelta(hours=1)
        )
        assert (counts.new_fans, counts.messages_in) == (0, 0)
        assert reads.fan_facts(scope, lea.creator_id) == []
        assert reads.find_conversation(scope, lea.channels["main"], "ann") is None


def test_answer_is_published_under_the_comment_and_closes_it(lea: SandboxAgency) -> None:
    native = add_comment(lea, "where is this?", post=publish_post(lea))
    receive_comments(lea)
    take_over(lea)
    key = uuid7()
    for _ in range(2):  # a repeated click
        answer_comment(lea, list_comments(lea)[0], "At the lake, in spring.", key)
    lea.run()
    assert list_network_replies(lea, native) == ["At the lake, in spring."]
    assert list_comments(lea)[0].state == "answered"
    assert get_owner(lea) is OwnerState.CLOSED
    with lea.scope() as scope:
        thread = reads.thread(scope, find_conversation_id(lea))
    assert [(line.author, line.body) for line in thread.lines] == [
        ("fan", "where is this?"),
        ("member", "At the lake, in spring."),
    ]
    receive_comments(lea)
    assert len(list_comments(lea)) == 1, "our own answer is not received as a comment"


@pytest.mark.parametrize(
    "mode", ["reset_after", "accept_then_hang", "status:503_after", "reset_before", "status:503"]
)
def test_answer_with_a_lost_response_is_published_once(lea: SandboxAgency, mode: str) -> None:
    native = add_comment(lea, "where is this?", post=publish_post(lea))
    receive_comments(lea)
    take_over(lea)
    lea.fault(mode, on="posts")
    answer_comment(lea, list_comments(lea)[0], "At the lake.")
    lea.live(minutes=20)
    assert list_network_replies(lea, native) == ["At the lake."]
    assert list_comments(lea)[0].state == "answered"


def test_new_comment_reopens_the_conversation(lea: SandboxAgency) -> None:
    post = publish_post(lea)
    add_comment(lea, "where is this?", post=post)
    receive_comments(lea)
    take_over(lea)
    answer_comment(lea, list_comments(lea)[0], "At the lake.")
    lea.run()
    add_comment(lea, "and when?", post=post)
    receive_comments(lea)
    assert get_owner(lea) is OwnerState.PENDING_HUMAN
    assert [one.state for one in list_comments(lea)] == ["open", "answered"]


def test_only_the_owner_answers_with_a_valid_text(lea: SandboxAgency) -> None:
    add_comment(lea, "where is this?", post=publish_post(lea))
    receive_comments(lea)
    with pytest.raises(Refused):
        answer_comment(lea, list_comments(lea)[0], "At the lake.")
    talk = take_over(lea)
    for words, error in (("  ", BadInput), ("x" * 1001, BadInput), ("I am really human", Refused)):
        with pytest.raises(error):
            answer_comment(lea, list_comments(lea)[0], words)
    for act in (
        lambda: lea.act(
            member_actions.send_member_reply, talk, lea.manager, "in private?", key=uuid7()
        ),
        lambda: lea.act(member_actions.return_to_ai, talk, lea.manager),
    ):
        with pytest.raises(Refused):
            act()
    silent = Sandbox.capabilities.__class__(**{**vars(CAN), "points_at": frozenset()})
    with pytest.raises(Refused):
        lea.act(
            moderation.answer_comment,
            list_comments(lea)[0].id,
            lea.manager,
            "At the lake.",
            key=uuid7(),
            can=silent,
        )


def test_refused_answer_is_not_published(lea: SandboxAgency) -> None:
    native = add_comment(lea, "where is this?", post=publish_post(lea))
    receive_comments(lea)
    take_over(lea)
    told = lea.act(
        moderation.check_comment_answer,
        list_comments(lea)[0].id,
        lea.manager,
        "SUGGESTIVE-MARKER-A for you",
        can=CAN,
    )
    assert told, "the warning appears while typing"
    answer_comment(lea, list_comments(lea)[0], "SUGGESTIVE-MARKER-A for you")
    lea.run()
    assert list_network_replies(lea, native) == []
    with lea.scope() as scope:
        (kept,) = inbox.load_conversation_desk(scope, find_conversation_id(lea)).unsent
    assert kept.state in ("failed", "draft")
    assert list_comments(lea)[0].state == "open"


def test_commenting_minor_is_blocked_and_gets_no_answer(lea: SandboxAgency) -> None:
    native = add_comment(lea, "so pretty, i'm 14 years old", post=publish_post(lea))
    receive_comments(lea)
    with lea.scope() as scope:
        assert age_assurance.get_assurance(scope, "sandbox", "ann").state is AssuranceState.BLOCKED
        (row,) = conversation_list.list_inbox(scope, [lea.creator_id])
        assert row.group(lea.manager, scope.now) is InboxGroup.SAFETY
    take_over(lea)
    answer_comment(lea, list_comments(lea)[0], "Thank you.")
    lea.live(minutes=40)
    assert list_network_replies(lea, native) == []


def test_comment_in_crisis_goes_to_a_member_at_once(lea: SandboxAgency) -> None:
    add_comment(lea, "i want to die", post=publish_post(lea))
    receive_comments(lea)
    with lea.scope() as scope:
        (row,) = conversation_list.list_inbox(scope, [lea.creator_id])
        assert row.group(lea.manager, scope.now) is InboxGroup.SAFETY
    posts = lea.network.truth(lea.accounts["main"])["posts"]
    assert [one["text"] for one in posts] == ["first light"], "nothing is posted automatically"


@pytest.mark.parametrize(
    ("act", "becomes", "state"),
    [
        ("like", "shown", "open"),
        ("unlike", "shown", "open"),
        ("hide", "hidden", "hidden"),
        ("show", "shown", "open"),
        ("delete", "deleted", "deleted"),
        ("report", "shown", "done"),
        ("block", "shown", "done"),
    ],
)
def test_moderation_action_is_applied_once(
    lea: SandboxAgency, act: str, becomes: str, state: str
) -> None:
    add_comment(lea, "buy followers here", post=publish_post(lea))
    receive_comments(lea)
    for mode in ("status:503", "reset_after"):
        lea.fault(mode, on="moderation")
    for _ in range(2):
        lea.act(moderation.request_moderation, list_comments(lea)[0].id, act, can=CAN)
    lea.live(minutes=10)
    (there,) = get_network_comments(lea)["remarks"]
    assert (there["state"], bool(there["reported"])) == (becomes, act == "report")
    assert get_network_comments(lea)["kept_away"] == (["ann"] if act == "block" else [])
    assert (list_comments(lea)[0].state, list_comments(lea)[0].liked, there["liked"]) == (
        state,
        act == "like",
        act == "like",
    )
    assert get_owner(lea) is (OwnerState.PENDING_HUMAN if state == "open" else OwnerState.CLOSED)


def test_like_can_be_withdrawn(lea: SandboxAgency) -> None:
    add_comment(lea, "what a light", post=publish_post(lea))
    receive_comments(lea)
    for act in ("like", "unlike", "like"):
        lea.act(moderation.request_moderation, list_comments(lea)[0].id, act, can=CAN)
        lea.live(minutes=2)
        assert (
            list_comments(lea)[0].liked
            is get_network_comments(lea)["remarks"][0]["liked"]
            is (act == "like")
        )
    lea.act(moderation.request_moderation, list_comments(lea)[0].id, "hide", can=CAN)
    lea.live(minutes=2)
    assert (list_comments(lea)[0].state, list_comments(lea)[0].liked) == ("hidden", True)


def test_unsupported_moderation_is_refused_before_any_request(lea: SandboxAgency) -> None:
    add_comment(lea, "buy followers here", post=publish_post(lea))
    receive_comments(lea)
    unable = CAN.__class__(**{**vars(CAN), "moderates": frozenset({"hide"})})
    with pytest.raises(Refused):
        lea.act(moderation.request_moderation, list_comments(lea)[0].id, "delete", can=unable)
    lea.act(moderation.request_moderation, list_comments(lea)[0].id, "delete", can=CAN)
    lea.run()
    with pytest.raises(Conflict):
        lea.act(moderation.request_moderation, list_comments(lea)[0].id, "hide", can=CAN)
    take_again = lambda: answer_comment(lea, list_comments(lea)[0], "Thank you.")  # noqa: E731  the refused action
    with pytest.raises(Conflict):
        take_again()


def test_closed_comments_leave_the_inbox(lea: SandboxAgency) -> None:
    add_comment(lea, "nice", post=publish_post(lea))
    receive_comments(lea)
    lea.act(moderation.close_comments, find_conversation_id(lea))
    lea.act(moderation.close_comments, find_conversation_id(lea))
    assert (get_owner(lea), list_comments(lea)[0].state) == (OwnerState.CLOSED, "done")


def test_crash_at_any_point_answers_each_comment_once(lea: SandboxAgency) -> None:
    post, at, lived = publish_post(lea), 0, False
    while not lived:
        at += 1
        native = add_comment(lea, f"word {at}", post=post, fan=f"fan{at}")
        receive_comments(lea)
        take_over(lea, f"fan{at}")
        answer_comment(lea, list_comments(lea, f"fan{at}")[0], f"thanks {at}")
        lived = not lea.crash(at)
        lea.live(minutes=15)
        assert list_network_replies(lea, native) == [f"thanks {at}"]
        assert list_comments(lea, f"fan{at}")[0].state == "answered"
    assert at > 3


def test_another_agency_cannot_see_or_moderate_comments(
    lea: SandboxAgency, services: Services, sandbox: RunningSandbox
) -> None:
    add_comment(lea, "where is this?", post=publish_post(lea))
    receive_comments(lea)
    (one,), other = list_comments(lea), create_sandbox_agency(services, sandbox)
    for act in (
        lambda: other.act(moderation.request_moderation, one.id, "hide", can=CAN),
        lambda: other.act(
            moderation.answer_comment, one.id, other.manager, "hello", key=uuid7(), can=CAN
        ),
        lambda: other.act(moderation.close_comments, find_conversation_id(lea)),
    ):
        with pytest.raises(NotFound):
            act()
    with other.scope() as scope:
        assert moderation.list_comments_of_conversation(scope, find_conversation_id(lea)) == []
        for table in ("remarks", "heard_remarks", "remark_cursors"):
            assert scope.run(f"SELECT count(*) FROM {table}").scalar_one() == 0


def test_erased_fan_is_erased_from_comments(lea: SandboxAgency) -> None:
    add_comment(lea, "where is this?", post=publish_post(lea))
    receive_comments(lea)
    with lea.scope() as scope:
        known = directory.find_fan_identity(scope, lea.channels["main"], "ann")
        assert known is not None
        erase_fan(scope, known.fan_id)
    with lea.scope() as scope:
        kept = scope.run(
            "SELECT native_id, url FROM remarks WHERE tenant_id = :tenant", tenant=lea.tenant_id
        ).one()
        assert kept.native_id.startswith("erased:")
        assert kept.url == ""
        assert (
            scope.run(
                "SELECT count(*) FROM heard_remarks WHERE tenant_id = :t", t=lea.tenant_id
            ).scalar_one()
            == 0
        )


def test_web_role_cannot_insert_received_comments(lea: SandboxAgency) -> None:
    with pytest.raises(SQLAlchemyError), lea.scope() as scope:
        scope.run(
            "INSERT INTO heard_remarks (tenant_id, id, creator_id, channel_id, platform, "
            "native_id, author)"
            " VALUES (:tenant, :id, :creator, :channel, 'sandbox', 'r1', 'ann')",
            tenant=lea.tenant_id,
            id=uuid7(),
            creator=lea.creator_id,
            channel=lea.channels["main"],
        )


def test_unhidden_comment_is_pending_again(lea: SandboxAgency) -> None:
    add_comment(lea, "nice", post=publish_post(lea))
    receive_comments(lea)
    for act, waits in (("hide", False), ("show", True)):
        lea.act(moderation.request_moderation, list_comments(lea)[0].id, act, can=CAN)
        lea.live(minutes=2)
        assert (get_owner(lea) is OwnerState.PENDING_HUMAN) is waits


def test_closing_comments_does_not_stop_a_queued_answer(lea: SandboxAgency) -> None:
    native = add_comment(lea, "nice", post=publish_post(lea))
    receive_comments(lea)
    take_over(lea)
    answer_comment(lea, list_comments(lea)[0], "Thank you.")
    lea.act(moderation.close_comments, find_conversation_id(lea))
    lea.run()
    assert list_network_replies(lea, native) == ["Thank you."]
    assert get_owner(lea) is OwnerState.CLOSED


def test_answer_beyond_the_platforms_limit_is_refused(lea: SandboxAgency) -> None:
    add_comment(lea, "nice", post=publish_post(lea))
    receive_comments(lea)
    take_over(lea)
    short = CAN.__class__(**{**vars(CAN), "max_text": 20})
    with pytest.raises(BadInput):
        lea.act(
            moderation.answer_comment,
            list_comments(lea)[0].id,
            lea.manager,
            "x" * 21,
            key=uuid7(),
            can=short,
        )


def test_answer_is_deleted_and_confirmed_gone(lea: SandboxAgency) -> None:
    native = add_comment(lea, "where is this?", post=publish_post(lea))
    receive_comments(lea)
    talk = take_over(lea)
    answer_comment(lea, list_comments(lea)[0], "At the lake.")
    lea.run()
    with lea.scope() as scope:
        (mine,) = moderation.list_comment_answers(scope, talk)
    assert not mine.gone
    lea.fault("reset_after", on="deletes")
    lea.act(moderation.request_answer_removal, mine.draft_id)
    lea.live(minutes=5)
    posts = lea.network.truth(lea.accounts["main"])["posts"]
    assert [bool(one["deleted_at"]) for one in posts if one["reply_to"] == native] == [True]
    with lea.scope() as scope:
        assert [one.gone for one in moderation.list_comment_answers(scope, talk)] == [True]
    with pytest.raises(Conflict):
        lea.act(moderation.request_answer_removal, mine.draft_id)


def test_answer_names_the_commenter_where_the_platform_requires_it(lea: SandboxAgency) -> None:
    native = add_comment(lea, "where is this?", post=publish_post(lea))
    receive_comments(lea)
    take_over(lea)
    named = CAN.__class__(**{**vars(CAN), "names_whom_it_answers": True})
    for words in ("At the lake.", "ann Thank you."):
        lea.act(
            moderation.answer_comment,
            list_comments(lea)[0].id,
            lea.manager,
            words,
            key=uuid7(),
            can=named,
        )
        lea.act(member_actions.take_over_conversation, find_conversation_id(lea), lea.manager)
    lea.run()
    assert sorted(list_network_replies(lea, native)) == ["ann At the lake.", "ann Thank you."]

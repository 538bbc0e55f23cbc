"""What people say under posts: heard once, answered by people and once, hidden, and never a
subscriber by that."""

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
from subscribers.inbox import member_actions
from subscribers.inbox import queries as inbox
from subscribers.inbox.queries import InboxGroup
from tests.fakes.network import Network
from tests.schedules.builders import Desk, desk
from tests.subscribers.commenting import (
    CAN,
    answer,
    conversation_of,
    hear,
    lines,
    owner,
    posted,
    said,
    take,
    truth,
    under,
)
from workers.wiring import Services

SCRIPT = "javascript:alert(1)"


def test_what_is_said_is_heard_once_and_waits_for_people(lea: Desk) -> None:
    post = posted(lea)
    first = said(lea, "where is this?", post=post)
    for _ in range(2):
        hear(lea)
    (one,) = lines(lea)
    assert (one.text, one.under, one.state) == ("where is this?", post, "open")
    assert owner(lea) is OwnerState.PENDING_HUMAN
    with lea.scope() as scope:
        (row,) = inbox.list_inbox(scope, [lea.creator_id])
        assert (row.group(lea.manager, scope.now), row.said) == (
            InboxGroup.PUBLIC,
            "where is this?",
        )
        channel = channel_reads.get_channel(scope, lea.channels["main"])
        again = Comment(first, "ann", "ann", "where is this?", post, at=scope.now)
        incoming_comments.receive_comment(
            scope, channel, again
        )  # heard twice, in two readings that overlap
    assert len(lines(lea)) == 1


def test_who_only_speaks_in_public_is_no_subscriber(lea: Desk) -> None:
    since = lea.now()
    said(lea, "where is this?", post=posted(lea))
    hear(lea)
    with lea.scope() as scope:
        counts = reads.count_chat_activity(
            scope, lea.creator_id, since, scope.now + timedelta(hours=1)
        )
        assert (counts.new_fans, counts.messages_in) == (0, 0)
        assert reads.fan_facts(scope, lea.creator_id) == []
        assert reads.find_conversation(scope, lea.channels["main"], "ann") is None
        assert reads.list_conversations(scope, lea.creator_id) == []


def test_an_answer_stands_under_the_remark_and_closes_it(lea: Desk) -> None:
    native = said(lea, "where is this?", post=posted(lea))
    hear(lea)
    take(lea)
    key = uuid7()
    for _ in range(2):  # the press came twice
        answer(lea, lines(lea)[0], "At the lake, in spring.", key)
    lea.run()
    assert under(lea, native) == ["At the lake, in spring."]
    assert lines(lea)[0].state == "answered"
    assert owner(lea) is OwnerState.CLOSED
    with lea.scope() as scope:
        thread = reads.thread(scope, conversation_of(lea))
    assert [(line.author, line.body) for line in thread.lines] == [
        ("fan", "where is this?"),
        ("member", "At the lake, in spring."),
    ]
    hear(lea)
    assert len(lines(lea)) == 1, "our own answer is nobody's remark"


@pytest.mark.parametrize(
    "mode", ["reset_after", "accept_then_hang", "status:503_after", "reset_before", "status:503"]
)
def test_an_answer_whose_answer_is_lost_stands_there_once(lea: Desk, mode: str) -> None:
    native = said(lea, "where is this?", post=posted(lea))
    hear(lea)
    take(lea)
    lea.fault(mode, on="posts")
    answer(lea, lines(lea)[0], "At the lake.")
    lea.live(minutes=20)
    assert under(lea, native) == ["At the lake."]
    assert lines(lea)[0].state == "answered"


def test_a_new_word_opens_it_again(lea: Desk) -> None:
    post = posted(lea)
    said(lea, "where is this?", post=post)
    hear(lea)
    take(lea)
    answer(lea, lines(lea)[0], "At the lake.")
    lea.run()
    said(lea, "and when?", post=post)
    hear(lea)
    assert owner(lea) is OwnerState.PENDING_HUMAN
    assert [one.state for one in lines(lea)] == ["open", "answered"]


def test_only_who_holds_it_answers_and_only_in_words_that_fit(lea: Desk) -> None:
    said(lea, "where is this?", post=posted(lea))
    hear(lea)
    with pytest.raises(Refused):
        answer(lea, lines(lea)[0], "At the lake.")
    talk = take(lea)
    for words, error in (("  ", BadInput), ("x" * 1001, BadInput), ("I am really human", Refused)):
        with pytest.raises(error):
            answer(lea, lines(lea)[0], words)
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
            lines(lea)[0].id,
            lea.manager,
            "At the lake.",
            key=uuid7(),
            can=silent,
        )


def test_words_the_safety_check_refuses_do_not_stand_in_public(lea: Desk) -> None:
    native = said(lea, "where is this?", post=posted(lea))
    hear(lea)
    take(lea)
    told = lea.act(
        moderation.check_comment_answer,
        lines(lea)[0].id,
        lea.manager,
        "SUGGESTIVE-MARKER-A for you",
        can=CAN,
    )
    assert told, "said while it is typed"
    answer(lea, lines(lea)[0], "SUGGESTIVE-MARKER-A for you")
    lea.run()
    assert under(lea, native) == []
    with lea.scope() as scope:
        (kept,) = inbox.load_conversation_desk(scope, conversation_of(lea), lea.manager).unsent
    assert kept.state in ("failed", "draft")
    assert lines(lea)[0].state == "open"


def test_a_minor_is_found_in_public_too_and_answered_by_nobody(lea: Desk) -> None:
    native = said(lea, "so pretty, i'm 14 years old", post=posted(lea))
    hear(lea)
    with lea.scope() as scope:
        assert age_assurance.get_assurance(scope, "sandbox", "ann").state is AssuranceState.BLOCKED
        (row,) = inbox.list_inbox(scope, [lea.creator_id])
        assert row.group(lea.manager, scope.now) is InboxGroup.SAFETY
    take(lea)
    answer(lea, lines(lea)[0], "Thank you.")
    lea.live(minutes=40)
    assert under(lea, native) == []


def test_somebody_in_danger_is_a_person_s_at_once(lea: Desk) -> None:
    said(lea, "i want to die", post=posted(lea))
    hear(lea)
    with lea.scope() as scope:
        (row,) = inbox.list_inbox(scope, [lea.creator_id])
        assert row.group(lea.manager, scope.now) is InboxGroup.SAFETY
    posts = lea.network.truth(lea.accounts["main"])["posts"]
    assert [one["text"] for one in posts] == ["first light"], "nothing is posted about it by itself"


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
def test_a_remark_is_acted_on(lea: Desk, act: str, becomes: str, state: str) -> None:
    said(lea, "buy followers here", post=posted(lea))
    hear(lea)
    for mode in ("status:503", "reset_after"):
        lea.fault(mode, on="moderation")
    for _ in range(2):
        lea.act(moderation.request_moderation, lines(lea)[0].id, act, can=CAN)
    lea.live(minutes=10)
    (there,) = truth(lea)["remarks"]
    assert (there["state"], bool(there["reported"])) == (becomes, act == "report")
    assert truth(lea)["kept_away"] == (["ann"] if act == "block" else [])
    assert (lines(lea)[0].state, lines(lea)[0].liked, there["liked"]) == (
        state,
        act == "like",
        act == "like",
    )
    assert owner(lea) is (OwnerState.PENDING_HUMAN if state == "open" else OwnerState.CLOSED)


def test_a_like_is_taken_back(lea: Desk) -> None:
    said(lea, "what a light", post=posted(lea))
    hear(lea)
    for act in ("like", "unlike", "like"):
        lea.act(moderation.request_moderation, lines(lea)[0].id, act, can=CAN)
        lea.live(minutes=2)
        assert lines(lea)[0].liked is truth(lea)["remarks"][0]["liked"] is (act == "like")
    lea.act(moderation.request_moderation, lines(lea)[0].id, "hide", can=CAN)
    lea.live(minutes=2)
    assert (lines(lea)[0].state, lines(lea)[0].liked) == ("hidden", True)


def test_what_the_platform_cannot_do_is_refused_before_it_is_asked(lea: Desk) -> None:
    said(lea, "buy followers here", post=posted(lea))
    hear(lea)
    unable = CAN.__class__(**{**vars(CAN), "moderates": frozenset({"hide"})})
    with pytest.raises(Refused):
        lea.act(moderation.request_moderation, lines(lea)[0].id, "delete", can=unable)
    lea.act(moderation.request_moderation, lines(lea)[0].id, "delete", can=CAN)
    lea.run()
    with pytest.raises(Conflict):
        lea.act(moderation.request_moderation, lines(lea)[0].id, "hide", can=CAN)
    take_again = lambda: answer(lea, lines(lea)[0], "Thank you.")  # noqa: E731  what is refused
    with pytest.raises(Conflict):
        take_again()


def test_done_leaves_the_list(lea: Desk) -> None:
    said(lea, "nice", post=posted(lea))
    hear(lea)
    lea.act(moderation.close_comments, conversation_of(lea))
    lea.act(moderation.close_comments, conversation_of(lea))
    assert (owner(lea), lines(lea)[0].state) == (OwnerState.CLOSED, "done")


def test_killed_at_any_point_each_is_answered_once(lea: Desk) -> None:
    post, at, lived = posted(lea), 0, False
    while not lived:
        at += 1
        native = said(lea, f"word {at}", post=post, fan=f"fan{at}")
        hear(lea)
        take(lea, f"fan{at}")
        answer(lea, lines(lea, f"fan{at}")[0], f"thanks {at}")
        lived = not lea.crash(at)
        lea.live(minutes=10)
        assert under(lea, native) == [f"thanks {at}"]
        assert lines(lea, f"fan{at}")[0].state == "answered"
    assert at > 3


def test_another_agency_sees_and_does_nothing(
    lea: Desk, services: Services, sandbox: Network
) -> None:
    said(lea, "where is this?", post=posted(lea))
    hear(lea)
    (one,), other = lines(lea), desk(services, sandbox)
    for act in (
        lambda: other.act(moderation.request_moderation, one.id, "hide", can=CAN),
        lambda: other.act(
            moderation.answer_comment, one.id, other.manager, "hello", key=uuid7(), can=CAN
        ),
        lambda: other.act(moderation.close_comments, conversation_of(lea)),
    ):
        with pytest.raises(NotFound):
            act()
    with other.scope() as scope:
        assert moderation.list_comments_of_conversation(scope, conversation_of(lea)) == []
        for table in ("remarks", "heard_remarks", "remark_cursors"):
            assert scope.run(f"SELECT count(*) FROM {table}").scalar_one() == 0


def test_who_is_forgotten_is_forgotten_here(lea: Desk) -> None:
    said(lea, "where is this?", post=posted(lea))
    hear(lea)
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


def test_pages_cannot_say_that_something_was_heard(lea: Desk) -> None:
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


def test_what_is_shown_again_waits_again(lea: Desk) -> None:
    said(lea, "nice", post=posted(lea))
    hear(lea)
    for act, waits in (("hide", False), ("show", True)):
        lea.act(moderation.request_moderation, lines(lea)[0].id, act, can=CAN)
        lea.live(minutes=2)
        assert (owner(lea) is OwnerState.PENDING_HUMAN) is waits


def test_done_keeps_back_no_answer_that_is_leaving(lea: Desk) -> None:
    native = said(lea, "nice", post=posted(lea))
    hear(lea)
    take(lea)
    answer(lea, lines(lea)[0], "Thank you.")
    lea.act(moderation.close_comments, conversation_of(lea))
    lea.run()
    assert under(lea, native) == ["Thank you."]
    assert owner(lea) is OwnerState.CLOSED


def test_an_answer_is_no_longer_than_the_platform_takes(lea: Desk) -> None:
    said(lea, "nice", post=posted(lea))
    hear(lea)
    take(lea)
    short = CAN.__class__(**{**vars(CAN), "max_text": 20})
    with pytest.raises(BadInput):
        lea.act(
            moderation.answer_comment,
            lines(lea)[0].id,
            lea.manager,
            "x" * 21,
            key=uuid7(),
            can=short,
        )


def test_an_answer_is_taken_back_and_proven_gone(lea: Desk) -> None:
    native = said(lea, "where is this?", post=posted(lea))
    hear(lea)
    talk = take(lea)
    answer(lea, lines(lea)[0], "At the lake.")
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


def test_who_is_heard_by_name_is_named_and_the_check_reads_it(lea: Desk) -> None:
    native = said(lea, "where is this?", post=posted(lea))
    hear(lea)
    take(lea)
    named = CAN.__class__(**{**vars(CAN), "names_whom_it_answers": True})
    for words in ("At the lake.", "ann Thank you."):
        lea.act(
            moderation.answer_comment, lines(lea)[0].id, lea.manager, words, key=uuid7(), can=named
        )
        lea.act(member_actions.take_over_conversation, conversation_of(lea), lea.manager)
    lea.run()
    assert sorted(under(lea, native)) == ["ann At the lake.", "ann Thank you."]

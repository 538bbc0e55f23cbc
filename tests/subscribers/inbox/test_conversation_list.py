"""The list of conversations: search, filters, read state of each member, and snoozed ones that come
back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Literal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from foundation.db.database import Scope
from foundation.ids import uuid7
from foundation.money import Money
from subscribers.conversations import conversation_rows, outgoing_messages
from subscribers.conversations.states import DraftState, Sentiment
from subscribers.erasure import erase_fan
from subscribers.fans import directory, scores
from subscribers.fans.scores import ScoreDraft
from subscribers.inbox import conversation_list, member_actions, read_state, search
from subscribers.inbox.conversation_list import (
    InboxEntry,
    InboxFilter,
    InboxGroup,
    InboxOrder,
    SpenderFilter,
)
from tests.insights.builders import receive_comments, store_comments
from tests.subscribers.builders import Studio
from tests.subscribers.inbox.test_member_actions import act, member, taken


@pytest.fixture
def listed(studio: Studio) -> Callable[..., dict[str, InboxEntry]]:
    """List the conversations of Nova as a member sees them, keyed by fan."""

    def listing(who: UUID | None = None, **wanted: object) -> dict[str, InboxEntry]:
        with studio.scope() as scope:
            found = conversation_list.list_inbox(
                scope,
                [studio.world.creator_id],
                member_id=who,
                wanted=InboxFilter(**wanted),  # type: ignore[arg-type]  # its fields
            )
        return {one.fan: one for one in found}

    return listing


Listed = Callable[..., dict[str, InboxEntry]]


def test_search_finds_names_and_messages_without_case_and_accents(
    studio: Studio, listed: Listed
) -> None:
    studio.say("leo", "J'adore l'Été à la mer")
    studio.say("leo", "et vous ?")
    studio.say("ana_92", "bonsoir")
    assert set(listed(words="ete")) == {"leo"}
    assert listed(words="ÉTÉ mer")["leo"].said == "J'adore l'Été à la mer"
    assert set(listed(words="LÉO")) == {"leo"}
    assert set(listed(words="ana")) == set(listed(words="92")) == {"ana_92"}
    assert listed(words="ete bonsoir") == {}  # the words of one message
    assert listed(words="inconnu") == {}
    assert set(listed(words="e")) == {"leo", "ana_92"}  # too short: nothing is filtered


def test_search_is_limited_to_creators_of_the_member_and_to_the_tenant(studio: Studio) -> None:
    studio.say("leo", "secret-word")
    with studio.scope() as scope:
        assert len(search.find_conversations(scope, [studio.world.creator_id], "secret")) == 1
        assert search.find_conversations(scope, [uuid7()], "secret") == {}
        assert search.find_conversations(scope, [], "secret") == {}
    with studio.world.database.scope(uuid7(), "system:chat") as scope:
        assert search.find_conversations(scope, [studio.world.creator_id], "secret") == {}
        assert search.find_conversations(scope, [studio.world.creator_id], "leo") == {}


def test_erased_fan_is_no_longer_found(studio: Studio, listed: Listed) -> None:
    studio.say("leo", "secret-word")
    with studio.scope() as scope:
        erase_fan(scope, studio.thread("leo").fan_id)
        assert search.find_conversations(scope, [studio.world.creator_id], "secret") == {}
        assert search.find_conversations(scope, [studio.world.creator_id], "leo") == {}
    assert listed() == {}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(max_size=140))
@example(words="' OR '1'='1")
@example(words="a' & !b:* | (c")
@example(words="\x00\ud800 \\' %_ --")
@example(words="ñ" * 140)
def test_hostile_search_raises_nothing_and_finds_no_other(studio: Studio, words: str) -> None:
    with studio.scope() as scope:
        mine = [studio.world.creator_id]
        assert search.find_conversations(scope, mine, words) == {}


def test_message_is_unread_for_each_member_until_they_open_it(
    studio: Studio, listed: Listed
) -> None:
    studio.say("leo", "/human")
    lea, tom = member(studio), member(studio, "Tom")
    talk = studio.thread("leo").id

    def unread(who: UUID) -> bool:
        with studio.scope() as scope:
            count = read_state.count_unread(scope, who, [studio.world.creator_id])
        assert bool(listed(who, unread=True)) is bool(count) is listed(who)["leo"].unread
        return bool(count)

    assert unread(lea)
    assert not listed()["leo"].unread
    act(studio, lea, read_state.mark_read, talk, lea)
    assert (unread(lea), unread(tom)) == (False, True)
    studio.say("leo", "encore")
    assert unread(lea)
    act(studio, lea, read_state.mark_all_read, lea)
    assert (unread(lea), unread(tom)) == (False, True)
    act(studio, lea, read_state.mark_unread, talk, lea)
    assert unread(lea)
    act(studio, lea, read_state.mark_all_read, lea)
    assert not unread(lea)
    studio.world.pass_time(timedelta(days=31).total_seconds())
    assert not unread(tom)


def test_conversation_of_the_ai_is_unread_only_once_it_needs_a_member(
    studio: Studio, listed: Listed
) -> None:
    studio.say("leo", "bonjour")
    lea = member(studio)
    talk = studio.thread("leo").id

    def unread() -> bool:
        with studio.scope() as scope:
            count = read_state.count_unread(scope, lea, [studio.world.creator_id])
        assert bool(listed(lea, unread=True)) is bool(count) is listed(lea)["leo"].unread
        return bool(count)

    assert not unread()
    act(studio, lea, read_state.mark_unread, talk, lea)
    assert unread()
    act(studio, lea, read_state.mark_read, talk, lea)
    studio.say("leo", "encore")
    assert not unread()
    with studio.scope() as scope:
        thread = conversation_rows.get_conversation(scope, talk)
        outgoing_messages.create_draft(
            scope, thread, origin="bot", kind="text", state=DraftState.DRAFT, text="Bonsoir"
        )
    assert unread()
    studio.say("leo", "/human")
    act(studio, lea, read_state.mark_read, talk, lea)
    studio.say("leo", "vite")
    assert unread()


def test_leads_and_buyers_are_found_and_ordered_by_their_predictions(
    studio: Studio, listed: Listed
) -> None:
    for fan in ("leo", "ana", "sam"):
        studio.say(fan, "bonjour")
        studio.world.pass_time(60)
    fans = {fan: studio.thread(fan).fan_id for fan in ("leo", "ana", "sam")}
    with studio.scope() as scope:
        creator = studio.world.creator_id
        grades = [ScoreDraft(fans["leo"], grade="A"), ScoreDraft(fans["ana"], grade="B")]
        scores.replace_scores(scope, creator, "leads", grades)
        values = [
            ScoreDraft(fans["leo"], "EUR", value_minor=500),
            ScoreDraft(fans["ana"], "EUR", value_minor=900),
        ]
        scores.replace_scores(scope, creator, "repeat", values)
    assert list(listed(order=InboxOrder.GRADE)) == ["leo", "ana", "sam"]
    assert list(listed(order=InboxOrder.VALUE)) == ["ana", "leo", "sam"]
    assert list(listed(order=InboxOrder.VALUE, grade="A")) == ["leo"]
    assert listed(grade="C") == {}
    assert (listed()["ana"].grade, listed()["ana"].value) == ("B", Money(900, "EUR"))
    assert listed()["sam"].value is None


@pytest.mark.parametrize("change", ["blocked", "sales", "all"])
def test_fan_who_may_not_be_sold_to_is_no_prospect(
    studio: Studio, listed: Listed, change: Literal["blocked", "sales", "all"]
) -> None:
    for fan in ("leo", "ana"):
        studio.say(fan, "bonjour")
        studio.world.pass_time(60)
    leo, ana = (studio.thread(fan).fan_id for fan in ("leo", "ana"))
    creator = studio.world.creator_id

    def predict(scope: Scope) -> None:
        grades = [ScoreDraft(leo, grade="A"), ScoreDraft(ana, grade="B")]
        scores.replace_scores(scope, creator, "leads", grades)
        values = [ScoreDraft(leo, "EUR", value_minor=900), ScoreDraft(ana, "EUR", value_minor=5)]
        scores.replace_scores(scope, creator, "repeat", values)

    with studio.scope() as scope:
        predict(scope)
    assert list(listed(order=InboxOrder.VALUE)) == ["leo", "ana"]
    for computed_again in (False, True):
        with studio.scope() as scope:
            if change == "blocked":
                directory.block_fan(scope, leo)
            else:
                directory.record_opt_out(scope, leo, change)
            if computed_again:
                predict(scope)
            stored = scope.run("SELECT count(*) FROM fan_scores WHERE fan_id = :f", f=leo).scalar()
            assert stored == (0 if computed_again and change == "blocked" else 2)
            assert scores.load_scores_of_fan(scope, leo) == []
            assert [one.fan_id for one in scores.load_scores(scope, [creator], "repeat")] == [ana]
            assert scores.count_grades(scope, [creator], "leads") == {"B": 1}
        assert list(listed(order=InboxOrder.VALUE)) == ["ana", "leo"]
        assert list(listed(order=InboxOrder.GRADE)) == ["ana", "leo"]
        assert listed(grade="A") == {}
        assert (listed()["leo"].grade, listed()["leo"].value) == ("", None)


def test_first_visit_starts_with_the_messages_of_the_last_day(
    studio: Studio, listed: Listed
) -> None:
    studio.say("leo", "/human")
    studio.world.pass_time(timedelta(days=1, minutes=1).total_seconds())
    studio.say("ana", "/human")
    lea = member(studio)
    act(studio, lea, read_state.start_reading, lea)
    assert set(listed(lea, unread=True)) == {"ana"}
    studio.world.pass_time(timedelta(days=3).total_seconds())
    act(studio, lea, read_state.start_reading, lea)
    assert set(listed(lea, unread=True)) == {"ana"}


def test_filters_combine(studio: Studio, listed: Listed) -> None:
    order = studio.invoiced("ana")
    with studio.scope() as scope:
        from subscribers.checkout import order_payments

        order_payments.record_payment(scope, studio.charge("ana", order, "c-1"))
    studio.say("leo", "/human")
    studio.say("sam", "bonjour")
    assert set(listed(spender=SpenderFilter.BUYER)) == {"ana"}
    assert set(listed(spender=SpenderFilter.NONE)) == {"leo", "sam"}
    assert listed(spender=SpenderFilter.SEVERAL) == {}
    assert set(listed(waiting=True)) == {"leo"}
    assert listed(waiting=True, spender=SpenderFilter.BUYER) == {}
    assert listed()["ana"].last_purchase == Money(500, "XTS")
    assert listed()["leo"].last_purchase is None
    assert set(listed(channel_id=listed()["leo"].channel_id)) == {"ana", "leo", "sam"}
    assert listed(channel_id=uuid7()) == listed(creator_id=uuid7()) == {}
    assert set(listed(waiting=True, words="human")) == {"leo"}


def test_filtered_list_is_cut_after_the_newest(studio: Studio) -> None:
    for fan in ("one", "two", "three"):
        studio.say(fan, "bonjour")
        studio.world.pass_time(60)
    with studio.scope() as scope:
        found = conversation_list.list_inbox(
            scope, [studio.world.creator_id], wanted=InboxFilter(words="bonjour"), most=2
        )
    assert [one.fan for one in found] == ["three", "two"]


def test_open_comments_are_sorted_by_toxicity_and_all_are_listed(studio: Studio) -> None:
    studio.say("leo", "bonsoir")
    with studio.scope() as scope:
        now = scope.now
        comments = [(now, Sentiment.NEGATIVE) for _ in range(3)]
        channel = studio.world.channel().id
        store_comments(scope, channel, comments, toxicity=[0.2, 0.9, 0.4])
        receive_comments(scope, channel, ["not estimated yet"], key="late-")
        (worst,) = scope.run(
            "SELECT conversation_id FROM message_sentiments WHERE toxicity = 0.9"
        ).scalars()

        def toxicity(most: int = 60) -> list[float | None]:
            found = conversation_list.list_inbox(
                scope, [studio.world.creator_id], wanted=InboxFilter(comments=True), most=most
            )
            assert all(one.public for one in found)
            return [one.toxicity for one in found]

        assert toxicity() == [0.9, 0.4, 0.2, None]
        assert toxicity(1) == [0.9], "sorted before the list is cut"
        scope.run("UPDATE remarks SET state = 'done' WHERE conversation_id = :talk", talk=worst)
        assert toxicity() == [0.4, 0.2, None], "done comments need no review"
        every = conversation_list.list_inbox(scope, [studio.world.creator_id])
        assert len(every) == 5, "nothing is hidden"


def test_snoozed_conversation_comes_back_by_itself_until_it_is_handled(
    studio: Studio, listed: Listed
) -> None:
    who, talk = taken(studio)
    act(studio, who, member_actions.return_to_ai, talk, who)

    def group() -> InboxGroup:
        with studio.scope() as scope:
            return listed(who)["leo"].group(who, scope.now)

    assert group() is InboxGroup.BOT
    with studio.scope() as scope:
        member_actions.snooze_conversation(scope, talk, scope.now + timedelta(days=20))
    assert group() is InboxGroup.SNOOZED
    assert not listed(who, waiting=True)
    studio.world.pass_time(timedelta(days=20, minutes=1).total_seconds())
    assert group() is InboxGroup.WAITING
    act(studio, who, member_actions.take_over_conversation, talk, who)
    act(studio, who, member_actions.snooze_conversation, talk, _in_an_hour(studio))
    assert group() is InboxGroup.SNOOZED
    act(studio, who, member_actions.send_member_reply, talk, who, "Bonsoir", key=uuid7())
    assert group() is InboxGroup.MINE


def _in_an_hour(studio: Studio) -> object:
    with studio.scope() as scope:
        return scope.now + timedelta(hours=1)

"""Messages on Reddit: received once and in order from users who wrote first; replies are sent once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.account_setup import WANTED_MESSAGES, WANTED_POSTS, ConnectedAccount
from connectors.contract.chats import ChatUpdates
from connectors.contract.connector import (
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepAnswerLost,
    StepResult,
)
from connectors.contract.outcomes import (
    Absent,
    Disconnected,
    Found,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.platforms.reddit.account import CHAT_SURFACE, NSFW_MARK
from connectors.platforms.reddit.messages import MAX_PAGES, MAX_TEXT, PUBLISH, UNREACHABLE
from connectors.shared.http_responses import READER_GONE
from connectors.shared.reply_windows import MESSAGES_NOT_ALLOWED
from foundation.http.http_client import HttpClient
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import Button, Text, Unit
from tests.connectors import chat_polls
from tests.connectors.conformance.worlds import reddit_world
from tests.connectors.platforms.reddit.test_publisher import NOW, PLATFORM, UNIT, said
from tests.fakes.reddit.client import ask
from tests.fakes.reddit.client import create_post as posted
from tests.fakes.reddit.praw_client import signed_in
from tests.fakes.reddit.server import FakeReddit, Member, reddit

NEWEST = 1_795_348_800
FORBIDDEN = {"message": "Forbidden", "error": 403}
SOUGHT = LookupQuery(
    "key-1", "thanks", NOW, UNIT.account, chat="leo", asked_at=NOW, known=frozenset({"t4_old"})
)


@pytest.fixture(scope="module")
def server() -> Iterator[FakeReddit]:
    with reddit() as running:
        running.limits.most = 10**6
        yield running


@dataclass
class Talk:
    """A Reddit account, polled as the listener polls it, and a user who writes to it."""

    server: FakeReddit
    world: ConnectorWorld
    mia: Member
    leo: Member

    def poll(self, cursor: str) -> ChatUpdates | Outcome:
        return chat_polls.poll_chats(PLATFORM.listen, self.world, cursor)

    def heard(self, cursor: str) -> tuple[list[str], str]:
        return chat_polls.unpack_updates(self.poll(cursor))

    def says(self, text: str, **more: Any) -> str:
        self.server.clock.advance(60)
        return self.server.write(self.leo, self.mia, text, **more).name

    def ours(self) -> list[tuple[str, str, str]]:
        """Return the account's messages since setup: text, recipient and parent."""
        own = [one for one in self.server.letters.values() if one.author is self.mia][1:]
        return [(one.body, one.to.name, one.under.name if one.under else "") for one in own]


@pytest.fixture
def talk(server: FakeReddit) -> Iterator[Talk]:
    world = reddit_world.create_chat_world(server, HttpClient())
    fake, leo = world.fake, server.who(world.viewer)
    assert isinstance(fake, reddit_world.RedditFake)
    assert leo is not None
    yield Talk(server, world, fake.member, leo)
    server.chats_told, server.hides_sent, server.shuts_sent, server.lag = True, False, False, 0.0
    server.few.clear()
    server.kept_away.clear()


def test_old_messages_are_skipped_and_new_ones_received_once(
    talk: Talk,
) -> None:
    words, cursor = talk.heard("")
    assert words == []
    assert talk.heard(cursor) == ([], cursor)
    number = talk.says("bonjour <3", subject="a question")
    talk.says("ça va ?", subject="re: a question", under=number)
    talk.server.write(
        talk.leo, talk.mia, "tu es là ?", "re: a question", number
    )  # in the same second
    news = talk.poll(cursor)
    assert isinstance(news, ChatUpdates)
    assert [update.text for update in news.updates] == [
        "a question\n\nbonjour <3",
        "ça va ?",
        "tu es là ?",
    ]
    update = news.updates[0]
    assert (update.kind, update.key, update.native_id, update.fan) == (
        "message",
        number,
        number,
        talk.leo.name,
    )
    assert (update.handle, update.at is not None) == (f"u/{talk.leo.name}", True)
    assert talk.heard(news.cursor)[0] == []
    assert talk.server.letters[number].new, "messages are not marked as read"


def test_first_message_of_a_new_account_is_received(talk: Talk) -> None:
    talk.server.letters.clear()
    _, cursor = talk.heard("")
    talk.says("a first word", subject="[direct chat room]")
    assert talk.heard(cursor)[0] == ["a first word"]


def test_late_listed_message_is_received_once(talk: Talk) -> None:
    _, cursor = talk.heard("")
    late = talk.says("slow", subject="")
    hidden = talk.server.letters.pop(late)
    talk.says("quick", subject="")
    first, cursor = talk.heard(cursor)
    talk.server.letters[late] = hidden
    then, cursor = talk.heard(cursor)
    assert (first, then, talk.heard(cursor)[0]) == (["quick"], ["slow"], [])


def test_comments_and_system_messages_are_ignored(talk: Talk, server: FakeReddit) -> None:
    server.subreddit("Pictures")
    _, cursor = talk.heard("")
    server.say(talk.leo, "a comment", posted(server, talk.mia))
    usual = {
        "author": "automoderator",
        "dest": talk.mia.name,
        "body": "welcome",
        "created_utc": NEWEST + 10**7,
    }
    server.notices[talk.mia.name] = [
        {"kind": "t4", "data": {**usual, "name": "t4_a", "subreddit": "Pictures"}},
        {
            "kind": "t4",
            "data": {**usual, "name": "t4_b", "author": "reddit", "distinguished": "admin"},
        },
        {"kind": "t4", "data": {**usual, "name": "t4_c", "author": None}},
        {"kind": "t4", "data": {**usual, "name": "t4_d", "dest": "#pictures"}},
    ]
    assert talk.heard(cursor)[0] == []


def entry(number: int, **more: Any) -> dict[str, Any]:
    told = {
        "name": f"t4_{number}",
        "author": "leo",
        "dest": "Mia",
        "body": f"word {number}",
        "created_utc": number,
    }
    return {
        "kind": "t4",
        "data": {**told, "first_message_name": "t4_1", "was_comment": False, **more},
    }


def inbox(*entries: Any, after: str | None = None, step: str = "updates") -> Response:
    return said(step, 200, {"kind": "Listing", "data": {"children": list(entries), "after": after}})


def test_inbox_is_read_back_to_the_cursor_within_a_limit() -> None:
    page = inbox(*(entry(number) for number in range(NEWEST, NEWEST - 100, -1)), after="t4_x")
    turn = PLATFORM.listen(f"mia {NEWEST - 300}", (page,))
    assert isinstance(turn, Send)
    assert turn.step.path == "/message/inbox/?after=t4_x&limit=100&raw_json=1"
    last = inbox(entry(NEWEST - 299), entry(NEWEST - 10**6, body="long ago"), after="t4_y")
    news = PLATFORM.listen(f"mia {NEWEST - 300}", (page, last))
    assert isinstance(news, ChatUpdates)
    assert (len(news.updates), news.updates[0].text) == (101, f"word {NEWEST - 299}")
    assert news.cursor.startswith(f"mia {NEWEST} t4_")
    assert isinstance(PLATFORM.listen("mia 5", (page,) * MAX_PAGES), ChatUpdates)
    broken = PLATFORM.listen(
        f"mia {NEWEST - 300}", (page, StepAnswerLost("updates", "ReadTimeout"))
    )
    assert isinstance(broken, Retry), "no page is skipped; all are read again"
    odd = inbox(
        "x", {"data": {"name": 7}}, entry(NEWEST + 1, created_utc="x"), entry(NEWEST + 2, body=None)
    )
    told = PLATFORM.listen(f"mia {NEWEST}", (odd,))
    assert isinstance(told, ChatUpdates)
    assert [update.kind for update in told.updates] == ["unsupported"]


@pytest.mark.parametrize(
    ("answers", "meant"),
    [
        ((said("updates", 403, FORBIDDEN), said("me", 200, {"name": "mia"})), MESSAGES_NOT_ALLOWED),
        ((said("updates", 403, FORBIDDEN), said("me", 403, FORBIDDEN)), Disconnected),
        ((said("updates", 401, {}),), Reauthorize),
        ((said("updates", 429, {}),), Retry),
        ((said("updates", 302, None),), Retry),
        ((said("updates", 200, {"data": []}),), Retry),
    ],
)
def test_refused_list_maps_to_outcome(
    answers: tuple[StepResult, ...], meant: str | type[Outcome]
) -> None:
    found = PLATFORM.listen(f"mia {NEWEST}", answers)
    if isinstance(meant, str):
        assert found == Rejected(Message(meant), permanent=False)
    else:
        assert isinstance(found, meant)


def unit(text: str = "thanks", **more: Any) -> Unit:
    made = replace(
        UNIT, surface=CHAT_SURFACE, audience="viewer", viewer="leo", texts=(Text("body", text),)
    )
    return replace(made, **more)


def test_reply_goes_under_the_last_message_of_the_recipient(talk: Talk, server: FakeReddit) -> None:
    """A reply under our own message would be sent to ourselves."""
    last = talk.says("are you there?", subject="")
    server.write(server.account(f"ida-{talk.mia.name}"), talk.mia, "and me?")
    story = SendingHarness(talk.world, PLATFORM).publish(talk.world.unit("Bonjour"))
    assert isinstance(story.outcome, Published)
    look = story.told[0]
    assert isinstance(look, Response)
    assert last in str(look.body)
    assert "are you there?" not in str(look.body), "only the author of received messages is stored"
    SendingHarness(talk.world, PLATFORM).publish(talk.world.unit("encore"))
    assert talk.ours() == [("Bonjour", talk.leo.name, last), ("encore", talk.leo.name, last)]


def test_lost_reply_is_not_confused_with_others_of_its_text(talk: Talk, server: FakeReddit) -> None:
    ida = server.account(f"eva-{talk.mia.name}")
    server.write(talk.mia, ida, "Bonjour")
    talk.world.inject_fault("reset_after", "posts")
    assert isinstance(
        SendingHarness(talk.world, PLATFORM).publish(talk.world.unit("Bonjour")).outcome, Published
    )
    talk.world.inject_fault("reset_before", "posts")
    assert isinstance(
        SendingHarness(talk.world, PLATFORM).publish(talk.world.unit("encore")).outcome, Uncertain
    )
    ours = [(text, to) for text, to, _ in talk.ours()]
    assert ours == [("Bonjour", ida.name), ("Bonjour", talk.leo.name)]


@pytest.mark.parametrize("blind", ["hides_sent", "shuts_sent"])
def test_hidden_or_unavailable_sent_list_proves_nothing(
    talk: Talk, server: FakeReddit, blind: str
) -> None:
    setattr(server, blind, True)
    talk.world.inject_fault("reset_after", "posts")
    assert isinstance(
        SendingHarness(talk.world, PLATFORM).publish(talk.world.unit("Bonjour")).outcome, Uncertain
    )
    assert [text for text, _, _ in talk.ours()] == ["Bonjour"]


def test_lookup_searches_the_sent_list() -> None:
    turn = PLATFORM.look_up(SOUGHT, ())
    assert isinstance(turn, Send)
    assert turn.step.path == "/message/sent/?limit=100&raw_json=1"
    at = NOW.timestamp()
    ours = entry(7, dest="LEO", body="thanks", created_utc=at)
    known, old = (
        entry(1, name="t4_old", dest="leo", created_utc=1.0),
        entry(2, body="thanks", dest="leo"),
    )
    others = (
        entry(3, dest="ida", body="thanks", created_utc=at),
        entry(4, dest="leo", body="else", created_utc=at),
    )
    assert PLATFORM.look_up(SOUGHT, (inbox(*others, ours, known),)) == Found("t4_7", "", NOW)
    assert PLATFORM.look_up(SOUGHT, (inbox(*others, known, after="t4_old"),)) == Absent()
    assert isinstance(PLATFORM.look_up(SOUGHT, (inbox(*others, old),)), Unknown)
    twin = replace(SOUGHT, known=frozenset({"t4_old", "t4_7"}))
    assert PLATFORM.look_up(twin, (inbox(ours, known),)) == Absent()
    further = PLATFORM.look_up(SOUGHT, (inbox(*others, old, after="t4_2"),))
    assert isinstance(further, Send), "the next page may contain a message that was certainly sent"
    assert PLATFORM.look_up(SOUGHT, (inbox(*others, old, after="t4_2"), inbox(known))) == Absent()
    assert isinstance(
        PLATFORM.look_up(SOUGHT, (inbox(*others, old, after="t4_2"),) * MAX_PAGES), Unknown
    )
    assert isinstance(PLATFORM.look_up(SOUGHT, (said("look", 302, None),)), Unknown)


def things(name: str = "t4_9", **more: Any) -> Response:
    data = {"name": name, "created_utc": NEWEST}
    return said(
        PUBLISH,
        200,
        {"json": {"errors": [], "data": {"things": [{"kind": "t4", "data": data}]}, **more}},
    )


def no(code: str, **more: Any) -> Response:
    return said(PUBLISH, 200, {"json": {"errors": [[code, "a sentence", "to"]], **more}})


@pytest.mark.parametrize(
    ("answer", "meant", "code"),
    [
        (things(), Published, ""),
        (things(errors=[["RATELIMIT", "take a break", "ratelimit"]]), Published, ""),
        (things("t1_c1"), Uncertain, ""),
        (said(PUBLISH, 200, {"json": {"errors": [], "data": {"things": []}}}), Uncertain, ""),
        (said(PUBLISH, 302, None), Uncertain, ""),
        (said(PUBLISH, 503), Uncertain, ""),
        (StepAnswerLost(PUBLISH, "ReadTimeout"), Uncertain, ""),
        (no("USER_BLOCKED"), Rejected, READER_GONE),
        (no("NOT_WHITELISTED_BY_USER_MESSAGE"), Rejected, READER_GONE),
        (no("TOO_LONG"), Rejected, "reddit.message_refused"),
        (no("RATELIMIT", ratelimit=90.0), Retry, "connectors.rate_limited"),
        (said(PUBLISH, 401), Reauthorize, ""),
    ],
)
def test_reply_response_maps_to_outcome(
    answer: StepResult, meant: type[Outcome], code: str
) -> None:
    outcome = PLATFORM.next_step(unit(), (inbox(entry(3), step="look"), answer))
    assert isinstance(outcome, meant)
    if isinstance(outcome, Rejected | Retry) and code:
        assert outcome.reason.code == code
    if isinstance(outcome, Published):
        assert (outcome.native_id, outcome.url) == ("t4_9", "")


def test_unexplained_refusal_checks_the_account() -> None:
    look, bare = inbox(entry(3), step="look"), said(PUBLISH, 403, FORBIDDEN)
    turn = PLATFORM.next_step(unit(), (look, bare))
    assert isinstance(turn, Send)
    assert turn.step.path == "/api/v1/me?raw_json=1"
    closed = PLATFORM.next_step(unit(), (look, bare, said("me", 200, {"name": "mia"})))
    assert closed == Rejected(Message("reddit.message_closed"), permanent=False)
    assert isinstance(PLATFORM.next_step(unit(), (look, bare, said("me", 403))), Disconnected)
    unread = PLATFORM.next_step(
        unit(), (said("look", 403, FORBIDDEN), said("me", 200, {"name": "mia"}))
    )
    assert unread == Rejected(Message(MESSAGES_NOT_ALLOWED), permanent=False)
    others = inbox(entry(3, author="ida"), step="look")
    assert PLATFORM.next_step(unit(), (others,)) == Rejected(
        Message("reddit.message_unseen"), permanent=False
    )
    further = PLATFORM.next_step(
        unit(), (inbox(entry(3, author="ida"), after="t4_3", step="look"),)
    )
    assert isinstance(further, Send)
    assert further.step.path == "/message/inbox/?after=t4_3&limit=100&raw_json=1"
    assert isinstance(PLATFORM.next_step(unit(), (said("look", 503),)), Retry)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (unit("   "), "reddit.words_alone"),
        (unit(buttons=(Button("Buy", "buy", "x"),)), "reddit.words_alone"),
        (unit(flags=(NSFW_MARK,)), "connectors.mark_untold"),
        (unit("x" * (MAX_TEXT + 1)), "connectors.text_too_long"),
    ],
)
def test_invalid_message_is_rejected(made: Unit, code: str) -> None:
    found = PLATFORM.next_step(made, ())
    assert isinstance(found, Rejected)
    assert found.reason.code == code


def test_user_has_one_inbox_and_messages_cannot_be_removed() -> None:
    assert PLATFORM.inbox_id("Mia@lakes#7f6bd2a0") == PLATFORM.inbox_id("mia@hills")
    assert PLATFORM.inbox_id("mia@lakes") != PLATFORM.inbox_id("ida@lakes")
    copy = PlatformCopy("t4_9", UNIT.account, "leo")
    assert PLATFORM.remove(copy, ()) == Rejected(Message("reddit.message_stays"), permanent=False)
    assert PLATFORM.read_metrics(copy, ()) is None
    assert PLATFORM.count_text(unit("x" * 12)) == (12, MAX_TEXT)


def test_messages_are_read_only_if_selected() -> None:
    form: dict[str, str | Sealed] = {
        "community": "r/lakes",
        "approval": "2026-10-04, ticket 12345",
        "ai": "allowed",
        "code": "c",
        "client_id": "id",
    }
    answers = (
        said("token", 200, {"expires_in": 3600}, {"access_token": Sealed(b"t")}),
        said("me", 200, {"name": "mia"}),
        said("about", 200, {"data": {"display_name": "lakes", "subreddit_type": "public"}}),
        said("rules", 200, {"rules": []}),
        said("requirements", 200, {}),
    )
    for wanted, surface in ((WANTED_MESSAGES, CHAT_SURFACE), (WANTED_POSTS, ""), ("", "")):
        found = PLATFORM.connect({**form, "wanted": wanted}, answers)
        assert isinstance(found, ConnectedAccount), found
        assert found.chat_surface == surface


def test_praw_writes_answers_and_reads_messages(server: FakeReddit) -> None:
    nova, leo = server.account("nova"), server.account("leo")
    letter = server.write(leo, nova, "nice <wall>", "your walls")
    with signed_in(server, "nova") as api:
        (heard,) = api.inbox.all(limit=10)
        assert (heard.fullname, heard.author.name, heard.body, heard.was_comment) == (
            letter.name,
            "leo",
            "nice <wall>",
            False,
        )
        answer = heard.reply("thanks")
        assert (answer.fullname, answer.dest.name, answer.subject, answer.parent_id) == (
            next(reversed(server.letters)),
            "leo",
            "re: your walls",
            letter.name,
        )
        assert [one.fullname for one in api.inbox.sent()] == [answer.fullname]
        heard.mark_read()
        api.redditor("leo").message(subject="and", message="by the way")
        heard.delete()
        assert list(api.inbox.all()) == []
        with pytest.raises(Exception, match="Redirect to /login/"):
            list(api.inbox.messages())
    assert not letter.new
    assert [one.body for one in server.letters.values() if one.to is leo] == [
        "thanks",
        "by the way",
    ]
    server.few.add("leo")
    assert (
        ask(
            server,
            nova,
            "POST",
            "/api/compose",
            {"api_type": "json", "to": "leo", "subject": "x", "text": "y"},
        )[1]["json"]["errors"][0][0]
        in UNREACHABLE
    )

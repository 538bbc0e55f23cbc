"""Messages on Mastodon: what people say to the account alone is heard once and in order, ours reach
nobody else."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.account_setup import WANTED_MESSAGES, WANTED_POSTS
from connectors.contract.chats import ChatUpdates
from connectors.contract.connector import Response, Send, StepAnswerLost, StepResult
from connectors.contract.outcomes import (
    Disconnected,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
)
from connectors.platforms.mastodon.account import CHAT_SURFACE
from connectors.platforms.mastodon.limits import ServerLimits
from connectors.platforms.mastodon.messages import (
    CONVERSATIONS_STEP,
    MAX_PAGES,
    PUBLISH,
    READER,
    RESERVED_CHARACTERS,
)
from connectors.platforms.mastodon.publisher import Mastodon
from connectors.shared.http_responses import READER_GONE
from connectors.shared.reply_windows import MESSAGES_NOT_ALLOWED
from foundation.http.http_client import HttpClient
from foundation.i18n.translation import Message
from gate.contract.units import Button, Text, Unit
from tests.connectors import chat_polls
from tests.connectors.conformance.worlds import mastodon_world
from tests.connectors.platforms.mastodon.test_publisher import UNIT, said
from tests.fakes.mastodon import chats
from tests.fakes.mastodon.server import FakeMastodon, mastodon
from tests.fakes.mastodon.state import Member

MASTODON = Mastodon()
ANN = {"id": "42", "acct": "ann@far.example"}
OUTSIDE = {"error": "This action is outside the authorized scopes"}


@pytest.fixture(scope="module")
def server() -> Iterator[FakeMastodon]:
    with mastodon() as running:
        yield running


@dataclass
class Talk:
    """An account on the server, asked as the listening process asks, and one person."""

    server: FakeMastodon
    world: ConnectorWorld
    mia: Member
    leo: Member

    def poll(self, cursor: str) -> ChatUpdates | Outcome:
        return chat_polls.poll_chats(MASTODON.listen, self.world, cursor)

    def heard(self, cursor: str) -> tuple[list[str], str]:
        return chat_polls.unpack_updates(self.poll(cursor))

    def says(self, text: str, *more: Member, by: Member | None = None, under: str = "") -> str:
        return chats.send_message(self.server, by or self.leo, text, self.mia, *more, under=under)

    def ours(self) -> list[tuple[str, str]]:
        """What the account said to the person alone, and under what."""
        said_so = chats.messages_to(self.server, self.mia, self.leo)
        return [(one.text, one.in_reply_to.id if one.in_reply_to else "") for one in said_so]


@pytest.fixture
def talk(server: FakeMastodon) -> Talk:
    world = mastodon_world.create_world(server, HttpClient())
    fake = world.fake
    assert isinstance(fake, mastodon_world.MastodonFake)
    world.surface, world.viewer, world.flags, world.media = CHAT_SURFACE, fake.stranger.id, (), ()
    return Talk(server, world, fake.member, fake.stranger)


def test_what_was_said_before_is_not_heard_and_what_comes_after_is_once(talk: Talk) -> None:
    talk.says("long ago")
    words, cursor = talk.heard("")
    assert words == []
    assert talk.heard(cursor) == ([], cursor)
    number = talk.says("bonjour\n\n@nobody ça va ?")
    news = talk.poll(cursor)
    assert isinstance(news, ChatUpdates)
    (update,) = news.updates
    assert (update.kind, update.key, update.native_id, update.fan) == (
        "message",
        number,
        number,
        talk.leo.id,
    )
    assert (update.text, update.handle) == ("bonjour\n\n@nobody ça va ?", f"@{talk.leo.username}")
    assert update.at is not None
    assert talk.heard(news.cursor)[0] == []


def test_the_first_message_an_account_ever_gets_is_heard(talk: Talk) -> None:
    _, cursor = talk.heard("")
    talk.says("a first word")
    assert talk.heard(cursor)[0] == ["a first word"]


def test_what_others_read_too_and_our_own_words_are_nobodys(
    talk: Talk, server: FakeMastodon
) -> None:
    _, cursor = talk.heard("")
    talk.says("to both of you", server.account(f"ida{talk.mia.username}"))
    server.publish(talk.leo, {"status": f"@{talk.mia.username} for everybody"}, "")
    server.publish(
        talk.leo, {"status": f"@{talk.mia.username} to my followers", "visibility": "private"}, ""
    )
    chats.send_message(server, talk.mia, "typed in the app", talk.leo)
    gone = talk.says("take this back")
    server.delete(talk.leo, gone, media_too=False)
    folded = {
        "status": f"@{talk.mia.username} to you",
        "visibility": "direct",
        "spoiler_text": "about food",
    }
    server.publish(talk.leo, folded, "")
    assert talk.heard(cursor)[0] == ["about food\n\nto you"]


def test_more_than_one_page_is_heard_in_order_also_where_pages_are_small(
    talk: Talk, server: FakeMastodon
) -> None:
    _, cursor = talk.heard("")
    words = [f"word {number}" for number in range(5)]
    for one in words:
        talk.says(one)
    server.most_notices = 3  # a fork: the next poll brings the rest
    first, cursor = talk.heard(cursor)
    then, cursor = talk.heard(cursor)
    server.most_notices = 80
    assert first + then == words
    assert talk.heard(cursor)[0] == []


def notice(number: int, **status: Any) -> dict[str, Any]:
    """A private message by Ann to the account 109."""
    told = {"id": str(1000 + number), "visibility": "direct", "content": "<p>@mia hello</p>"}
    me = {"id": "109", "username": "mia", "acct": "mia"}
    return {"id": str(number), "account": ANN, "status": {**told, "mentions": [me], **status}}


def test_a_poll_that_breaks_off_loses_nothing_and_ends() -> None:
    full = [notice(number) for number in range(100, 180)]
    lost = MASTODON.listen(
        "109 99", (said("updates", 200, full), StepAnswerLost("updates", "ReadTimeout"))
    )
    assert isinstance(lost, ChatUpdates)
    assert (len(lost.updates), lost.cursor) == (80, "109 179")
    pages = tuple(
        said("updates", 200, [notice(n + 80 * page) for n in range(100, 180)])
        for page in range(MAX_PAGES)
    )
    whole = MASTODON.listen("109 99", pages)
    assert isinstance(whole, ChatUpdates)
    assert len(whole.updates) == 80 * MAX_PAGES
    stuck = MASTODON.listen("109 179", (said("updates", 200, full),))
    assert stuck == ChatUpdates((), "109 179"), "a server that does not go forward"


@pytest.mark.parametrize(
    ("status", "heard"),
    [
        ({"content": "<p>@MIA@social.example, hello</p>"}, ("message", "hello", "")),
        ({"content": "<p>@miawallace hello</p>"}, ("message", "@miawallace hello", "")),
        ({"content": "<p>@mia</p>"}, ("unsupported", "", "")),
        ({"media_attachments": [{"type": "gifv"}]}, ("unsupported", "hello", "film")),
        ({"media_attachments": [{"type": "unknown"}]}, ("unsupported", "hello", "file")),
    ],
)
def test_what_is_read_of_a_message(status: dict[str, Any], heard: tuple[str, str, str]) -> None:
    news = MASTODON.listen("109 1", (said("updates", 200, [notice(2, **status)]),))
    assert isinstance(news, ChatUpdates)
    (update,) = news.updates
    assert (update.kind, update.text, update.shows) == heard


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (said("updates", 403, OUTSIDE), Rejected(Message(MESSAGES_NOT_ALLOWED), permanent=False)),
        (said("updates", 401, {"error": "The access token was revoked"}), Reauthorize),
        (said("updates", 403, {"error": "Your login is currently disabled"}), Disconnected),
        (said("updates", 429, {"error": "Too many requests"}), Retry),
        (said("updates", 200, {"not": "a list"}), Retry),
        (StepAnswerLost("updates", "ReadTimeout"), Retry),
    ],
)
def test_what_a_refused_poll_means(answer: StepResult, meant: Rejected | type[Outcome]) -> None:
    found = MASTODON.listen("109 1", (answer,))
    assert found == meant if isinstance(meant, Rejected) else isinstance(found, meant)


def unit(text: str = "Bonjour", **more: Any) -> Unit:
    made = replace(
        UNIT,
        surface=CHAT_SURFACE,
        audience="viewer",
        viewer="42",
        texts=(Text("body", text),),
        flags=(),
    )
    return replace(made, **more)


def test_a_message_goes_under_the_last_one_and_names_its_reader_alone(
    talk: Talk, server: FakeMastodon
) -> None:
    last = talk.says("are you there?", under=talk.says("hello"))
    talk.says("and you two", server.account(f"tom{talk.mia.username}"))
    first = SendingHarness(talk.world, MASTODON).publish(talk.world.unit("Bonjour\nLéo")).outcome
    assert isinstance(first, Published)
    assert talk.ours() == [(f"@{talk.leo.username} Bonjour\nLéo", last)]
    told = SendingHarness(talk.world, MASTODON).publish(talk.world.unit("encore")).told
    assert talk.ours()[1] == (f"@{talk.leo.username} encore", first.native_id)
    (talks,) = (one for one in told if one.step == CONVERSATIONS_STEP)
    assert "and you two" not in str(talks), "nothing that was said is kept with it"
    assert first.native_id in str(talks)
    conversations = chats.listed(server, talk.leo, {})
    assert len([one for one in conversations if len(one["accounts"]) == 1]) == 1, (
        "one conversation, also for them"
    )


def test_a_lost_message_is_neither_a_post_of_these_words_nor_another_readers(
    talk: Talk, server: FakeMastodon
) -> None:
    ida = server.account(f"eva{talk.mia.username}")
    server.publish(talk.mia, {"status": f"@{talk.leo.username} Bonjour"}, "")
    chats.send_message(server, talk.mia, "Bonjour", talk.leo, ida)
    chats.send_message(server, talk.mia, "Bonjour", ida)
    talk.world.inject_fault("reset_before", "posts")
    outcome = SendingHarness(talk.world, MASTODON).publish(talk.world.unit("Bonjour")).outcome
    assert isinstance(outcome, Published)
    assert [text for text, _ in talk.ours()] == [f"@{talk.leo.username} Bonjour"], (
        "sent once it was surely not there"
    )


def test_a_reader_who_left_or_whom_nothing_reaches_says_nothing_of_the_account() -> None:
    gone = Rejected(Message(READER_GONE), permanent=True)
    assert MASTODON.next_step(unit(), (said(READER, 404, {"error": "Record not found"}),)) == gone
    assert MASTODON.next_step(unit(), (said(READER, 200, {**ANN, "suspended": True}),)) == gone
    made = {"id": "7", "created_at": "2026-11-26T06:00:00Z", "mentions": []}
    assert MASTODON.next_step(unit(), (said(PUBLISH, 200, made),)) == gone
    reached = MASTODON.next_step(
        unit(), (said(PUBLISH, 200, {**made, "mentions": [{"id": "42"}]}),)
    )
    assert isinstance(reached, Published)


@pytest.mark.parametrize(
    ("answers", "meant"),
    [
        ((said(READER, 500, None),), Retry),
        ((said(READER, 200, {"id": "43", "acct": "ida"}),), Retry),
        ((said(READER, 200, {"id": "42", "acct": "ann @ida"}),), Retry),
        ((said(READER, 200, ANN), said(CONVERSATIONS_STEP, 403, OUTSIDE)), Reauthorize),
        ((said(READER, 200, ANN), said(CONVERSATIONS_STEP, 502, None)), Retry),
        (
            (
                said(
                    PUBLISH,
                    404,
                    {"error": "The post you are trying to reply to does not appear to exist."},
                ),
            ),
            Retry,
        ),
        ((said(PUBLISH, 404, {"error": "Record not found"}),), Uncertain),
        (
            (
                said(
                    PUBLISH,
                    422,
                    {"error": "Validation failed: Text character limit of 500 exceeded"},
                ),
            ),
            Rejected,
        ),
        ((said(PUBLISH, 503, None),), Uncertain),
        ((said(PUBLISH, 200, {"id": ""}),), Uncertain),
        ((StepAnswerLost(PUBLISH, "ReadTimeout"),), Uncertain),
    ],
)
def test_what_refusals_of_a_message_mean(
    answers: tuple[StepResult, ...], meant: type[Outcome]
) -> None:
    assert isinstance(MASTODON.next_step(unit(), answers), meant)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (unit("ask @ida about it"), "mastodon.names_another"),
        (unit("(@ida@far.example)"), "mastodon.names_another"),
        (unit("   "), "meta.words_alone"),
        (unit(buttons=(Button("Buy", "buy", "x"),)), "meta.words_alone"),
        (unit(flags=("sensitive=true",)), "connectors.mark_untold"),
        (unit("x" * (501 - RESERVED_CHARACTERS)), "connectors.text_too_long"),
    ],
)
def test_what_cannot_be_a_message(made: Unit, code: str) -> None:
    """Whom the words of a message name reads it too."""
    found = MASTODON.next_step(made, ())
    assert isinstance(found, Rejected)
    assert found.reason.code == code


def test_the_readers_name_counts_by_the_servers_own_limit() -> None:
    small = Mastodon(ServerLimits(text=100))
    assert small.count_text(unit("mail mia@social.example https://a.example/" + "x" * 90)) == (
        47,
        100 - RESERVED_CHARACTERS,
    )
    assert isinstance(small.next_step(unit("x" * 68), ()), Send)
    longer = said(READER, 200, {"id": "42", "acct": "a" * 40 + "@far.example"})
    refused = small.next_step(unit("x" * 68), (longer,))
    assert refused == Rejected(
        Message("connectors.text_too_long", {"length": 110, "most": 100}), permanent=False
    )


def test_messages_are_read_where_somebody_chose_it() -> None:
    form = {"server": "https://social.example", "rules": "general", "code": "c"}
    me = said("me", 200, {"id": "109", "username": "mia"})
    server = Response("instance", 200, {}, {"domain": "social.example"})
    for wanted, surface in ((WANTED_MESSAGES, CHAT_SURFACE), (WANTED_POSTS, ""), ("", "")):
        found = MASTODON.connect({**form, "wanted": wanted}, (me, server))
        assert getattr(found, "chat_surface", None) == surface

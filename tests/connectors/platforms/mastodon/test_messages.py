"""Messages on Mastodon: direct messages are received once and in order, and sent to no other user."""

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
    """An account on the server, polled as the listener polls it, and one user."""

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
        """Return the account's messages to this user alone, each with its parent."""
        said_so = chats.messages_to(self.server, self.mia, self.leo)
        return [(one.text, one.in_reply_to.id if one.in_reply_to else "") for one in said_so]


@pytest.fixture
def talk(server: FakeMastodon) -> Talk:
    world = mastodon_world.create_world(server, HttpClient())
    fake = world.fake
    assert isinstance(fake, mastodon_world.MastodonFake)
    world.surface, world.viewer, world.flags, world.media = CHAT_SURFACE, fake.stranger.id, (), ()
    return Talk(server, world, fake.member, fake.stranger)


def test_old_messages_are_skipped_and_new_ones_received_once(talk: Talk) -> None:
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


def test_first_message_of_a_new_account_is_received(talk: Talk) -> None:
    _, cursor = talk.heard("")
    talk.says("a first word")
    assert talk.heard(cursor)[0] == ["a first word"]


def test_public_group_and_own_messages_are_ignored(talk: Talk, server: FakeMastodon) -> None:
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


def test_several_small_pages_are_received_in_order(talk: Talk, server: FakeMastodon) -> None:
    _, cursor = talk.heard("")
    words = [f"word {number}" for number in range(5)]
    for one in words:
        talk.says(one)
    server.most_notices = 3  # a fork with small pages: the next poll returns the rest
    first, cursor = talk.heard(cursor)
    then, cursor = talk.heard(cursor)
    server.most_notices = 80
    assert first + then == words
    assert talk.heard(cursor)[0] == []


def notice(number: int, **status: Any) -> dict[str, Any]:
    """Return a direct message by Ann to account 109."""
    told = {"id": str(1000 + number), "visibility": "direct", "content": "<p>@mia hello</p>"}
    me = {"id": "109", "username": "mia", "acct": "mia"}
    return {"id": str(number), "account": ANN, "status": {**told, "mentions": [me], **status}}


def test_interrupted_or_stuck_poll_ends_without_loss() -> None:
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
    assert stuck == ChatUpdates((), "109 179"), "a server that repeats its page"


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
def test_message_content_maps_to_kind_and_text(
    status: dict[str, Any], heard: tuple[str, str, str]
) -> None:
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
def test_refused_poll_maps_to_outcome(answer: StepResult, meant: Rejected | type[Outcome]) -> None:
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


def test_message_replies_to_the_last_one_and_mentions_its_recipient(
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
    assert "and you two" not in str(talks), "no received text is stored with it"
    assert first.native_id in str(talks)
    conversations = chats.listed(server, talk.leo, {})
    assert len([one for one in conversations if len(one["accounts"]) == 1]) == 1, (
        "the recipient has one conversation too"
    )


def test_lost_message_is_not_confused_with_others_of_its_text(
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
        "sent again only after absence was proven"
    )


def test_unreachable_recipient_does_not_disconnect_the_account() -> None:
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
def test_message_response_maps_to_outcome(
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
def test_invalid_message_is_rejected(made: Unit, code: str) -> None:
    """A user mentioned in the text would receive the message too."""
    found = MASTODON.next_step(made, ())
    assert isinstance(found, Rejected)
    assert found.reason.code == code


def test_mention_of_the_recipient_counts_toward_the_server_limit() -> None:
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


def test_messages_are_read_only_if_selected() -> None:
    form = {"server": "https://social.example", "rules": "general", "code": "c"}
    me = said("me", 200, {"id": "109", "username": "mia"})
    server = Response("instance", 200, {}, {"domain": "social.example"})
    for wanted, surface in ((WANTED_MESSAGES, CHAT_SURFACE), (WANTED_POSTS, ""), ("", "")):
        found = MASTODON.connect({**form, "wanted": wanted}, (me, server))
        assert getattr(found, "chat_surface", None) == surface

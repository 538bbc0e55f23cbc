"""Comments on Mastodon: read forward, answered in text, blocked or reported."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from mastodon import Mastodon as Library

from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.comments import Comment, CommentPage, CommentTarget, ModerationAction
from connectors.contract.connector import Send, StepAnswerLost, StepNotSent, StepResult
from connectors.contract.outcomes import Outcome, Published, Reauthorize, Rejected, Retry
from connectors.platforms.mastodon.account import SCOPES
from connectors.platforms.mastodon.comments import LISTED, MAX_PAGES
from connectors.platforms.mastodon.publisher import PUBLISH, Mastodon
from foundation.http.http_client import HttpClient
from foundation.i18n.html_text import convert_html_to_text
from gate.contract.units import COMMENT_REFERENCE, Reference
from tests.connectors.conformance.worlds import mastodon_world
from tests.connectors.platforms.mastodon.test_publisher import PICTURE, UNIT, said
from tests.fakes.mastodon.responses import VERSION
from tests.fakes.mastodon.server import FakeMastodon, mastodon
from tests.fakes.mastodon.state import Member

MASTODON = Mastodon()
ME = "109"
SPOT = CommentTarget("7", "42", UNIT.account)
OUTSIDE = {"error": "This action is outside the authorized scopes"}


def notice(number: int, **status: Any) -> dict[str, Any]:
    """Return a mention by account 42 in a reply to our post 5."""
    told = {
        "id": str(1000 + number),
        "created_at": "2026-11-22T10:00:00.000Z",
        "visibility": "public",
        "in_reply_to_id": "5",
        "in_reply_to_account_id": ME,
        "spoiler_text": "",
        "content": "<p>hello</p>",
        "url": f"https://far.example/@ann/{number}",
    }
    account = {"id": "42", "acct": "ann@far.example"}
    return {"id": str(number), "type": "mention", "account": account, "status": told | status}


def told(*pages: Any, cursor: str = "1") -> Send | CommentPage | None:
    answers = tuple(
        page if isinstance(page, StepResult) else said("remarks", 200, page) for page in pages
    )
    return MASTODON.list_comments(UNIT.account, "", cursor, answers)


def heard(*pages: Any, cursor: str = "1") -> CommentPage:
    end = told(*pages, cursor=cursor)
    assert isinstance(end, CommentPage)
    return end


def query(turn: object) -> dict[str, list[str]]:
    assert isinstance(turn, Send)
    assert (turn.step.method, turn.step.action, turn.step.json) == ("GET", "updates", None)
    return parse_qs(urlsplit(turn.step.path).query)


def test_comment_has_author_text_post_and_time() -> None:
    (one,) = heard([notice(7)]).found
    assert (one.native_id, one.author, one.handle) == ("1007", "42", "@ann@far.example")
    assert (one.text, one.under, one.url) == ("hello", "5", "https://far.example/@ann/7")
    assert one.at is not None


def test_reading_moves_forward_and_returns_oldest_first() -> None:
    assert query(told()) == {"types[]": ["mention"], "limit": [str(LISTED)], "min_id": ["1"]}
    first = [notice(number) for number in range(LISTED + 1, 1, -1)]
    assert query(told(first))["min_id"] == [str(LISTED + 1)]
    end = heard(first, [notice(500), notice(499)])
    assert end.cursor == "500"
    assert [one.native_id for one in end.found] == [
        str(1000 + one) for one in (*range(2, LISTED + 2), 499, 500)
    ]


def test_reading_ends_at_the_page_limit() -> None:
    pages = [
        [notice(LISTED * page + one) for one in range(LISTED, 0, -1)]
        for page in range(1, MAX_PAGES + 1)
    ]
    end = heard(*pages)
    assert end.cursor == str(LISTED * (MAX_PAGES + 1))
    assert len(end.found) == LISTED * MAX_PAGES


def test_failed_page_ends_a_reading_with_earlier_pages() -> None:
    first = [notice(number) for number in range(LISTED + 1, 1, -1)]
    end = heard(first, said("remarks", 429, {"error": "Too many requests"}))
    assert (len(end.found), end.cursor) == (LISTED, str(LISTED + 1))


def test_repeated_page_ends_a_reading() -> None:
    full = [notice(number) for number in range(LISTED + 1, 1, -1)]
    assert heard(full, full).cursor == str(LISTED + 1)


def test_first_reading_is_the_newest_page() -> None:
    assert "min_id" not in query(told(cursor=""))
    assert heard([notice(number) for number in range(LISTED, 0, -1)], cursor="").cursor == str(
        LISTED
    )
    assert heard([], cursor="").cursor == "0"
    assert query(told(cursor="0"))["min_id"] == ["0"]


@pytest.mark.parametrize(
    "answer",
    [
        said("remarks", 200, {"error": "what"}),
        said("remarks", 200, None),
        said("remarks", 401, {"error": "The access token is invalid"}),
        said("remarks", 403, OUTSIDE),
        said("remarks", 429, {"error": "Too many requests"}),
        said("remarks", 503),
        StepAnswerLost("remarks", "timeout"),
        StepNotSent("remarks", "ConnectError"),
    ],
)
def test_unusable_response_returns_none(answer: StepResult) -> None:
    assert told(answer) is None


@pytest.mark.parametrize(
    "odd",
    [
        notice(7, visibility="direct"),
        notice(7, visibility=None),
        notice(7, id=""),
        notice(7, id=7),
        notice(7) | {"type": "favourite"},
        notice(7) | {"account": {"id": ME, "acct": "me"}},
        notice(7) | {"account": {"id": "42", "acct": ""}},
        notice(7) | {"account": None},
        notice(7) | {"status": None},
        notice(7) | {"id": "7/8"},
        "mention",
    ],
)
def test_invalid_notification_is_skipped(odd: Any) -> None:
    assert [one.native_id for one in heard([odd, notice(2)]).found] == ["1002"]


def test_comment_belongs_only_to_a_post_of_ours() -> None:
    elsewhere = notice(2, in_reply_to_id="900", in_reply_to_account_id="42")
    alone = notice(3, in_reply_to_id=None, in_reply_to_account_id=None)
    assert [one.under for one in heard([notice(4), alone, elsewhere]).found] == ["", "", "5"]


def test_unsafe_url_is_dropped() -> None:
    bare = replace(heard([notice(2)]).found[0], url="", at=None)
    assert heard([notice(2, url="javascript:1", created_at="now", content=None)]).found == (
        replace(bare, text=""),
    )
    assert heard([notice(2, url=None, created_at=None, spoiler_text="loud")]).found == (
        replace(bare, text="loud\n\nhello"),
    )


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("<p>one<br />two</p><p>three &amp; four</p>", "one\ntwo\n\nthree & four"),
        ("<p>a\n b</p>\n\n\n<p></p><p>c</p>", "a b\n\nc"),
        (
            '<p><span class="h-card"><a href="https://x">@<span>mia</span></a></span> hi</p>',
            "@mia hi",
        ),
        (
            '<a href="https://a.example/b?c=1&amp;d=2"><span class="invisible">https://</span>'
            '<span class="ellipsis">a.example/b</span><span '
            'class="invisible">?c=1&amp;d=2</span></a>',
            "https://a.example/b?c=1&d=2",
        ),
        ("<ul><li>x</li><li>y</li></ul>z", "- x\n- y\n\nz"),
        ("1 &lt; 2 <", "1 < 2 <"),
        ("<p", "<p"),
    ],
)
def test_html_becomes_text(html: str, text: str) -> None:
    assert convert_html_to_text(html) == text


def answering(text: str = "@ann@far.example thanks", **more: Any) -> Any:
    unit = replace(UNIT, references=(Reference(COMMENT_REFERENCE, "1007"),), **more)
    return replace(unit, texts=(replace(UNIT.texts[0], body=text),))


def test_reply_is_text_with_a_mention() -> None:
    turn = MASTODON.next_step(answering(), ())
    assert isinstance(turn, Send)
    assert turn.step.json == {
        "status": "@ann@far.example thanks",
        "visibility": "public",
        "in_reply_to_id": "1007",
    }
    refused = MASTODON.next_step(answering(media=(PICTURE,)), ())
    assert isinstance(refused, Rejected)
    assert refused.reason.code == "connectors.too_many_media"


def test_deleted_comment_rejects_the_reply() -> None:
    sentence = "The post you are trying to reply to does not appear to exist."
    end = MASTODON.next_step(answering(), (said(PUBLISH, 404, {"error": sentence}),))
    assert isinstance(end, Rejected)
    assert end.reason.code == "connectors.remark_gone"


@pytest.mark.parametrize("act", ["block", "report"])
@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (said("moderate", 404, {"error": "Record not found"}), Published),
        (said("moderate", 410), Published),
        (said("moderate", 404, None), Rejected),
        (said("moderate", 200, {}), Retry),
        (said("moderate", 200, {"blocking": False, "id": 7}), Retry),
        (said("moderate", 401, {"error": "The access token was revoked"}), Reauthorize),
        (said("moderate", 403, OUTSIDE), Rejected),
        (said("moderate", 429), Retry),
        (said("moderate", 503), Retry),
        (StepAnswerLost("moderate", "timeout"), Retry),
        (StepNotSent("moderate", "ConnectError"), Retry),
    ],
)
def test_moderation_response_maps_to_outcome(
    act: ModerationAction, answer: StepResult, meant: type[Outcome]
) -> None:
    assert isinstance(MASTODON.moderate_comment(SPOT, act, (answer,)), meant)


def test_unsupported_action_is_rejected() -> None:
    assert isinstance(MASTODON.moderate_comment(SPOT, "hide", ()), Rejected)


def test_required_scopes_are_requested() -> None:
    assert {"read:notifications", "write:blocks", "write:favourites", "write:reports"} <= set(
        SCOPES.split()
    )


@pytest.mark.parametrize(
    ("act", "word", "after"), [("like", "favourite", True), ("unlike", "unfavourite", False)]
)
def test_like_is_confirmed_by_the_server(act: ModerationAction, word: str, after: bool) -> None:
    turn = MASTODON.moderate_comment(SPOT, act, ())
    assert isinstance(turn, Send)
    assert (turn.step.method, turn.step.path) == (
        "POST",
        f"/api/v1/statuses/{SPOT.native_id}/{word}",
    )
    told = {"id": SPOT.native_id, "favourited": after}
    assert MASTODON.moderate_comment(SPOT, act, (said("moderate", 200, told),)) == Published(
        SPOT.native_id
    )
    other = MASTODON.moderate_comment(
        SPOT, act, (said("moderate", 200, {**told, "favourited": not after}),)
    )
    assert isinstance(other, Retry)
    assert isinstance(
        MASTODON.moderate_comment(SPOT, act, (said("moderate", 403, OUTSIDE),)), Rejected
    )
    gone = said("moderate", 404, {"error": "Record not found"})
    assert MASTODON.moderate_comment(SPOT, act, (gone,)) == Published(SPOT.native_id)


@pytest.fixture
def fake() -> Iterator[FakeMastodon]:
    with mastodon() as running:
        yield running
        assert running.spec.refused == []


@pytest.fixture
def world(fake: FakeMastodon) -> Iterator[ConnectorWorld]:
    http = HttpClient()
    yield mastodon_world.create_world(fake, http)
    http.close()


def reading(world: ConnectorWorld, cursor: str) -> tuple[list[Comment], str, int]:
    """Read comments once. Return them, the next cursor, and the number of requests."""
    house, answers = SendingHarness(world, MASTODON), tuple[StepResult, ...]()
    while isinstance(
        turn := MASTODON.list_comments(world.account.account, "", cursor, answers), Send
    ):
        answers = (*answers, house.send(turn.step))
    assert isinstance(turn, CommentPage)
    return list(turn.found), turn.cursor, len(answers)


def mine_of(fake: FakeMastodon, world: ConnectorWorld) -> Member:
    return fake.members[world.account.account.partition("@")[0]]


def say(fake: FakeMastodon, who: Member, text: str, **more: Any) -> str:
    return fake.publish(who, {"status": text, **more}, "").id


@pytest.mark.parametrize("most", [80, 30])
def test_all_of_hundreds_of_comments_are_read(
    fake: FakeMastodon, world: ConnectorWorld, most: int
) -> None:
    fake.most_notices, mine, ann = most, mine_of(fake, world), fake.account("ann")
    _, cursor, _ = reading(world, "")
    wanted = [say(fake, ann, f"@{mine.username} {number}") for number in range(500)]
    got: list[str] = []
    for _ in range(20):
        found, cursor, asked = reading(world, cursor)
        assert asked <= MAX_PAGES
        got += [one.native_id for one in found]
    assert got == wanted


def test_private_and_deleted_messages_are_skipped(
    fake: FakeMastodon, world: ConnectorWorld
) -> None:
    mine, ann = mine_of(fake, world), fake.account("ann")
    say(fake, ann, f"@{mine.username} psst", visibility="direct")
    gone = say(fake, ann, f"@{mine.username} oops")
    fake.delete(ann, gone, media_too=False)
    kept = say(fake, ann, f"@{mine.username} hi\n\nthere", spoiler_text="loud")
    ((one,), _, _) = reading(world, "")
    assert (one.native_id, one.author, one.handle) == (kept, ann.id, "@ann")
    assert one.text == f"loud\n\n@{mine.username} hi\n\nthere"


def test_reply_to_our_reply_belongs_to_it(fake: FakeMastodon, world: ConnectorWorld) -> None:
    mine, ann = mine_of(fake, world), fake.account("ann")
    post = say(fake, mine, "look")
    first = say(fake, ann, f"@{mine.username} nice", in_reply_to_id=post)
    answer = say(fake, mine, "@ann thanks", in_reply_to_id=first)
    say(fake, ann, f"@{mine.username} sure", in_reply_to_id=answer)
    assert [one.under for one in reading(world, "")[0]] == [post, answer]


def test_blocked_author_is_not_read_again(fake: FakeMastodon, world: ConnectorWorld) -> None:
    mine, ann = mine_of(fake, world), fake.account("ann")
    said_first = say(fake, ann, f"@{mine.username} boo")
    spot = CommentTarget(said_first, ann.id, world.account.account)
    turn = MASTODON.moderate_comment(spot, "block", ())
    assert isinstance(turn, Send)
    assert MASTODON.moderate_comment(
        spot, "block", (SendingHarness(world, MASTODON).send(turn.step),)
    ) == Published(said_first)
    say(fake, ann, f"@{mine.username} boo again")
    assert reading(world, "")[0] == []


def test_account_without_new_scopes_reads_but_cannot_moderate(
    fake: FakeMastodon, world: ConnectorWorld
) -> None:
    mine, ann = mine_of(fake, world), fake.account("ann")
    mine.scopes = "read:accounts read:statuses read:notifications write:statuses write:media"
    spot = CommentTarget(say(fake, ann, f"@{mine.username} boo"), ann.id, world.account.account)
    assert len(reading(world, "")[0]) == 1
    for act in ("block", "report"):
        turn = MASTODON.moderate_comment(spot, act, ())
        assert isinstance(turn, Send)
        end = MASTODON.moderate_comment(
            spot, act, (SendingHarness(world, MASTODON).send(turn.step),)
        )
        assert isinstance(end, Rejected)
        assert end.reason.code == "oauth.scopes"


def test_mastodon_py_reads_blocks_and_reports(fake: FakeMastodon) -> None:
    mine, ann = fake.account("nova"), fake.account("ann")
    told = say(fake, ann, "@nova hello")
    api = Library(
        access_token=mine.token,
        api_base_url=fake.url,
        mastodon_version=VERSION,
        version_check_mode="created",
        ratelimit_method="throw",
    )
    (one,) = api.notifications(types=["mention"], min_id="0")
    assert (str(one.status.id), one.account.acct) == (told, "ann")
    assert re.sub("<[^>]+>", "", one.status.content) == "@nova hello"
    assert api.notifications(types=["favourite"]) == []
    made = api.report(ann.id, status_ids=[told])
    assert [str(each) for each in made.status_ids] == [told]
    assert api.account_block(ann.id).blocking
    assert api.notifications() == []

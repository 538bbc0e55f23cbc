"""Comments on X: proof from lists, cursors, replies and hiding."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.conformance.comment_rules import reply_unit
from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.comments import Comment, CommentPage, CommentTarget, ModerationAction
from connectors.contract.connector import Response, Send, StepAnswerLost, StepNotSent, StepResult
from connectors.contract.outcomes import Outcome, Published, Reauthorize, Rejected, Retry
from connectors.platforms.x.comments import ACTS, LISTED, MAX_PAGES
from connectors.platforms.x.publisher import X
from foundation.http.http_client import HttpClient
from gate.contract.units import COMMENT_REFERENCE, Reference
from tests.connectors.conformance.worlds import x_world
from tests.connectors.platforms.x.test_publisher import PICTURES, PLATFORM, UNIT, problem, said
from tests.fakes.x.client import ask, create_post, post, tweepy_client
from tests.fakes.x.comments import NOT_SUMMONED
from tests.fakes.x.server import FakeX, x
from tests.fakes.x.state import NO_PARENT, SCOPES

SPOT = CommentTarget("77", "9", "42")
NOT_FOUND = "https://api.x.com/2/problems/resource-not-found"


@pytest.fixture
def fake() -> Iterator[FakeX]:
    with x() as running:
        yield running
        assert not [told for told in running.spec.refused if told.startswith("answer")]


@pytest.fixture
def world(fake: FakeX) -> ConnectorWorld:
    return x_world.create_world(fake, HttpClient())


def page(*posts: Any, more: str = "", **users: str) -> Response:
    meta = {"result_count": len(posts), **({"next_token": more} if more else {})}
    told = [{"id": number, "username": name} for number, name in users.items()]
    body: dict[str, Any] = {"meta": meta, "includes": {"users": told}} | (
        {"data": list(posts)} if posts else {}
    )
    return said("remarks", 200, body)


def a_post(number: int, author: str = "9", text: str = "hi", **more: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "author_id": author,
        "text": text,
        "created_at": "2026-11-22T12:00:00.000Z",
        **more,
    }


def heard(cursor: str, *answers: StepResult) -> Send | CommentPage | None:
    return PLATFORM.list_comments("42", "", cursor, answers)


def asked(cursor: str, *answers: StepResult) -> str:
    turn = heard(cursor, *answers)
    assert isinstance(turn, Send)
    assert (turn.step.kind, turn.step.action, turn.step.method) == ("control", "updates", "GET")
    return turn.step.path


def test_reply_has_its_post_and_mention_has_none() -> None:
    above = [{"type": "quoted", "id": "5"}, {"type": "replied_to", "id": "7"}]
    links = {"urls": [{"url": "https://t.co/a", "expanded_url": "https://shop.example/a"}]}
    ours: dict[str, Any] = {
        "in_reply_to_user_id": "42",
        "referenced_tweets": above,
        "entities": links,
    }
    posts = (
        a_post(30, "8", "@nova @leo me too", in_reply_to_user_id="9", referenced_tweets=above),
        a_post(20, "9", "@nova tea &amp; https://t.co/a", **ours),
        a_post(10, "8", "ask @nova"),
    )
    told = heard("5", page(*posts, **{"9": "leo"}))
    assert isinstance(told, CommentPage)
    assert [(one.native_id, one.handle, one.under) for one in told.found] == [
        ("10", "8", ""),
        ("20", "@leo", "7"),
        ("30", "8", ""),
    ]
    one = told.found[1]
    assert (one.text, one.url) == (
        "@nova tea & https://shop.example/a",
        "https://x.com/i/status/20",
    )
    assert one.at is not None
    assert told.cursor == "30"


def test_first_reading_takes_the_latest_page() -> None:
    assert "since_id" not in asked("")
    assert f"max_results={LISTED}" in asked("")
    told = heard("", page(a_post(10), more="n"))
    assert isinstance(told, CommentPage)
    assert told.cursor == "10"
    assert "&since_id=10" in asked("10")
    silence = heard("", page())
    assert silence == CommentPage((), "0")
    assert "since_id" not in asked("0")
    assert "pagination_token=n" in asked("0", page(a_post(10), more="n")), (
        "after an empty reading all newer pages are read"
    )
    assert heard("10", page()) == CommentPage((), "10")


def test_next_reading_resumes_without_repetition() -> None:
    answers: tuple[StepResult, ...] = ()
    while isinstance(turn := heard("10", *answers), Send):
        assert ("pagination_token" in turn.step.path) == bool(answers)
        answers = (*answers, page(a_post(90 - len(answers)), more="n"))
    assert isinstance(turn, CommentPage)
    assert (len(answers), turn.cursor) == (MAX_PAGES, "10.86.90")
    assert [one.native_id for one in turn.found] == ["86", "87", "88", "89", "90"]
    assert "&since_id=10&until_id=86" in asked(turn.cursor)
    rest = heard(turn.cursor, page(a_post(50)))
    assert isinstance(rest, CommentPage)
    assert ([one.native_id for one in rest.found], rest.cursor) == (["50"], "90")
    assert heard(turn.cursor, page(more="n"), *[page(more="n")] * 4) == CommentPage((), "10.86.90")


def test_refused_field_names_are_replaced_by_newer_ones() -> None:
    refused = problem(
        400, "The query parameter [tweet.fields] is not one of those known.", step="remarks"
    )
    assert "tweet.fields=" in asked("5")
    assert "post.fields=created_at,entities,note_post&expansions=author_id,in_reply_to" in asked(
        "5", refused
    )
    assert "post.fields=" in asked("5", refused, page(a_post(9), more="n"))
    assert isinstance(heard("5", refused, page(a_post(9))), CommentPage)
    assert heard("5", refused, refused) is None


@pytest.mark.parametrize(
    "answer",
    [
        said("remarks", 200, None),
        said("remarks", 200, {"errors": [{"type": NOT_FOUND}]}),
        said("remarks", 200, {"meta": {"result_count": "2"}, "data": []}),
        said("remarks", 200, {"meta": {"result_count": 2}}),
        said("remarks", 200, {"meta": {"result_count": 1}, "data": {"id": "7"}}),
        problem(402, "no credits", step="remarks"),
        problem(403, "Forbidden", step="remarks"),
        problem(429, "Too Many Requests", step="remarks"),
        problem(503, "oops", step="remarks"),
        StepAnswerLost("remarks", "ReadTimeout"),
        StepNotSent("remarks", "ConnectError"),
    ],
)
def test_unusable_response_returns_none(answer: StepResult) -> None:
    assert heard("5", answer) is None
    assert heard("5", page(a_post(9), more="n"), answer) is None, (
        "the previous page is read again too"
    )


def test_malformed_entry_is_skipped() -> None:
    odd: list[Any] = [
        "x",
        None,
        {},
        {"id": "../1"},
        {"id": 7},
        {"id": "9" * 20},
        a_post(8, author=""),
        a_post(7, author="42"),
    ]
    odd += [
        {"id": "6", "author_id": 5},
        a_post(5, "9", in_reply_to_user_id="42", referenced_tweets="x", entities=7),
    ]
    told = heard("", page(*odd))
    assert isinstance(told, CommentPage)
    assert [(one.native_id, one.under) for one in told.found] == [("5", "")]
    assert told.cursor == "8"
    strange = page(a_post(9))
    body: Any = strange.body
    body["includes"] = {"users": [{"id": "9", "username": 7}, None]}
    assert isinstance(told := heard("", strange), CommentPage)
    assert told.found[0].handle == "9"
    bare = Comment("9", "9", "9", "", at=None, url="https://x.com/i/status/9")
    assert heard("", page({"id": "9", "author_id": "9"})) == CommentPage((bare,), "9")


@pytest.mark.parametrize("field", ["note_tweet", "note_post"])
def test_long_post_is_read_completely(field: str) -> None:
    told = heard(
        "",
        page(
            a_post(
                9,
                text="it was a lo… https://t.co/x",
                **{field: {"text": "it was a long &lt;day&gt;"}},
            )
        ),
    )
    assert isinstance(told, CommentPage)
    assert told.found[0].text == "it was a long <day>"


@pytest.mark.parametrize("cursor", ["x", "1.2", "-5", "9" * 20, "1.2.3.4"])
def test_invalid_cursor_starts_over(cursor: str) -> None:
    assert asked(cursor) == asked("")


# replies


ANSWER = replace(UNIT, references=(Reference(COMMENT_REFERENCE, "77"),))


def test_reply_is_text_under_the_comment() -> None:
    turn = PLATFORM.next_step(ANSWER, ())
    assert isinstance(turn, Send)
    assert turn.step.json == {"text": "hello", "reply": {"in_reply_to_tweet_id": "77"}}
    refused = PLATFORM.next_step(replace(ANSWER, media=PICTURES[:1]), ())
    assert isinstance(refused, Rejected)
    assert refused.reason.code == "connectors.too_many_media"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (problem(403, NO_PARENT), "x.remark_gone"),
        (problem(404, "Not found", NOT_FOUND), "x.remark_gone"),
        (problem(403, NOT_SUMMONED), "x.remark_closed"),
        (
            problem(403, "The original Tweet author restricted who can reply to this Tweet."),
            "x.remark_closed",
        ),
        (problem(403, "Forbidden"), "connectors.refused"),
    ],
)
def test_refused_reply_has_a_reason(answer: StepResult, code: str) -> None:
    refused = PLATFORM.next_step(ANSWER, (answer,))
    assert isinstance(refused, Rejected)
    assert refused.reason.code == code
    assert isinstance(PLATFORM.next_step(UNIT, (answer,)), Rejected)


def test_lost_reply_is_found_by_text_after_the_mentions(fake: FakeX, world: ConnectorWorld) -> None:
    house, mine = SendingHarness(world, world.connector), fake.members[world.account.account]
    story = house.publish(world.unit())
    assert isinstance(story.outcome, Published)
    said_by_fan = x_world.XFake(fake, mine, 0).say("@kim and you?", story.outcome.native_id)
    world.inject_fault("reset_after", "posts")
    outcome = house.publish(reply_unit(world, said_by_fan)).outcome
    assert isinstance(outcome, Published)
    shown = ask(fake, mine, "GET", f"/2/tweets/{outcome.native_id}")[1]["data"]["text"]
    assert shown.startswith(f"@fan{mine.username} @kim hello")


def test_deleted_comment_and_unsummoned_reply_are_rejected(
    fake: FakeX, world: ConnectorWorld
) -> None:
    house, fan = SendingHarness(world, world.connector), fake.account("fan")
    elsewhere = fake.publish(fan, {"text": "a lovely day"}).id
    mention = fake.publish(
        fan, {"text": f"hey @{fake.members[world.account.account].username}!"}
    ).id
    closed, open_ = (
        house.publish(reply_unit(world, number)).outcome for number in (elsewhere, mention)
    )
    assert isinstance(closed, Rejected)
    assert closed.reason.code == "x.remark_closed"
    assert isinstance(open_, Published)
    fake.delete(fan, mention)
    gone = house.publish(reply_unit(world, mention)).outcome
    assert isinstance(gone, Rejected)
    assert gone.reason.code == "x.remark_gone"


# moderation


def moderated(act: ModerationAction, *answers: StepResult) -> Send | Outcome:
    return PLATFORM.moderate_comment(SPOT, act, answers)


def test_reply_is_hidden_and_shown_by_id() -> None:
    hides, shows = moderated("hide"), moderated("show")
    assert isinstance(hides, Send)
    assert isinstance(shows, Send)
    assert (hides.step.method, hides.step.path, hides.step.json) == (
        "PUT",
        "/2/tweets/77/hidden",
        {"hidden": True},
    )
    assert shows.step.json == {"hidden": False}
    assert PLATFORM.capabilities.moderates == ACTS
    others: tuple[ModerationAction, ...] = ("delete", "block", "report")
    assert all(isinstance(moderated(act), Rejected) for act in others)


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (said("moderate", 200, {"data": {"hidden": True}}), Published),
        (said("moderate", 200, {"data": {"hidden": False}}), Retry),
        (said("moderate", 200, None), Retry),
        (problem(404, "Could not find tweet with id: [77].", NOT_FOUND, "moderate"), Published),
        (said("moderate", 200, {"errors": [{"type": NOT_FOUND, "value": "77"}]}), Published),
        (said("moderate", 404, "<html>"), Rejected),
        (problem(401, "Unauthorized", step="moderate"), Reauthorize),
        (problem(402, "no credits", step="moderate"), Retry),
        (problem(403, "Forbidden", step="moderate"), Rejected),
        (
            problem(
                403, "client-forbidden", "https://api.x.com/2/problems/client-forbidden", "moderate"
            ),
            Rejected,
        ),
        (problem(403, "The author of the reply is suspended", step="moderate"), Rejected),
        (problem(429, "Too Many Requests", step="moderate"), Retry),
        (problem(503, "oops", step="moderate"), Retry),
        (StepAnswerLost("moderate", "ReadTimeout"), Retry),
    ],
)
def test_moderation_response_maps_to_outcome(answer: StepResult, meant: type[Outcome]) -> None:
    assert isinstance(moderated("hide", answer), meant)


def test_account_without_scope_cannot_hide_but_posts(fake: FakeX, world: ConnectorWorld) -> None:
    house, member = SendingHarness(world, world.connector), fake.members[world.account.account]
    story = house.publish(world.unit())
    assert isinstance(story.outcome, Published)
    number = x_world.XFake(fake, member, 0).say("boo", story.outcome.native_id)
    member.scopes = tuple(scope for scope in SCOPES if scope != "tweet.moderate.write")
    connector = world.connector
    assert isinstance(connector, X)
    spot = CommentTarget(number, "1", member.id)
    turn = connector.moderate_comment(spot, "hide", ())
    assert isinstance(turn, Send)
    refused = connector.moderate_comment(spot, "hide", (house.send(turn.step),))
    assert isinstance(refused, Rejected)
    assert refused.reason.code == "x.cannot_hide"
    assert not fake.members[member.id].posts[story.outcome.native_id].hidden
    assert isinstance(house.publish(world.unit()).outcome, Published)


# the fake


def test_tweepy_reads_mentions_and_hides_replies(fake: FakeX) -> None:
    nova, leo = fake.account("nova"), fake.account("leo")
    first = create_post(fake, nova, "hello")
    reply = fake.publish(leo, {"text": "hi <you>", "reply": {"in_reply_to_tweet_id": first}}).id
    fake.publish(leo, {"text": "nothing to do with nova"})
    mention = fake.publish(leo, {"text": "see @nova"}).id
    api = tweepy_client(fake, nova.token)
    fields = {
        "tweet_fields": ["author_id", "in_reply_to_user_id", "referenced_tweets"],
        "expansions": ["author_id"],
    }
    told = api.get_users_mentions(nova.id, max_results=5, user_auth=False, **fields)
    assert [str(one.id) for one in told.data] == [mention, reply]
    assert told.data[1].text == "@nova hi &lt;you&gt;"
    assert (told.data[1].in_reply_to_user_id, told.includes["users"][0].username) == (
        int(nova.id),
        "leo",
    )
    assert api.get_users_mentions(nova.id, since_id=mention, user_auth=False).data is None
    for _ in range(2):
        assert api.hide_reply(reply, user_auth=False).data == {"hidden": True}
    assert leo.posts[reply].hidden
    assert api.unhide_reply(reply, user_auth=False).data == {"hidden": False}


def test_fake_hides_only_replies_of_others_in_own_conversations(fake: FakeX) -> None:
    nova, leo = fake.account("nova"), fake.account("leo")
    first = create_post(fake, nova, "hello")
    reply = fake.publish(leo, {"text": "hi", "reply": {"in_reply_to_tweet_id": first}}).id
    own = create_post(fake, nova, "thanks", reply={"in_reply_to_tweet_id": reply})
    path, yes = f"/2/tweets/{reply}/hidden", {"hidden": True}
    assert ask(fake, leo, "PUT", path, yes)[0] == 403
    assert ask(fake, nova, "PUT", f"/2/tweets/{own}/hidden", yes)[0] == 403
    assert ask(fake, nova, "PUT", f"/2/tweets/{first}/hidden", yes)[0] == 403
    assert ask(fake, nova, "PUT", "/2/tweets/12345/hidden", yes)[0] == 404
    assert ask(fake, nova, "PUT", path, {"hidden": "yes"})[0] == 400
    assert ask(fake, nova, "PUT", path, yes)[:2] == (200, {"data": yes})
    elsewhere = fake.publish(leo, {"text": "a lovely day"}).id
    assert (
        post(fake, nova, "indeed", reply={"in_reply_to_tweet_id": elsewhere})[1]["detail"]
        == NOT_SUMMONED
    )

"""Comments on the fake Reddit, as the connector and praw read and answer them."""

from collections.abc import Iterator

import pytest

from connectors.conformance.comment_rules import reply_unit
from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.comments import CommentTarget, ModerationAction
from connectors.contract.connector import PlatformCopy, Send
from connectors.contract.outcomes import (
    Published,
    Rejected,
    Retry,
    Uncertain,
)
from foundation.http.http_client import HttpClient
from tests.connectors.conformance.worlds import reddit_world
from tests.connectors.platforms.reddit.test_publisher import PLATFORM
from tests.fakes.reddit.client import ask, create_post
from tests.fakes.reddit.praw_client import signed_in
from tests.fakes.reddit.server import FakeReddit, reddit
from tests.fakes.reddit.state import SCOPES


@pytest.fixture
def fake() -> Iterator[FakeReddit]:
    with reddit() as running:
        yield running


@pytest.fixture
def world(fake: FakeReddit) -> ConnectorWorld:
    return reddit_world.create_world(fake, HttpClient(), one_picture=False)


def test_lost_reply_is_uncertain_if_nsfw_is_hidden(fake: FakeReddit, world: ConnectorWorld) -> None:
    house = SendingHarness(world, world.connector)
    story = house.publish(world.unit())
    assert isinstance(story.outcome, Published)
    assert world.remark is not None
    number = world.remark("and you?", story.outcome.native_id)
    fake.hides_nsfw = True
    world.inject_fault("reset_after", "posts")
    assert isinstance(house.publish(reply_unit(world, number)).outcome, Uncertain)
    assert [text for name, text in world.fake.accepted_posts() if name.startswith("t1_")] != []
    assert len([name for name, _ in world.fake.accepted_posts() if name.startswith("t1_")]) == 1


def test_unanswerable_comment_is_rejected_with_a_reason(
    fake: FakeReddit, world: ConnectorWorld
) -> None:
    house = SendingHarness(world, world.connector)
    story = house.publish(world.unit())
    assert isinstance(story.outcome, Published)
    assert world.remark is not None
    post = story.outcome.native_id
    numbers = [world.remark(f"word {place}", post) for place in range(4)]
    fake.comments[numbers[0]].deleted = True
    gone = house.publish(reply_unit(world, numbers[0])).outcome
    fake.kept_away[fake.comments[numbers[1]].author.name] = {
        world.account.account.partition("@")[0]
    }
    away = house.publish(reply_unit(world, numbers[1])).outcome
    fake.kept_away.clear()
    fake.archived = {post}
    old = house.publish(reply_unit(world, numbers[2])).outcome
    fake.archived, fake.locked = set(), {post}
    locked = house.publish(reply_unit(world, numbers[3])).outcome
    told = [one.reason.code for one in (gone, away, old, locked) if isinstance(one, Rejected)]
    assert told == ["reddit.remark_gone", *["reddit.remark_closed"] * 3]
    fake.locked, fake.commenting_every = set(), 300.0
    assert isinstance(house.publish(reply_unit(world, numbers[3])).outcome, Published)
    waits = house.publish(reply_unit(world, numbers[2]))
    assert isinstance(waits.outcomes[0], Retry)
    assert isinstance(waits.outcome, Published)


def test_reply_has_metrics_and_is_deleted(fake: FakeReddit, world: ConnectorWorld) -> None:
    house, connector = SendingHarness(world, world.connector), world.connector
    story = house.publish(world.unit())
    assert isinstance(story.outcome, Published)
    assert world.remark is not None
    unit = reply_unit(world, world.remark("hm", story.outcome.native_id))
    outcome = house.publish(unit).outcome
    assert isinstance(outcome, Published)
    copy = PlatformCopy(outcome.native_id, unit.account)
    turn = connector.read_metrics(copy, ())
    assert isinstance(turn, Send)
    assert connector.read_metrics(copy, (house.send(turn.step),)) == {"likes": 1}
    assert isinstance(house.remove(unit, outcome.native_id), Published)
    assert fake.comments[outcome.native_id].deleted


def test_account_without_scopes_reads_no_comments_but_posts(
    fake: FakeReddit, world: ConnectorWorld
) -> None:
    house, account = SendingHarness(world, world.connector), world.account.account
    member = fake.members[account.partition("@")[0]]
    member.scopes = tuple(scope for scope in SCOPES if scope not in ("privatemessages", "report"))
    turn = PLATFORM.list_comments(account, "", "", ())
    assert isinstance(turn, Send)
    assert PLATFORM.list_comments(account, "", "", (house.send(turn.step),)) is None
    story = house.publish(world.unit())
    assert isinstance(story.outcome, Published)
    assert world.remark is not None
    spot = CommentTarget(world.remark("boo", story.outcome.native_id), "x", account)
    acts: tuple[ModerationAction, ...] = ("block", "report")
    for act in acts:
        turn = PLATFORM.moderate_comment(spot, act, ())
        assert isinstance(turn, Send)
        refused = PLATFORM.moderate_comment(spot, act, (house.send(turn.step),))
        assert isinstance(refused, Rejected)
        assert refused.reason.code == "reddit.cannot_act"


def test_praw_reads_replies_blocks_and_reports(fake: FakeReddit) -> None:
    nova, leo, kim = (fake.account(name) for name in ("nova", "leo", "kim"))
    fake.limits.most = 10**6  # praw pauses between requests as the rate limit headers require
    fake.subreddit("Pictures")
    post = create_post(fake, nova, "A wall")
    first = fake.say(leo, "nice <wall>", post)
    fake.say(kim, "ask u/nova, u/leo", first.name)
    fake.say(kim, "u/nova, see this", create_post(fake, leo, "Another"))
    with signed_in(fake, "nova") as api:
        inbox = list(api.inbox.all(limit=10))
        assert [(one.type, one.author.name) for one in inbox] == [
            ("username_mention", "kim"),
            ("username_mention", "kim"),
            ("post_reply", "leo"),
        ]
        assert (inbox[2].body, inbox[2].was_comment, inbox[2].parent_id) == (
            "nice <wall>",
            True,
            post,
        )
        answer = inbox[2].reply("thanks")
        assert (fake.comments[answer.fullname].parent, answer.body) == (first.name, "thanks")
        assert [one.fullname for one in api.redditor("nova").comments.new()] == [answer.fullname]
        inbox[0].report("spam")
        inbox[0].block()
        assert [one.author.name for one in api.inbox.all()] == ["leo"]
        answer.delete()
        assert list(api.redditor("nova").comments.new()) == []
    assert fake.comments[inbox[0].fullname].reported == ["spam"]
    assert (
        ask(fake, leo, "GET", "/message/inbox?raw_json=1")[1]["data"]["children"][0]["data"][
            "author"
        ]
        == "kim"
    )

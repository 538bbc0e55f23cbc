"""Threads on external platforms: each part replies to the one before, lost parts are found, and all
are removed together."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from schedules.posts.states import DeliveryState
from schedules.posts.thread_parts import ThreadPart
from schedules.publishing import post_removal
from tests.conftest import Cluster
from tests.fakes.bluesky.server import Repo, cid
from tests.fakes.discord.state import Channel
from tests.fakes.telegram.chats import Chat
from tests.journeys.connected_creator import (
    ConnectedCreator,
    FakePlatforms,
    create_connected_creator,
    outside,
)
from tests.schedules.thread_builders import publish_parts

BODIES = ("Good evening.", "The shop is open.", "Until nine today.")


@pytest.fixture(scope="module")
def world(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakePlatforms]:
    with outside(cluster, tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture
def her(world: FakePlatforms) -> ConnectedCreator:
    return create_connected_creator(world)


def thread(her: ConnectedCreator, channel: str, *, comment: str = "") -> Any:
    """Create a thread of three parts, the second with a picture, and optionally a first comment."""
    rest = [ThreadPart(BODIES[1], (her.desk.photo(her.desk.written + 7),)), ThreadPart(BODIES[2])]
    if comment:
        rest.append(ThreadPart(comment, comment=True))
    return her.desk.delivery(BODIES[0], channel=channel, parts=tuple(rest))


def under(repo: Repo) -> list[tuple[str, str, str]]:
    """Return each record that the server accepted: its text, and the texts of its parent and its
    root."""
    texts = {uri: record["text"] for uri, record in repo.taken}
    found = []
    for _, record in repo.taken:
        reply: Mapping[str, Any] = record.get("reply", {})
        parent, root = (
            texts.get(reply.get(name, {}).get("uri", ""), "") for name in ("parent", "root")
        )
        found.append((record["text"], parent, root))
    return found


def test_bluesky_names_root_and_parent_with_their_versions(her: ConnectedCreator) -> None:
    repo = her.bluesky()
    sent = thread(her, "bluesky", comment="More soon.")
    her.desk.live(seconds=60)
    assert her.desk.state(sent) is DeliveryState.PUBLISHED, her.judged(sent)
    assert under(repo) == [
        (BODIES[0], "", ""),
        (BODIES[1], BODIES[0], BODIES[0]),
        (BODIES[2], BODIES[1], BODIES[0]),
        ("More soon.", BODIES[0], BODIES[0]),
    ]
    records = dict(repo.taken)
    from foundation.canonical_json import canonical_json

    for record in records.values():
        for each in record.get("reply", {}).values():
            assert each["cid"] == cid(canonical_json(records[each["uri"]]), raw=False)
    assert len({uri for uri, _ in repo.taken}) == 4  # a distinct key for each part
    her.desk.act(post_removal.request_post_removal, sent)
    her.desk.live(seconds=30)
    assert her.desk.state(sent) is DeliveryState.REMOVED
    assert repo.records == {}


def test_bluesky_part_with_a_lost_response_is_found(her: ConnectedCreator) -> None:
    repo = her.bluesky()
    sent = thread(her, "bluesky")
    publish_parts(her.desk, sent, 1)
    her.outside.bluesky.book.schedule_fault("reset_after", on="posts")
    her.desk.live(minutes=3)
    her.outside.move(180)
    her.desk.live(minutes=3)
    assert "uncertain" in her.desk.states(sent)
    assert her.desk.state(sent) is DeliveryState.PUBLISHED
    assert [text for text, _, _ in under(repo)] == list(BODIES)


def test_bluesky_thread_with_a_deleted_part_fails_with_a_reason(
    her: ConnectedCreator,
) -> None:
    repo = her.bluesky()
    sent = thread(her, "bluesky")
    publish_parts(her.desk, sent, 2)
    repo.records.popitem()
    her.desk.live(minutes=2)
    assert (her.desk.state(sent), her.desk.why(sent)) == (
        DeliveryState.BROKEN_OFF,
        "connectors.above_gone",
    )
    assert len(repo.taken) == 2


def standing(chat: Chat) -> int:
    return len(set(chat.messages) - chat.deleted)


def test_telegram_thread_replies_in_its_channel(her: ConnectedCreator) -> None:
    bot, chat = her.telegram()
    sent = thread(her, "telegram", comment="More soon.")
    her.desk.live(seconds=30)
    assert her.desk.state(sent) is DeliveryState.PUBLISHED, her.judged(sent)
    first, second, third = sorted(chat.messages)[:3]
    assert chat.above == [None, first, second, first]
    assert [text for _, text in bot.wire] == [*BODIES, "More soon."]
    assert third
    her.desk.act(post_removal.request_post_removal, sent)
    her.desk.live(seconds=30)
    assert her.desk.state(sent) is DeliveryState.REMOVED
    assert standing(chat) == 0


def above(channel: Channel, her: ConnectedCreator) -> list[str]:
    sent = her.outside.discord.sent(channel)
    known = {one.id: one.received for one in sent}
    return [
        known.get(one.body.get("message_reference", {}).get("message_id", ""), "") for one in sent
    ]


def test_discord_thread_replies_in_its_channel(her: ConnectedCreator) -> None:
    channel = her.discord(nsfw=False)
    sent = thread(her, "discord", comment="More soon.")
    her.desk.live(seconds=30)
    assert her.desk.state(sent) is DeliveryState.PUBLISHED, her.judged(sent)
    assert above(channel, her) == ["", BODIES[0], BODIES[1], BODIES[0]]
    her.desk.act(post_removal.request_post_removal, sent)
    her.desk.live(seconds=30)
    assert her.desk.state(sent) is DeliveryState.REMOVED
    assert all(one.deleted for one in her.outside.discord.sent(channel))

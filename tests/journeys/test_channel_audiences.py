"""Audiences of channels: adult posts need a destination check, and are recalled when the audience
changes."""

from collections.abc import Iterator

import pytest

from foundation.i18n.translation import Message
from gate.contract.units import Rating
from schedules.posts.states import DeliveryState
from schedules.posts.thread_parts import ThreadPart
from tests.conftest import Cluster
from tests.fakes.telegram.chats import Chat
from tests.journeys.connected_creator import (
    ConnectedCreator,
    FakePlatforms,
    create_connected_creator,
    outside,
)
from workers.cli.gate import decision_explanation


@pytest.fixture(scope="module")
def world(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakePlatforms]:
    with outside(cluster, tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture
def her(world: FakePlatforms) -> ConnectedCreator:
    return create_connected_creator(world)


def posts(chat: Chat) -> int:
    """Return the number of posts in a Telegram channel."""
    return len(set(chat.messages) - chat.deleted)


def test_explicit_is_published_to_a_channel_of_verified_members(
    her: ConnectedCreator,
) -> None:
    _, chat = her.telegram()
    sent = her.post("telegram")
    her.desk.live(seconds=30)
    assert her.desk.state(sent) is DeliveryState.PUBLISHED, her.judged(sent)
    assert posts(chat) == 1


def test_unverified_member_holds_and_recalls_explicit_posts(her: ConnectedCreator) -> None:
    bot, chat = her.telegram()
    telegram = her.outside.telegram.world
    sent = her.post("telegram")
    her.desk.live(seconds=30)
    assert her.desk.state(sent) is DeliveryState.PUBLISHED
    suggestive = her.post("telegram", Rating.S)
    her.desk.live(seconds=30)
    assert her.desk.state(suggestive) is DeliveryState.PUBLISHED
    telegram.join(chat, f"stranger{bot.id}", telegram.open_link(chat))
    later = her.post("telegram")
    her.desk.live(seconds=30)
    assert (her.desk.state(later), her.judged(later)) == (
        DeliveryState.HELD,
        ("B", frozenset({"AUDIENCE_UNKNOWN"})),
    )
    assert her.recall(sent) == "recall.place_changed", "the check before the next post found it too"
    assert her.desk.state(sent) is DeliveryState.REMOVED
    assert her.desk.state(suggestive) is DeliveryState.PUBLISHED, (
        "Telegram channels allow suggestive posts for everyone"
    )
    assert posts(chat) == 1
    assert "copy.place_changed" in her.desk.notices().values()
    telegram.leave(chat, f"stranger{bot.id}")
    again = her.post("telegram")
    her.desk.live(seconds=30)
    assert her.desk.state(again) is DeliveryState.PUBLISHED


def test_channel_made_public_loses_its_adult_posts(
    her: ConnectedCreator,
) -> None:
    bot, chat = her.telegram()
    sent = her.post("telegram")
    her.desk.live(seconds=30)
    assert her.desk.state(sent) is DeliveryState.PUBLISHED
    her.beat(hours=1)
    assert her.desk.state(sent) is DeliveryState.PUBLISHED, "nothing changed"
    chat.username = f"public{bot.id}"
    her.beat(hours=1, minutes=5)
    assert her.desk.state(sent) is DeliveryState.REMOVED
    assert posts(chat) == 0
    later = her.post("telegram", Rating.S)
    her.desk.live(seconds=30)
    assert her.judged(later) == ("H", frozenset({"AUDIENCE_CHANGED"}))


def test_unknown_audience_holds_nudity(her: ConnectedCreator) -> None:
    world = her.outside.telegram.world
    bot, chat = her.telegram(joins="any")
    unsaid = her.post("telegram")
    her.desk.live(seconds=30)
    assert her.judged(unsaid) == ("B", frozenset({"AUDIENCE_UNKNOWN"}))
    her.enrol("telegram", token=bot.token, channel=str(chat.id), joins="by_request")
    chat.linked = world.channel("Talk", kind="supergroup").id
    grouped = her.post("telegram")
    her.desk.live(seconds=30)
    assert her.judged(grouped) == ("B", frozenset({"AUDIENCE_UNKNOWN"}))
    chat.linked = 0
    world.counts_bots = True
    try:
        counted = her.post("telegram")
        her.desk.live(seconds=30)
        assert her.judged(counted) == ("B", frozenset({"AUDIENCE_UNKNOWN"}))
    finally:
        world.counts_bots = False
    general = her.desk.delivery("Bonjour", channel="telegram")
    suggestive = her.post("telegram", Rating.S)
    her.desk.live(seconds=30)
    assert [her.desk.state(one) for one in (general, suggestive)] == [DeliveryState.PUBLISHED] * 2
    with her.desk.scope() as scope:
        scope.run(
            'UPDATE channels SET options = options || \'{"connected_at": '
            '"2026-01-01T00:00:00+00:00"}\''
        )
    stale = her.post("telegram")
    her.desk.live(seconds=30)
    assert her.judged(stale) == ("B", frozenset({"AUDIENCE_UNKNOWN"})), (
        "a member's declaration is valid for ninety days"
    )


def test_failed_destination_check_delays_all_but_general_posts(
    her: ConnectedCreator,
) -> None:
    bot, chat = her.telegram()
    her.outside.telegram.book.schedule_fault(
        "status:503", account=str(bot.id), on="places", times=30
    )
    waits, general = her.post("telegram"), her.desk.delivery("Bonjour", channel="telegram")
    her.desk.live(seconds=100)
    assert her.desk.state(general) is DeliveryState.PUBLISHED
    assert (her.desk.state(waits), her.desk.why(waits)) == (
        DeliveryState.HELD,
        "gate.DESTINATION_PROBE_STALE",
    )
    assert her.judged(waits) == ("H", frozenset({"DESTINATION_PROBE_STALE"}))
    her.outside.telegram.book.clear_faults()
    her.desk.live(minutes=10)
    assert her.desk.state(waits) is DeliveryState.PUBLISHED, "no member acted"
    assert posts(chat) == 2


def test_failed_destination_check_recalls_nothing(her: ConnectedCreator) -> None:
    bot, chat = her.telegram()
    sent = her.post("telegram")
    her.desk.live(seconds=30)
    her.outside.telegram.book.schedule_fault(
        "status:503", account=str(bot.id), on="places", times=100
    )
    her.beat(hours=3)
    assert her.desk.state(sent) is DeliveryState.PUBLISHED
    assert posts(chat) == 1
    her.outside.telegram.book.clear_faults()


def test_discord_channel_without_nsfw_loses_adult_posts_in_an_hour(
    her: ConnectedCreator,
) -> None:
    place = her.discord(nsfw=True)
    sent = her.post("discord")
    her.desk.live(seconds=30)
    assert her.desk.state(sent) is DeliveryState.PUBLISHED, her.judged(sent)
    place.nsfw = False
    her.beat(hours=1, minutes=5)
    assert her.desk.state(sent) is DeliveryState.REMOVED
    assert her.recall(sent) == "recall.place_changed"
    assert [one.deleted for one in her.outside.discord.sent(place)] == [True]


def test_discord_thread_has_the_audience_of_its_channel(her: ConnectedCreator) -> None:
    thread = her.discord(nsfw=True, thread=True)
    sent = her.post("discord")
    her.desk.live(seconds=30)
    assert her.desk.state(sent) is DeliveryState.PUBLISHED, her.judged(sent)
    her.outside.discord.world.channels[thread.parent].nsfw = False
    later = her.post("discord")
    her.desk.live(seconds=30)
    assert her.judged(later) == ("B", frozenset({"PLATFORM_FORBIDS"}))


def test_post_with_a_dropped_label_is_removed_within_a_minute(
    her: ConnectedCreator,
) -> None:
    repo = her.bluesky()
    kept = her.post("bluesky")
    her.desk.live(seconds=60)
    assert her.desk.state(kept) is DeliveryState.PUBLISHED, her.judged(kept)
    copy = her.copy(kept)
    assert copy is not None
    assert copy.is_read_back
    repo.drops_labels = True
    bare = her.post("bluesky")
    her.desk.live(seconds=60)
    assert her.desk.state(bare) is DeliveryState.REMOVED
    assert her.recall(bare) == "gate.FLAG_READBACK_MISMATCH"
    assert len(repo.records) == 1, "the first post remains"
    assert "copy.unmarked" in her.desk.notices().values()
    told = decision_explanation.render_decision(her.desk.services, str(bare), "en")
    assert "missing labels selfLabels=porn" in told
    assert "The platform dropped the adult label" in told
    assert "all labels are set" in decision_explanation.render_decision(
        her.desk.services, str(kept), "en"
    )


def test_unreadable_live_copy_remains_and_is_read_later(her: ConnectedCreator) -> None:
    repo = her.bluesky()
    her.outside.bluesky.book.schedule_fault("status:503", on="lookups", times=3)
    sent = her.post("bluesky")
    her.desk.live(seconds=5)
    assert her.desk.state(sent) is DeliveryState.PUBLISHED
    copy = her.copy(sent)
    assert copy is not None
    assert not copy.is_read_back
    her.desk.live(minutes=5)
    copy = her.copy(sent)
    assert copy is not None
    assert copy.is_read_back
    assert len(repo.records) == 1


def test_changed_server_rules_recall_adult_posts_until_reviewed(her: ConnectedCreator) -> None:
    server, member = her.outside.mastodon, her.mastodon()
    sent = her.post("mastodon")
    her.desk.live(seconds=30)
    assert her.desk.state(sent) is DeliveryState.PUBLISHED, her.judged(sent)
    (status,) = [server.shown(one) for one in member.statuses.values()]
    assert status["sensitive"] is True
    assert status["spoiler_text"]
    server.rules = [*server.usual_rules, "Nothing for adults any more"]
    try:
        later, general = her.post("mastodon"), her.desk.delivery("Bonjour", channel="mastodon")
        her.desk.live(seconds=30)
        assert her.judged(later) == ("B", frozenset({"PLATFORM_FORBIDS"}))
        assert her.desk.state(sent) is DeliveryState.REMOVED, (
            "the rules that allowed the live post have changed"
        )
        assert her.desk.state(general) is DeliveryState.PUBLISHED
        her.toot(member, rules="adult")
        again = her.post("mastodon")
        her.desk.live(seconds=30)
        assert her.desk.state(again) is DeliveryState.PUBLISHED, "a member read the new rules"
    finally:
        server.rules = list(server.usual_rules)


def test_general_server_gets_no_adult_posts(her: ConnectedCreator) -> None:
    member = her.mastodon(rules="general")
    sent, suggestive = her.post("mastodon"), her.post("mastodon", Rating.S)
    her.desk.live(seconds=30)
    assert her.judged(sent) == ("B", frozenset({"PLATFORM_FORBIDS"}))
    assert her.judged(suggestive) == ("H", frozenset({"PLATFORM_FORBIDS"}))
    assert member.taken == []


def test_adult_pictures_on_x_have_a_content_warning(her: ConnectedCreator) -> None:
    member = her.x()
    sent = her.post("x")
    soft = her.desk.delivery("Bonjour", channel="x", media=(her.picture(Rating.S),))
    her.desk.live(seconds=30)
    assert [her.desk.state(one) for one in (sent, soft)] == [
        DeliveryState.PUBLISHED,
        DeliveryState.PUBLISHED,
    ], her.judged(sent)
    explicit, suggestive = member.posts.values()
    assert [one.warning.get("adult_content") for one in explicit.media] == [True] * len(
        explicit.media
    )
    assert explicit.media
    assert not explicit.made_with_ai, "a camera took it"
    assert [one.warning for one in suggestive.media] == [{}] * len(suggestive.media)


def test_adult_thread_on_x_refuses_parts_without_a_picture(
    her: ConnectedCreator,
) -> None:
    member = her.x()
    sent = her.post("x", parts=(ThreadPart("la suite, en mots"),))
    her.desk.live(seconds=30)
    assert her.desk.state(sent) is DeliveryState.FAILED
    assert her.desk.entry(sent).reason == Message("x.words_unmarked")
    assert member.taken == []

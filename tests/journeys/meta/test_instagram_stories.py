"""A story from the draft to its expiry on real PostgreSQL: visible for a day, measured during it,
expired without action."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from channels.manual_tasks import tasks
from foundation.errors import BadInput, Conflict
from foundation.i18n.translation import Message
from gate.contract.units import Rating, Subject
from gate.copies import live_copies
from gate.removal import recall
from schedules.drafts import previews
from schedules.drafts.drafts import Draft
from schedules.posts.channel_overrides import ChannelOverride
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from tests.conftest import Cluster
from tests.journeys.connected_creator import (
    ConnectedCreator,
    FakePlatforms,
    create_connected_creator,
    outside,
)

AS_STORY = (ChannelOverride("instagram", body="", options=(("story", True),)),)


@pytest.fixture(scope="module")
def networks(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakePlatforms]:
    with outside(cluster, Path(tmp_path_factory.mktemp("home"))) as found:
        yield found


def story(here: ConnectedCreator, rating: Rating = Rating.G, **more: Any) -> UUID:
    """Create a story that is due in a minute. The post has a text for its other accounts."""
    values = {"others": AS_STORY, "after": 60, **more}
    return here.desk.delivery(
        "Au lac", channel="instagram", media=(here.picture(rating),), **values
    )


def left(here: ConnectedCreator, delivery_id: UUID) -> live_copies.LiveCopy:
    with here.desk.scope() as scope:
        (copy,) = live_copies.list_copies(scope, Subject("delivery", delivery_id))
    return copy


def ages(here: ConnectedCreator, delivery_id: UUID) -> list[tuple[int, int]]:
    """Return the views of a delivery, with the age in hours at which they were read."""
    with here.desk.scope() as scope:
        rows = scope.run(
            "SELECT age_hours, value FROM metric_snapshots WHERE delivery_id = :d AND metric = "
            "'views' ORDER BY 1",
            d=delivery_id,
        )
        return [(row.age_hours, row.value) for row in rows]


def test_story_expires_after_a_day_without_an_alarm(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    profile = here.instagram()
    sent = story(here)
    here.desk.live(minutes=5)
    (shown,) = profile.stories
    assert (here.desk.state(sent), profile.posts) == (DeliveryState.PUBLISHED, [])
    (container,) = profile.containers.values()
    assert set(container.told) <= {"media_type", "image_url", "is_ai_generated"}, "no text"
    entry = here.desk.entry(sent)
    assert entry.url == shown["permalink"]
    assert entry.settled_at is not None
    assert entry.expires_at is not None
    assert (entry.expires_at - entry.settled_at).total_seconds() == 24 * 3600
    here.desk.live(hours=23, minutes=30)
    assert ages(here, sent) == [(age, 12) for age in (1, 3, 12, 23)], "read again before its expiry"
    assert left(here, sent).removed_at is None
    here.desk.live(hours=24 * 8)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED
    assert left(here, sent).removed_at is not None
    assert ages(here, sent) == [(age, 12) for age in (1, 3, 12, 23)], (
        "an expired story is not measured"
    )
    assert not [cause for cause in here.desk.notices() if str(sent) in cause], (
        "no notice is created"
    )
    assert [str(step.after) for step in here.desk.story(sent)][-1] == "published"
    with pytest.raises(Conflict, match=r"delivery\.ended"):
        here.desk.act(post_removal.request_post_removal, sent)


def test_lost_response_is_found_among_stories_and_never_resent(
    networks: FakePlatforms,
) -> None:
    here = create_connected_creator(networks)
    profile = here.instagram()
    sent = story(here)
    networks.instagram.book.schedule_fault("reset_after", on="posts")
    here.desk.live(minutes=30)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED
    (shown,) = profile.stories
    assert left(here, sent).native_ids == (shown["id"],)


def test_story_removal_is_a_manual_task_until_expiry(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    profile = here.instagram()
    sent = story(here)
    here.desk.live(minutes=5)
    here.desk.act(post_removal.request_post_removal, sent)
    here.desk.live(minutes=5)
    assert here.desk.state(sent) is DeliveryState.REMOVING
    with here.desk.scope() as scope:
        (task,) = tasks.list_due_tasks(scope, creators={here.desk.creator_id})
    assert (task.is_removal, task.url) == (True, profile.stories[0]["permalink"])
    here.desk.live(hours=25)
    assert here.desk.state(sent) is DeliveryState.REMOVED
    with here.desk.scope() as scope:
        assert tasks.list_due_tasks(scope, creators={here.desk.creator_id}) == []
    assert left(here, sent).removed_at is not None


def test_recalled_story_is_a_manual_task_until_expiry(
    networks: FakePlatforms,
) -> None:
    here = create_connected_creator(networks)
    here.instagram()
    sent = story(here)
    here.desk.live(minutes=5)
    with here.desk.scope() as scope:
        found = live_copies.live_copies_of_bytes(scope, left(here, sent).media[0])
        assert {one.subject.id for one in found} == {sent}, "its upload and its live copy"
        recall.open_takedowns(scope, found, Message("gate.CONSENT_MISSING"))
    here.desk.live(minutes=5)
    with here.desk.scope() as scope:
        assert [
            task.is_removal for task in tasks.list_due_tasks(scope, creators={here.desk.creator_id})
        ] == [True]
    here.desk.live(hours=25)
    with here.desk.scope() as scope:
        assert tasks.list_due_tasks(scope, creators={here.desk.creator_id}) == []
        assert live_copies.live_copies_of_bytes(scope, found[0].media[0]) == []
    assert here.desk.state(sent) is DeliveryState.REMOVED


def test_deleted_story_is_recorded_after_two_lookups(
    networks: FakePlatforms,
) -> None:
    here = create_connected_creator(networks)
    profile = here.instagram()
    sent = story(here)
    here.desk.live(minutes=5)
    profile.stories.clear()
    here.desk.live(hours=4)
    assert (here.desk.state(sent), here.desk.why(sent)) == (
        DeliveryState.REMOVED,
        "delivery.gone_by_nobody",
    )


def test_story_follows_the_rating_rules_of_posts(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    profile = here.instagram()
    sent = [story(here, rating) for rating in (Rating.S, Rating.E)]
    here.desk.live(minutes=3)
    assert [here.judged(one)[0] for one in sent] == ["H", "B"]
    assert (profile.fetched, profile.containers, profile.stories) == ([], {}, [])


def test_story_with_text_is_refused(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    profile, picture = here.instagram(), here.picture(Rating.G)
    told = (ChannelOverride("instagram", options=(("story", True),)),)
    with here.desk.scope(f"member:{here.desk.author}") as scope:
        channel = here.desk.channels["instagram"]
        draft = Draft(here.desk.creator_id, "", "Au lac", (picture,), (channel,), others=told)
        (one,) = previews.preview_draft(
            scope,
            draft,
            author=f"member:{here.desk.author}",
            connectors=here.desk.services.connectors,
        )
    assert "connectors.no_words_there" in [reason.code for reason in one.reasons]
    assert (one.length, one.most, one.most_media, one.showing.form) == (6, 0, 1, "screen")
    with pytest.raises(BadInput, match=r"limit\.no_text"):
        story(here, others=told)
    here.desk.live(minutes=5)
    assert (profile.containers, profile.stories) == ({}, [])

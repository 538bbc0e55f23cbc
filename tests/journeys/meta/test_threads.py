"""Threads from the sealed form to the post, through the real routes: threads of parts, comments and
removal."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.contract.units import Rating
from schedules.posts.states import DeliveryState
from schedules.posts.thread_parts import ThreadPart
from schedules.publishing import post_removal
from tests.conftest import Cluster
from tests.fakes.threads.state import Profile, ThreadsPost
from tests.journeys.comment_actions import act_on_comment, answer_comment, list_open_comments
from tests.journeys.connected_creator import FakePlatforms, create_connected_creator, outside
from tests.journeys.meta.test_instagram import bytes_of
from tests.journeys.oauth_accounts import add_video
from tests.schedules.thread_builders import publish_parts
from workers.relay.ticks import TICKS

BODIES = ("Good evening.", "The shop is open.", "Until nine today.")


@pytest.fixture(scope="module")
def networks(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakePlatforms]:
    with outside(cluster, Path(tmp_path_factory.mktemp("home"))) as found:
        yield found


def own(profile: Profile) -> list[ThreadsPost]:
    return [one for one in profile.every.values() if one.own]


def test_text_post_is_published_and_removed(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    profile = here.threads()
    sent = here.desk.delivery("Bonjour", channel="threads", after=60)
    here.desk.live(minutes=5)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED, here.desk.why(sent)
    assert [(one.text, one.kind) for one in own(profile)] == [("Bonjour", "TEXT_POST")]
    here.desk.act(post_removal.request_post_removal, sent)
    here.desk.live(minutes=5)
    assert here.desk.state(sent) is DeliveryState.REMOVED
    assert [one.deleted for one in own(profile)] == [True]


def test_carousel_of_picture_and_video_is_prepared_early(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    profile, files = here.threads(), (here.picture(Rating.G), add_video(here.desk, seconds=3.5))
    sent = here.desk.delivery("Deux", channel="threads", media=files, after=3600)
    here.desk.live(minutes=55)
    assert len(profile.fetched) == 2
    assert own(profile) == []
    made = len(profile.containers)
    here.desk.live(minutes=10)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED, here.desk.why(sent)
    (post,) = own(profile)
    assert (post.kind, post.files) == (
        "CAROUSEL_ALBUM",
        tuple(bytes_of(here, one) for one in files),
    )
    assert len(profile.containers) == made, "the prepared containers are published"


def test_container_unknown_at_first_is_published_once(
    networks: FakePlatforms,
) -> None:
    here = create_connected_creator(networks)
    profile = here.threads()
    networks.threads.unseen = 2
    sent = here.desk.delivery("Patience", channel="threads")
    here.desk.live(minutes=10)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED, here.desk.why(sent)
    assert (len(own(profile)), len(profile.containers), networks.threads.unseen) == (1, 1, 0)


def test_too_long_video_fails_with_a_reason(
    networks: FakePlatforms, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = create_connected_creator(networks)
    profile, shown = here.threads(), add_video(here.desk, seconds=3.5)
    monkeypatch.setattr("tests.fakes.threads.server.LONGEST", 2.0)
    sent = here.desk.delivery("Trop long", channel="threads", media=(shown,), after=3600)
    here.desk.live(minutes=65)
    assert (here.desk.state(sent), here.desk.why(sent)) == (
        DeliveryState.FAILED,
        "threads.file_refused",
    )
    assert own(profile) == []


def test_thread_is_published_in_order_and_removed_as_one(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    profile = here.threads()
    rest = (
        ThreadPart(BODIES[1], (here.desk.photo(here.desk.written + 7),)),
        ThreadPart(BODIES[2]),
        ThreadPart("More.", comment=True),
    )
    sent = here.desk.delivery(BODIES[0], channel="threads", parts=rest)
    here.desk.live(minutes=5)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED, here.judged(sent)
    texts = {one.id: one.text for one in own(profile)}
    assert [(one.text, texts.get(one.under, "")) for one in own(profile)] == [
        (BODIES[0], ""),
        (BODIES[1], BODIES[0]),
        (BODIES[2], BODIES[1]),
        ("More.", BODIES[0]),
    ]
    here.desk.act(post_removal.request_post_removal, sent)
    here.desk.live(minutes=5)
    assert here.desk.state(sent) is DeliveryState.REMOVED
    assert all(one.deleted for one in own(profile))


def test_lost_thread_part_is_found_among_the_replies(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    profile = here.threads()
    sent = here.desk.delivery(
        BODIES[0], channel="threads", parts=tuple(map(ThreadPart, BODIES[1:]))
    )
    publish_parts(here.desk, sent, 1)
    networks.threads.book.schedule_fault("reset_after", on="posts")
    here.desk.live(minutes=10)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED
    assert [one.text for one in own(profile)] == list(BODIES)


def test_lost_response_is_found_in_the_list_and_never_resent(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    profile = here.threads()
    networks.threads.book.schedule_fault("reset_after", on="posts")
    sent = here.desk.delivery("Bonsoir", channel="threads", after=60)
    here.desk.live(minutes=30)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED
    assert [one.text for one in own(profile)] == ["Bonsoir"]


def test_forbidden_rating_is_never_fetched(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    profile = here.threads()
    for rating in (Rating.S, Rating.E):
        sent = here.post("threads", rating)
        here.desk.live(minutes=2)
        verdict, reasons = here.judged(sent)
        assert (verdict, "RATING_EXCEEDS_SURFACE" in reasons) == (
            "H" if rating is Rating.S else "B",
            True,
        )
    assert (profile.fetched, profile.containers, profile.every) == ([], {}, {})


def test_comment_is_received_answered_and_hidden(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    profile = here.threads()
    here.desk.delivery("Bonjour", channel="threads", after=60)
    here.desk.live(minutes=5)
    (post,) = own(profile)
    told = profile.say("c'est où ?", post.id)
    for _ in range(8):
        next(one for one in TICKS if one.name == "remarks").write_rows(here.desk.services.tenant)
        here.desk.live(minutes=1)
    (said,) = list_open_comments(here.desk)
    assert (said.text, said.under) == ("c'est où ?", post.id)
    answer_comment(here.desk, said, "threads", "Au lac, au printemps.")
    here.desk.live(minutes=5)
    mine = own(profile)[-1]
    assert (mine.text, mine.under) == ("Au lac, au printemps.", told.id)
    act_on_comment(here.desk, said, "threads", "hide")
    here.desk.live(minutes=2)
    assert profile.every[told.id].hidden


def test_account_without_reply_rights_still_posts(networks: FakePlatforms) -> None:
    """Such a token can neither read nor delete replies; it needs no reconnection."""
    here = create_connected_creator(networks)
    profile = here.threads()
    profile.rights = frozenset({"threads_basic", "threads_content_publish"})
    first = here.desk.delivery("Un", channel="threads")
    here.desk.live(minutes=2)
    next(one for one in TICKS if one.name == "remarks").write_rows(here.desk.services.tenant)
    here.desk.act(post_removal.request_post_removal, first)
    here.desk.live(minutes=3)
    second = here.desk.delivery("Deux", channel="threads")
    here.desk.live(minutes=2)
    assert here.desk.state(second) is DeliveryState.PUBLISHED
    assert here.desk.state(first) is not DeliveryState.REMOVED

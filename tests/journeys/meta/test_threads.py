"""Threads from the sealed form to the post, through the house's own routes; a thread of parts,
comments, removal."""

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


def test_words_alone_are_posted_and_taken_away(networks: FakePlatforms) -> None:
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


def test_a_carousel_of_a_picture_and_a_film_is_prepared_ahead(networks: FakePlatforms) -> None:
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
    assert len(profile.containers) == made, "what was prepared is what was posted"


def test_a_container_that_is_ready_and_not_known_yet_is_published_once(
    networks: FakePlatforms,
) -> None:
    here = create_connected_creator(networks)
    profile = here.threads()
    networks.threads.unseen = 2
    sent = here.desk.delivery("Patience", channel="threads")
    here.desk.live(minutes=10)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED, here.desk.why(sent)
    assert (len(own(profile)), len(profile.containers), networks.threads.unseen) == (1, 1, 0)


def test_a_film_that_is_too_long_is_told_in_words(
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


def test_a_thread_stands_part_under_part_and_goes_as_one(networks: FakePlatforms) -> None:
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


def test_a_lost_part_is_found_among_the_replies(networks: FakePlatforms) -> None:
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


def test_a_lost_answer_is_read_in_the_list_and_never_sent_twice(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    profile = here.threads()
    networks.threads.book.schedule_fault("reset_after", on="posts")
    sent = here.desk.delivery("Bonsoir", channel="threads", after=60)
    here.desk.live(minutes=30)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED
    assert [one.text for one in own(profile)] == ["Bonsoir"]


def test_what_may_not_be_there_is_never_fetched(networks: FakePlatforms) -> None:
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


def test_a_comment_is_heard_answered_and_hidden(networks: FakePlatforms) -> None:
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


def test_without_rights_over_replies_the_account_still_posts(networks: FakePlatforms) -> None:
    """Such a token hears nothing and deletes nothing; nobody is asked to reconnect for that."""
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

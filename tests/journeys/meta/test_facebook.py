"""A Facebook Page from the sealed form to the post, through the real routes: videos, comments and
removal."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.connections import account_setup
from gate.contract.units import Rating
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from tests.conftest import Cluster
from tests.journeys.comment_actions import act_on_comment, answer_comment, list_open_comments
from tests.journeys.connected_creator import (
    ConnectedCreator,
    FakePlatforms,
    create_connected_creator,
    outside,
)
from tests.journeys.meta.test_instagram import bytes_of
from tests.journeys.oauth_accounts import add_video
from workers.relay.ticks import TICKS


@pytest.fixture(scope="module")
def networks(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakePlatforms]:
    with outside(cluster, Path(tmp_path_factory.mktemp("home"))) as found:
        yield found


def listen(here: ConnectedCreator) -> None:
    for _ in range(12):
        next(one for one in TICKS if one.name == "remarks").write_rows(here.desk.services.tenant)
        here.desk.live(minutes=1)


def test_text_post_is_published_and_removed(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    page = here.facebook()
    sent = here.desk.delivery("Bonjour", channel="facebook", after=60)
    here.desk.live(minutes=5)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED, here.desk.why(sent)
    (post,) = page.posts.values()
    assert post.message == "Bonjour"
    here.desk.act(post_removal.request_post_removal, sent)
    here.desk.live(minutes=5)
    assert here.desk.state(sent) is DeliveryState.REMOVED
    assert post.deleted


def test_pictures_are_uploaded_early_with_alt_text(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    page, files = here.facebook(), (here.picture(Rating.G), here.picture(Rating.G))
    sent = here.desk.delivery("Deux", channel="facebook", media=files, after=3600)
    here.desk.live(minutes=55)
    assert (len(page.fetched), len(page.posts)) == (2, 0)
    here.desk.live(minutes=10)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED, here.desk.why(sent)
    (post,) = page.posts.values()
    assert tuple(photo.file for photo in post.photos) == tuple(bytes_of(here, one) for one in files)
    assert all(photo.alt for photo in post.photos)
    assert len(page.photos) == 2, "the uploaded photos are the posted ones"


def test_video_is_published_after_processing(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    page, shown = here.facebook(), add_video(here.desk, seconds=3.5)
    networks.facebook.film_seconds = 400
    sent = here.desk.delivery("Un film", channel="facebook", media=(shown,), after=60)
    here.desk.live(minutes=3)
    assert here.desk.state(sent) is DeliveryState.PROCESSING, here.desk.why(sent)
    here.desk.live(minutes=60)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED, here.desk.why(sent)
    (post,) = page.posts.values()
    assert (post.message, post.film) == ("Un film", bytes_of(here, shown))
    copy = here.copy(sent)
    assert copy is not None
    assert copy.native_ids == (post.id,)


def test_failed_video_processing_fails_the_delivery(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    page, shown = here.facebook(), add_video(here.desk, seconds=3.5)
    networks.facebook.film_seconds, networks.facebook.refuses_films = 45, 1
    sent = here.desk.delivery("Un film", channel="facebook", media=(shown,), after=60)
    here.desk.live(minutes=30)
    assert (here.desk.state(sent), here.desk.why(sent)) == (
        DeliveryState.FAILED,
        "facebook.film_refused",
    )
    assert len(page.posts) == 1


def test_video_with_a_lost_response_is_not_resent_while_processing(
    networks: FakePlatforms,
) -> None:
    here = create_connected_creator(networks)
    page, shown = here.facebook(), add_video(here.desk, seconds=3.5)
    networks.facebook.film_seconds = 1200
    networks.facebook.book.schedule_fault("reset_after", on="posts")
    sent = here.desk.delivery("Un film", channel="facebook", media=(shown,), after=60)
    here.desk.live(minutes=15)
    assert (here.desk.state(sent), len(page.fetched)) == (DeliveryState.UNCERTAIN, 1)
    here.desk.live(minutes=60)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED, here.desk.why(sent)
    assert len(page.posts) == 1


@pytest.mark.parametrize(
    ("mode", "state", "texts"),
    [
        ("reset_after", DeliveryState.PUBLISHED, ["Bonsoir"]),
        ("reset_before", DeliveryState.UNCERTAIN, []),
    ],
)
def test_lost_response_is_looked_up_and_never_repeated(
    networks: FakePlatforms, mode: str, state: DeliveryState, texts: list[str]
) -> None:
    """A post that the page does not list may still appear: a member decides."""
    here = create_connected_creator(networks)
    page = here.facebook()
    networks.facebook.book.schedule_fault(mode, on="posts")
    sent = here.desk.delivery(
        "Bonsoir", channel="facebook", media=(here.picture(Rating.G),), after=60
    )
    here.desk.live(minutes=40)
    assert here.desk.state(sent) is state
    assert [post.message for post in page.posts.values()] == texts


def test_rate_limited_page_waits(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    page = here.facebook()
    networks.facebook.blocked = 1
    sent = here.desk.delivery("Patience", channel="facebook")
    here.desk.live(minutes=10)
    assert (here.desk.state(sent), page.posts) == (DeliveryState.SCHEDULED, {})
    here.desk.live(minutes=10)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED, here.desk.why(sent)


def test_forbidden_rating_is_never_fetched(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    page = here.facebook()
    for rating in (Rating.S, Rating.E):
        sent = here.post("facebook", rating)
        here.desk.live(minutes=2)
        verdict, reasons = here.judged(sent)
        assert (verdict, "RATING_EXCEEDS_SURFACE" in reasons) == (
            "H" if rating is Rating.S else "B",
            True,
        )
    assert (page.fetched, page.photos, page.posts) == ([], {}, {})


def test_comment_is_answered_hidden_and_its_author_blocked(
    networks: FakePlatforms,
) -> None:
    here = create_connected_creator(networks)
    page = here.facebook()
    here.desk.delivery("Bonjour", channel="facebook", after=60)
    here.desk.live(minutes=5)
    (post,) = page.posts.values()
    told = page.say(post.id, "c'est où ?", by="Ann")
    listen(here)
    (said,) = list_open_comments(here.desk)
    assert (said.text, said.under) == ("c'est où ?", post.id)
    answer_comment(here.desk, said, "facebook", "Au lac, au printemps.")
    here.desk.live(minutes=5)
    mine = list(page.comments.values())[-1]
    assert (mine.own, mine.text, mine.parent) == (True, "Au lac, au printemps.", told.id)
    for wish in ("hide", "block"):
        act_on_comment(here.desk, said, "facebook", wish)
        here.desk.live(minutes=2)
    assert told.hidden
    assert page.blocked == {told.author}
    listen(here)
    assert list_open_comments(here.desk) == [], "a reply of the Page is no open comment"


@pytest.mark.parametrize(
    ("page", "token", "reason"),
    [
        ("", "EAAx", "facebook.bad_token"),
        ("my-page", "", "facebook.bad_page"),
        ("999", "", "facebook.not_the_page"),
        ("", "person", "facebook.not_the_page"),
    ],
)
def test_invalid_token_or_page_is_refused_at_once(
    networks: FakePlatforms, page: str, token: str, reason: str
) -> None:
    here, known = create_connected_creator(networks), networks.facebook.page("Mia")
    networks.facebook.people.add("person")
    wish = here.asked("facebook", page=page or known.id, access_token=token or known.token)
    assert wish.reason is not None
    assert wish.reason.code == reason


def test_token_without_posting_right_names_the_missing_right(networks: FakePlatforms) -> None:
    here, page = create_connected_creator(networks), networks.facebook.page("Mia")
    page.rights = frozenset({"pages_show_list", "pages_read_engagement"})
    wish = here.asked("facebook", page=page.id, access_token=page.token)
    assert wish.reason is not None
    assert (wish.reason.code, dict(wish.reason.params)) == (
        "facebook.right_missing",
        {"rights": "pages_manage_posts"},
    )
    page.rights, page.expires_at = (
        page.rights | {"pages_manage_posts"},
        int(networks.facebook.clock().timestamp()) + 3600,
    )
    wish = here.asked("facebook", page=page.id, access_token=page.token)
    assert wish.reason is not None
    assert wish.reason.code == "facebook.short_token"
    with here.desk.scope() as scope:
        assert account_setup.get_setup(scope, wish.id).channel_id is None


def test_page_without_comment_rights_still_posts(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    page = here.facebook()
    page.rights = frozenset({"pages_manage_posts", "pages_read_engagement"})
    first = here.desk.delivery("Un", channel="facebook")
    here.desk.live(minutes=2)
    page.say(next(iter(page.posts)), "bonjour", by="Ann")
    listen(here)
    assert list_open_comments(here.desk) == []
    second = here.desk.delivery("Deux", channel="facebook")
    here.desk.live(minutes=2)
    assert [here.desk.state(one) for one in (first, second)] == [
        DeliveryState.PUBLISHED,
        DeliveryState.PUBLISHED,
    ]


def test_duplicate_of_an_earlier_post_is_not_repeated(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    page = here.facebook()
    first = here.desk.delivery("Bonjour", channel="facebook")
    here.desk.live(minutes=5)
    again = here.desk.delivery("Bonjour", channel="facebook")
    here.desk.live(minutes=20)
    assert here.desk.state(first) is DeliveryState.PUBLISHED
    assert (here.desk.state(again), here.desk.why(again)) == (
        DeliveryState.UNCERTAIN,
        "facebook.duplicate",
    )
    assert [one.message for one in page.posts.values()] == ["Bonjour"]

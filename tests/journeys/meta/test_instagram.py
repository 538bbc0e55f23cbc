"""Instagram from the sealed form to the post, through the real routes: it fetches the files from
temporary URLs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from channels.links import media_urls
from channels.manual_tasks import tasks
from foundation.errors import BadInput
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from gate.contract.units import Rating, Subject
from gate.copies import live_copies
from schedules.drafts import drafts
from schedules.posts.states import DeliveryState
from schedules.posts.thread_parts import ThreadPart
from schedules.publishing import post_removal
from studio.library import assets
from tests.conftest import Cluster
from tests.journeys.comment_actions import act_on_comment, answer_comment, list_open_comments
from tests.journeys.connected_creator import (
    ConnectedCreator,
    FakePlatforms,
    create_connected_creator,
    outside,
)
from tests.journeys.oauth_accounts import add_video
from workers.relay.ticks import TICKS

pytestmark = pytest.mark.heavy

HTTP = HttpClient()


@pytest.fixture(scope="module")
def networks(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakePlatforms]:
    with outside(cluster, Path(tmp_path_factory.mktemp("home"))) as found:
        yield found


def asked(here: ConnectedCreator) -> list[media_urls.MediaUrlFetch]:
    """Return every request of a temporary URL, oldest first."""
    with here.desk.scope() as scope:
        ids = scope.run(
            "SELECT id FROM lent_files WHERE tenant_id = :t ORDER BY created_at", t=scope.tenant_id
        )
        return [
            one for lent_id in ids.scalars().all() for one in media_urls.fetches_of(scope, lent_id)
        ]


def bytes_of(here: ConnectedCreator, asset: UUID) -> bytes:
    with here.desk.scope() as scope:
        sha256 = assets.get_rendition(scope, asset, "instagram").sha256
    return here.outside.services.store.get(here.desk.tenant_id, sha256)


def status(address: str) -> int:
    reply = HTTP.send(HttpRequest("GET", address))
    assert isinstance(reply, HttpResponse)
    return reply.status


def test_picture_is_prepared_early_fetched_once_and_posted_on_time(
    networks: FakePlatforms,
) -> None:
    here = create_connected_creator(networks)
    profile, picture = here.instagram(), here.picture(Rating.G)
    sent = here.desk.delivery("Bonjour", channel="instagram", media=(picture,), after=3600)
    here.desk.live(minutes=55)
    assert len(profile.containers) == 1, "ten minutes ahead"
    assert profile.posts == []
    (address,) = profile.fetched
    assert [one.status for one in asked(here)] == [200]
    assert status(address) == 410, "the container is ready: the URL has expired"
    here.desk.live(minutes=10)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED
    (post,) = profile.posts
    assert (post["caption"], post["_files"]) == ("Bonjour", (bytes_of(here, picture),))
    assert len(profile.containers) == 1, "the prepared container is published"
    assert [one.reason for one in asked(here)] == ["", "PERMIT_EXPIRED"]


def test_carousel_is_one_post(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    profile, pictures = here.instagram(), (here.picture(Rating.G), here.picture(Rating.G))
    sent = here.desk.delivery("Deux", channel="instagram", media=pictures, after=60)
    here.desk.live(minutes=5)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED
    (post,) = profile.posts
    assert post["_files"] == tuple(bytes_of(here, one) for one in pictures)


def test_video_is_fetched_during_processing_and_posted_on_time(
    networks: FakePlatforms,
) -> None:
    """Processing takes several polls: the URL is valid until the reel is ready."""
    here = create_connected_creator(networks)
    profile, shown = here.instagram(), add_video(here.desk, seconds=3.5)
    networks.instagram.film_slow = 7
    sent = here.desk.delivery("Un film", channel="instagram", media=(shown,), after=3600)
    here.desk.live(minutes=55)
    (reel,) = profile.containers.values()
    assert (reel.told["media_type"], reel.told["share_to_feed"], reel.polls) == ("REELS", True, 8)
    assert profile.posts == []
    (address,) = profile.fetched
    assert [one.status for one in asked(here)] == [206]
    assert status(address) == 410, "the reel is ready: the URL has expired"
    here.desk.live(minutes=10)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED
    (post,) = profile.posts
    assert (post["caption"], post["_files"]) == ("Un film", (bytes_of(here, shown),))
    assert len(profile.containers) == 1, "the prepared container is published"


def test_lost_video_is_uploaded_again(networks: FakePlatforms) -> None:
    """The post is due at once, so nothing was prepared. The first URL has expired by then; the
    second try has a new one."""
    here = create_connected_creator(networks)
    profile, shown = here.instagram(), add_video(here.desk, seconds=3.5)
    networks.instagram.film_slow, networks.instagram.loses_films = 10, 1
    sent = here.desk.delivery("Encore", channel="instagram", media=(shown,))
    here.desk.live(minutes=10)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED
    assert len(set(profile.fetched)) == len(profile.containers) == 2
    assert [post["_files"] for post in profile.posts] == [(bytes_of(here, shown),)]


def test_refused_video_fails_with_a_reason(
    networks: FakePlatforms, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = create_connected_creator(networks)
    profile, heavy = here.instagram(), add_video(here.desk, seconds=3.5)
    networks.instagram.film_slow = 2
    monkeypatch.setattr(networks.instagram, "most_film", 1000)
    sent = here.desk.delivery("Trop lourd", channel="instagram", media=(heavy,), after=3600)
    here.desk.live(minutes=65)
    assert (here.desk.state(sent), here.desk.why(sent)) == (
        DeliveryState.FAILED,
        "instagram.file_refused",
    )
    assert (len(profile.containers), profile.posts) == (1, [])


def test_too_short_video_is_never_approved(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    profile, short = here.instagram(), add_video(here.desk, seconds=1.0)
    with pytest.raises(BadInput, match=r"limit\.video_short"):
        here.desk.delivery("Trop court", channel="instagram", media=(short,), after=3600)
    here.desk.live(minutes=65)
    assert (profile.containers, profile.fetched, profile.posts) == ({}, [], [])


def test_lost_response_is_found_in_the_list_and_never_resent(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    profile = here.instagram()
    sent = here.desk.delivery(
        "Bonsoir", channel="instagram", media=(here.picture(Rating.G),), after=60
    )
    networks.instagram.book.schedule_fault("reset_after", on="posts")
    here.desk.live(minutes=30)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED
    assert [post["caption"] for post in profile.posts] == ["Bonsoir"]


def test_forbidden_rating_is_never_fetched(networks: FakePlatforms) -> None:
    """Suggestive is on hold for a review and nudity is blocked: Instagram receives neither."""
    here = create_connected_creator(networks)
    profile = here.instagram()
    for rating in (Rating.S, Rating.E):
        sent = here.post("instagram", rating)
        here.desk.live(minutes=2)
        verdict, reasons = here.judged(sent)
        assert (verdict, "RATING_EXCEEDS_SURFACE" in reasons) == (
            "H" if rating is Rating.S else "B",
            True,
        )
    assert (profile.fetched, profile.containers, profile.posts) == ([], {}, [])


def test_post_removal_creates_a_manual_task(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    profile = here.instagram()
    sent = here.desk.delivery(
        "Reste", channel="instagram", media=(here.picture(Rating.G),), after=60
    )
    here.desk.live(minutes=5)
    here.desk.act(post_removal.request_post_removal, sent)
    here.desk.live(minutes=5)
    assert here.desk.state(sent) is not DeliveryState.REMOVED, "its deletion is not confirmed"
    (post,) = profile.posts
    with here.desk.scope() as scope:
        (task,) = tasks.list_due_tasks(scope, creators={here.desk.creator_id})
    assert here.desk.entry(sent).url == task.url == post["permalink"]
    assert task.is_removal
    assert post["caption"].startswith(task.caption.rstrip("…"))
    assert task.caption
    assert task.went_out is not None
    assert task.went_out < here.desk.now()


def test_permalink_is_read_after_a_failed_request(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    profile = here.instagram()
    sent = here.desk.delivery(
        "Adresse", channel="instagram", media=(here.picture(Rating.G),), after=60
    )
    networks.instagram.book.schedule_fault("status:500", on="metrics")
    here.desk.live(minutes=30)
    (post,) = profile.posts
    assert (here.desk.state(sent), here.desk.entry(sent).url) == (
        DeliveryState.PUBLISHED,
        post["permalink"],
    )


def test_post_without_a_public_address_fails_with_a_reason(
    cluster: Cluster, tmp_path: Path
) -> None:
    with outside(cluster, tmp_path, reachable=False) as networks:
        here = create_connected_creator(networks)
        profile = here.instagram()
        sent = here.desk.delivery(
            "Ici", channel="instagram", media=(here.picture(Rating.G),), after=60
        )
        here.desk.live(minutes=5)
        assert here.desk.state(sent) is DeliveryState.FAILED
        assert here.desk.why(sent) == "connectors.no_public_address"
        assert (profile.fetched, profile.containers) == ([], {})


def test_comment_is_received_answered_and_deleted(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    profile, picture = here.instagram(), here.picture(Rating.G)
    here.desk.delivery("Bonjour", channel="instagram", media=(picture,), after=60)
    here.desk.live(minutes=5)
    (post,) = profile.posts
    told = profile.comments.say(post["id"], "c'est où ?", networks.instagram.clock(), by="ann")
    for _ in range(12):
        next(one for one in TICKS if one.name == "remarks").write_rows(here.desk.services.tenant)
        here.desk.live(minutes=1)
    (said,) = list_open_comments(here.desk)
    assert (said.text, said.under) == ("c'est où ?", post["id"])
    answer_comment(here.desk, said, "instagram", "Au lac, au printemps.")
    here.desk.live(minutes=5)
    (mine,) = [one for one in profile.comments.every.values() if one.own]
    assert (mine.text, mine.parent) == ("Au lac, au printemps.", told.id)
    act_on_comment(here.desk, said, "instagram", "delete")
    here.desk.live(minutes=2)
    assert profile.comments.every[told.id].deleted


def commented(here: ConnectedCreator, words: str, **more: Any) -> UUID:
    return here.desk.delivery(
        words,
        channel="instagram",
        media=(here.picture(Rating.G),),
        parts=(ThreadPart(f"{words}, plus bas", comment=True),),
        **more,
    )


def test_first_comment_waits_for_the_post_and_is_sent_once(
    networks: FakePlatforms,
) -> None:
    here = create_connected_creator(networks)
    profile = here.instagram()
    profile.comments_after = 25.0
    sent = commented(here, "Bonjour", after=60)
    here.desk.live(seconds=90)
    assert here.desk.state(sent) is DeliveryState.PARTLY, (
        "the post is live and cannot be commented yet"
    )
    networks.instagram.book.schedule_fault("reset_after", on="posts")
    here.desk.live(minutes=14)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED
    ((post,), (said,)) = profile.posts, profile.comments.every.values()
    assert (said.media, said.text, said.parent) == (post["id"], "Bonjour, plus bas", "")
    with here.desk.scope() as scope:
        ids = [one.native_ids for one in live_copies.list_copies(scope, Subject("delivery", sent))]
    assert ids == [(post["id"],), (f"comment:{said.id}",)]


def test_refused_first_comment_can_be_retried_alone(
    networks: FakePlatforms,
) -> None:
    here = create_connected_creator(networks)
    profile = here.instagram()
    profile.comments_after = 50.0
    sent = commented(here, "Fermé", after=60)
    here.desk.live(seconds=90)
    (post,) = profile.posts
    post["is_comment_enabled"] = False
    here.desk.live(minutes=5)
    assert (here.desk.state(sent), here.desk.why(sent)) == (
        DeliveryState.BROKEN_OFF,
        "connectors.comments_off",
    )
    post["is_comment_enabled"] = True
    here.desk.act(drafts.retry_delivery, sent)
    here.desk.live(minutes=5)
    assert here.desk.state(sent) is DeliveryState.PUBLISHED
    assert (len(profile.posts), len(profile.comments.every)) == (1, 1), (
        "the post was not published again"
    )


def test_first_comment_on_a_deleted_post_fails_at_once(networks: FakePlatforms) -> None:
    here = create_connected_creator(networks)
    profile = here.instagram()
    profile.comments_after = 50.0
    sent = commented(here, "Partie", after=60)
    here.desk.live(seconds=90)
    assert here.desk.state(sent) is DeliveryState.PARTLY, (
        "listed but not commentable yet: the comment waits"
    )
    profile.posts = []
    here.desk.live(minutes=2)
    assert (here.desk.state(sent), here.desk.why(sent)) == (
        DeliveryState.BROKEN_OFF,
        "connectors.comment_post_gone",
    )
    assert profile.comments.every == {}


def test_external_deletion_is_recorded_after_two_lookups(
    networks: FakePlatforms,
) -> None:
    """A deletion counts only while other posts are found and the account is accessible."""
    here = create_connected_creator(networks)
    profile = here.instagram()
    kept = here.desk.delivery("Reste là", channel="instagram", media=(here.picture(Rating.G),))
    gone = commented(here, "Disparaît")
    here.desk.live(minutes=5)
    assert [here.desk.state(one) for one in (kept, gone)] == [
        DeliveryState.PUBLISHED,
        DeliveryState.PUBLISHED,
    ]
    profile.posts = [one for one in profile.posts if one["caption"] != "Disparaît"]
    here.desk.live(minutes=70)
    assert here.desk.state(gone) is DeliveryState.PUBLISHED, "one lookup proves nothing"
    here.desk.live(minutes=70)
    assert (here.desk.state(gone), here.desk.why(gone)) == (
        DeliveryState.REMOVED,
        "delivery.gone_by_nobody",
    )
    assert here.desk.state(kept) is DeliveryState.PUBLISHED
    assert here.desk.notices()[f"delivery:{gone}:gone"] == "delivery.gone_by_nobody"
    with here.desk.scope() as scope:
        left = live_copies.list_copies(scope, Subject("delivery", gone))
        known = scope.run(
            "SELECT count(*) FROM metric_snapshots WHERE delivery_id = :d", d=gone
        ).scalar_one()
    assert all(one.removed_at is not None for one in left), "its comment was removed too"
    assert known > 0, "its metrics remain"


@pytest.mark.parametrize("trouble", ["posts", "account", "outage"])
def test_failed_lookups_prove_no_deletion(networks: FakePlatforms, trouble: str) -> None:
    here = create_connected_creator(networks)
    profile = here.instagram()
    sent = here.desk.delivery("Là", channel="instagram", media=(here.picture(Rating.G),))
    here.desk.live(minutes=5)
    if trouble == "account":
        profile.posts = []
    for _ in range(40):
        if trouble == "account":
            networks.instagram.book.schedule_fault("status:401", on="checks")
        if trouble == "outage":
            networks.instagram.book.schedule_fault("status:503", on="metrics")
        if trouble == "posts":
            networks.instagram.book.schedule_fault("status:404", on="metrics")
    here.desk.live(hours=30)
    networks.instagram.book.clear_faults()
    assert here.desk.state(sent) is DeliveryState.PUBLISHED

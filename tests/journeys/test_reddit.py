"""Reddit from the registration of an application to the removal, on real PostgreSQL and through the
real routes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest

from channels.accounts.states import ChannelState
from channels.connections import destination_settings_check, disconnection
from channels.connections.oauth_flow import OAUTH_RETURN_PATH
from channels.connections.states import AccountSetupState
from foundation.i18n.translation import Message
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from schedules.recurrence import evergreen_pools
from schedules.recurrence.evergreen_pools import PoolSchedule
from tests.conftest import Cluster
from tests.fakes.reddit.server import FakeReddit, Subreddit, reddit
from tests.fakes.sandbox import RunningSandbox, network
from tests.journeys.oauth_accounts import (
    OAuthAccount,
    add_suggestive_picture,
    add_video,
    services_at,
)
from tests.schedules.builders import create_sandbox_agency
from workers.wiring import Services

pytestmark = pytest.mark.heavy


@dataclass
class House(OAuthAccount):
    """Her account on Reddit, and the community she posts to."""

    place: Subreddit


@pytest.fixture(scope="module")
def server() -> Iterator[FakeReddit]:
    with reddit() as running:
        yield running
        assert (running.forbidden, running.unknown) == ([], [])


@pytest.fixture(scope="module")
def services(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, server: FakeReddit
) -> Iterator[Services]:
    home = tmp_path_factory.mktemp("home")
    with services_at(cluster, home, reddit_url=server.url, reddit_auth_url=server.url) as found:
        yield found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as started:
        yield started


@pytest.fixture
def house(services: Services, running: RunningSandbox, server: FakeReddit) -> Iterator[House]:
    made = create_sandbox_agency(services, running)
    server.clock.advance(
        (made.now() - server.clock()).total_seconds()
    )  # earlier tests of this file advanced the clock
    with made.scope() as scope:
        scope.run(
            "UPDATE creators SET rating_ceiling = 'E' WHERE tenant_id = :tenant",
            tenant=made.tenant_id,
        )
    app, tail = (
        server.application(services.settings.dashboard.public_url + OAUTH_RETURN_PATH),
        str(made.tenant_id)[-8:],
    )
    place = server.subreddit(f"lakes{tail}", over18=True)
    form = {
        "client_id": app.client_id,
        "client_secret": app.secret,
        "community": f"https://www.reddit.com/r/{place.name}/",
        "approval": "2026-10-04, ticket 12345",
        "ai": "allowed",
    }
    yield House(made, server, server.account(f"lea{tail}", over18=True), "reddit", form, place)
    server.book.clear_faults()
    server.media_delay, server.media_fails, server.strays_to, server.hides_nsfw = (
        0.0,
        False,
        "",
        False,
    )
    server.oauth.access_lives = timedelta(days=1)
    server.limited_but_made, server.filters, server.hides_sent = False, False, False


def test_disconnected_account_revokes_its_reddit_grant(house: House) -> None:
    assert house.enrol().state == AccountSetupState.CONNECTED
    (grant,) = [one for one in house.server.oauth.refreshes.values() if one.member is house.member]
    house.desk.act(disconnection.request_disconnection, house.channel().id, "Anne")
    house.live(minutes=1)
    stands = house.channel()
    assert (stands.state, stands.token, stands.refresh) == (ChannelState.DISCONNECTED, None, None)
    assert stands.reason == Message("channel.left", {"name": "Anne"})
    assert grant.revoked


def test_destination_check_renews_an_expired_token(house: House) -> None:
    """No reconnection is needed: the grant is still valid, and the next check succeeds."""
    assert house.enrol().state == AccountSetupState.CONNECTED
    house.live(minutes=6)
    before = house.channel()
    house.server.clock.advance(
        timedelta(hours=25).total_seconds()
    )  # our record says that the token is still valid
    house.desk.act(destination_settings_check.request_destination_check, before.id)
    house.live(minutes=1)
    after = house.channel()
    assert (after.state, after.generation) == (ChannelState.ACTIVE, before.generation + 1), (
        after.reason
    )
    assert "seen" in after.options


def test_account_connects_publishes_and_removes(house: House) -> None:
    lea = house.desk
    wish = house.enrol()
    assert wish.state == AccountSetupState.CONNECTED, wish.reason
    channel = house.channel()
    assert (channel.name, channel.surface) == (
        f"r/{house.place.name} (u/{house.member.name})",
        "reddit.over18",
    )
    text = "Bonjour & <3\n\nUne *promenade* au lac."
    post = lea.delivery(text, channel="reddit", after=1200, media=(lea.photo(1), lea.photo(2)))
    house.live(minutes=25)
    assert lea.state(post) is DeliveryState.PUBLISHED
    (shown,) = house.member.posts.values()
    assert (shown.title, shown.body, shown.place) == (
        "Bonjour & <3",
        "Une *promenade* au lac.",
        house.place,
    )
    assert len(shown.media) == 2
    assert lea.entry(post).url.startswith(f"https://www.reddit.com/r/{house.place.name}/comments/")
    lea.act(post_removal.request_post_removal, post)
    house.live(minutes=2)
    assert (lea.state(post), house.member.posts) == (DeliveryState.REMOVED, {})


def test_picture_post_created_later_is_found(house: House) -> None:
    """Reddit returns no post id: it announces the post later, on a separate connection."""
    lea, house.server.media_delay = house.desk, 90.0
    house.enrol()
    post = lea.delivery("une image", channel="reddit", media=(lea.photo(3),))
    lea.run()
    assert lea.state(post) is DeliveryState.PROCESSING
    house.live(minutes=15)
    assert lea.state(post) is DeliveryState.PUBLISHED
    assert lea.entry(post).native_id == next(iter(house.member.posts))
    assert house.texts() == ["une image"]


def test_picture_post_that_never_appears_is_uncertain(house: House) -> None:
    lea, house.server.media_fails = house.desk, True
    house.enrol()
    before = len(house.server.book.list_requests())
    post = lea.delivery("jamais vue", channel="reddit", media=(lea.photo(4),))
    for _ in range(80):
        lea.live(minutes=30)
        house.server.clock.advance(timedelta(minutes=30).total_seconds())
        if lea.state(post) is not DeliveryState.PROCESSING:
            break
    assert (lea.state(post), lea.why(post)) == (DeliveryState.UNCERTAIN, "delivery.never_seen")
    assert sum(one["kind"] == "posts" for one in house.server.book.list_requests()[before:]) == 1


def test_video_needs_a_poster_and_is_published_later(house: House) -> None:
    lea, house.server.media_delay = house.desk, 240.0
    house.enrol()
    alone = lea.delivery("sans affiche", channel="reddit", media=(add_video(lea),))
    house.live(minutes=1)
    assert (lea.state(alone), lea.why(alone)) == (DeliveryState.FAILED, "reddit.film_poster")
    post = lea.delivery("un film", channel="reddit", media=(add_video(lea), lea.photo(50)))
    lea.run()
    assert lea.state(post) is DeliveryState.PROCESSING
    house.live(minutes=15)
    assert lea.state(post) is DeliveryState.PUBLISHED
    (shown,) = house.member.posts.values()
    kinds = [house.server.assets[one].mime for one in shown.media]
    assert (shown.kind, kinds, house.texts()) == ("video", ["video/mp4", "image/jpeg"], ["un film"])
    assert lea.entry(post).native_id == shown.name


@pytest.mark.parametrize("mode", ["reset_after", "status:503_after"])
def test_video_with_a_lost_response_is_looked_up_until_processed(house: House, mode: str) -> None:
    """Reddit processes videos for minutes: two lookups without a result do not justify a second
    post."""
    lea, house.server.media_delay = house.desk, 600.0
    house.enrol()
    house.server.book.schedule_fault(mode, on="posts")
    lost = lea.delivery(
        f"film perdu {mode}", channel="reddit", media=(add_video(lea), lea.photo(51))
    )
    lea.run()
    assert lea.state(lost) is DeliveryState.UNCERTAIN
    house.live(minutes=9)
    assert lea.state(lost) is DeliveryState.UNCERTAIN
    house.live(minutes=12)
    assert lea.state(lost) is DeliveryState.PUBLISHED, lea.why(lost)
    house.live(minutes=40)
    assert house.texts() == [f"film perdu {mode}"]


def test_video_that_never_arrived_is_for_a_member(house: House) -> None:
    """Reddit has no idempotency key, and its lists do not prove that a post is absent."""
    lea, house.server.media_delay = house.desk, 60.0
    house.enrol()
    house.server.book.schedule_fault("reset_before", on="posts")
    lost = lea.delivery(
        "film jamais arrivé", channel="reddit", media=(add_video(lea), lea.photo(52)), late_ok=None
    )
    house.live(minutes=90)
    assert (lea.state(lost), house.texts()) == (DeliveryState.UNCERTAIN, []), lea.why(lost)


@pytest.mark.parametrize(
    ("mode", "state"),
    [("reset_after", DeliveryState.PUBLISHED), ("reset_before", DeliveryState.UNCERTAIN)],
)
def test_lost_response_is_looked_up_and_never_repeated(
    house: House, mode: str, state: DeliveryState
) -> None:
    lea = house.desk
    house.enrol()
    house.server.book.schedule_fault(mode, on="posts")
    lost = lea.delivery(f"perdue {mode}", channel="reddit", title="Un titre")
    lea.run()
    assert lea.state(lost) is DeliveryState.UNCERTAIN
    house.live(minutes=15)
    assert lea.state(lost) is state
    assert house.texts() == [f"Un titre\n\nperdue {mode}"] * (state is DeliveryState.PUBLISHED)


def test_adult_post_is_marked_and_needs_an_adult_community(
    house: House,
) -> None:
    lea = house.desk
    house.enrol()
    post = lea.delivery(
        "Soir",
        channel="reddit",
        media=(add_suggestive_picture(house.desk, 5), add_suggestive_picture(house.desk, 6)),
    )
    house.live(minutes=2)
    assert lea.state(post) is DeliveryState.PUBLISHED, lea.entry(post).reason
    (shown,) = house.member.posts.values()
    assert shown.nsfw
    house.place.over18 = False
    house.live(minutes=12)
    later = lea.delivery(
        "Nuit",
        channel="reddit",
        media=(add_suggestive_picture(house.desk, 7), add_suggestive_picture(house.desk, 8)),
    )
    house.live(minutes=2)
    assert (lea.state(later), lea.why(later)) == (DeliveryState.HELD, "gate.PLATFORM_FORBIDS")
    assert house.texts() == ["Soir"]


def test_community_that_forbids_ai_gets_no_ai_posts(house: House) -> None:
    """Posts made by people are published: the rule applies only to AI content."""
    lea = house.desk
    house.enrol(ai="forbidden")
    by_hand = lea.delivery(
        "Soir",
        channel="reddit",
        media=(add_suggestive_picture(house.desk, 9), add_suggestive_picture(house.desk, 10)),
    )
    house.live(minutes=2)
    assert lea.state(by_hand) is DeliveryState.PUBLISHED
    house.live(minutes=12)
    made = lea.delivery(
        "Soir, fait par une IA",
        channel="reddit",
        media=(add_suggestive_picture(house.desk, 11),),
        text_ai="generated",
    )
    house.live(minutes=2)
    assert (lea.state(made), lea.why(made)) == (DeliveryState.HELD, "gate.PLATFORM_FORBIDS")


def test_changed_rules_hold_all_but_general_posts(
    house: House,
) -> None:
    lea = house.desk
    house.enrol()
    house.place.rules = [
        {"short_name": "No hats", "description": "None.", "kind": "link", "priority": 0}
    ]
    post = lea.delivery("Soir", channel="reddit", media=(add_suggestive_picture(house.desk, 12),))
    house.live(minutes=2)
    assert (lea.state(post), lea.why(post)) == (DeliveryState.HELD, "gate.PLATFORM_FORBIDS")
    general = lea.delivery("Midi", channel="reddit")
    house.live(minutes=2)
    assert lea.state(general) is DeliveryState.PUBLISHED


def test_minimum_interval_of_the_community_is_kept(house: House) -> None:
    lea = house.desk
    house.enrol()
    house.place.posting_every = 900.0
    posts = [lea.delivery(f"billet {n}", channel="reddit") for n in range(2)]
    house.live(minutes=12)  # our interval is ten minutes, which this community refuses
    assert [lea.state(post) for post in posts] == [
        DeliveryState.PUBLISHED,
        DeliveryState.SCHEDULED,
    ], lea.why(posts[1])
    assert lea.why(posts[1]) == "connectors.rate_limited"
    house.live(minutes=10)
    assert [lea.state(post) for post in posts] == [DeliveryState.PUBLISHED] * 2
    assert house.texts() == ["billet 0", "billet 1"]


def test_rate_limit_notice_with_a_post_is_no_refusal(house: House) -> None:
    """Other Reddit clients read it as a refusal and posted twice."""
    lea, house.server.limited_but_made = house.desk, True
    house.enrol()
    post = lea.delivery("une seule fois", channel="reddit")
    house.live(minutes=2)
    assert lea.state(post) is DeliveryState.PUBLISHED
    house.live(minutes=20)
    assert house.texts() == ["une seule fois"]


def test_required_flair_is_requested_and_set(house: House) -> None:
    news, mods = str(uuid4()), str(uuid4())
    house.place.flair_required = True
    house.place.flairs = [
        {"id": news, "text": "News", "text_editable": False, "mod_only": False},
        {"id": mods, "text": "Mods", "text_editable": False, "mod_only": True},
    ]
    wish = house.enrol()
    assert (wish.state, wish.reason) == (
        AccountSetupState.REFUSED,
        Message("reddit.flair_unknown", {"flairs": "News"}),
    )
    assert house.enrol(flair="news").state == AccountSetupState.CONNECTED
    post = house.desk.delivery("avec son flair", channel="reddit")
    house.live(minutes=2)
    assert house.desk.state(post) is DeliveryState.PUBLISHED
    (shown,) = house.member.posts.values()
    assert shown.flair_id == news


def test_account_that_hides_adult_content_is_refused(house: House) -> None:
    house.member.over18 = False
    wish = house.enrol()
    assert (wish.state, wish.reason) == (AccountSetupState.REFUSED, Message("reddit.adults_hidden"))


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"community": "nobody here !"}, "reddit.no_community"),
        ({"approval": ""}, "reddit.no_approval"),
        ({"ai": ""}, "reddit.ai_unsaid"),
    ],
)
def test_invalid_form_is_refused_before_authorization(
    house: House, typed: dict[str, str], why: str
) -> None:
    wish = house.ask(**typed)
    assert (wish.state, wish.reason and wish.reason.code) == (AccountSetupState.REFUSED, why)


def test_unknown_community_is_refused(house: House) -> None:
    wish = house.enrol(community="r/nowhere_at_all")
    assert (wish.state, wish.reason) == (AccountSetupState.REFUSED, Message("reddit.no_community"))


def test_suspended_account_is_gone(house: House) -> None:
    house.enrol()
    house.member.suspended = True
    post = house.desk.delivery("de nulle part", channel="reddit")
    house.live(minutes=1)
    assert house.channel().state == ChannelState.GONE
    assert house.desk.state(post) is DeliveryState.HELD


def test_tokens_are_renewed_with_the_same_refresh_token(house: House) -> None:
    house.server.oauth.access_lives = timedelta(hours=2)
    house.enrol()
    first = house.channel().generation
    house.live(hours=3)
    assert house.channel().state == ChannelState.ACTIVE
    assert house.channel().generation > first
    post = house.desk.delivery("un jour après", channel="reddit")
    house.live(minutes=1)
    assert house.desk.state(post) is DeliveryState.PUBLISHED


@pytest.mark.parametrize("address", ["//evil.example/store", "http://169.254.169.254/latest"])
def test_upload_to_a_foreign_host_fails(house: House, address: str) -> None:
    house.enrol()
    house.server.strays_to = address
    post = house.desk.delivery(
        f"ailleurs {len(address)}", channel="reddit", media=(house.desk.photo(40),)
    )
    house.live(minutes=2)
    assert house.desk.state(post) is DeliveryState.FAILED
    assert house.texts() == []


def test_only_the_profile_of_the_account_is_a_community(house: House) -> None:
    other = house.server.account(f"max{str(house.desk.tenant_id)[-8:]}", over18=True)
    wish = house.enrol(community=f"u/{other.name}")
    assert (wish.state, wish.reason) == (
        AccountSetupState.REFUSED,
        Message("reddit.community_closed"),
    )
    assert house.enrol(community=f"u/{house.member.name}").state == AccountSetupState.CONNECTED
    post = house.desk.delivery("chez moi", channel="reddit")
    house.live(minutes=2)
    assert house.desk.state(post) is DeliveryState.PUBLISHED
    house.place.type = "restricted"
    wish = house.enrol()
    assert (wish.state, wish.reason) == (
        AccountSetupState.REFUSED,
        Message("reddit.community_closed"),
    )
    house.place.approved = {house.member.name}
    assert house.enrol().state == AccountSetupState.CONNECTED


def test_post_hidden_from_lists_is_not_resent(house: House) -> None:
    """Reddit hides adult posts from some applications. Then the delivery remains uncertain for a
    member to settle."""
    lea, house.server.hides_nsfw = house.desk, True
    house.enrol()
    house.server.book.schedule_fault("reset_after", on="posts")
    lost = lea.delivery(
        "cachée",
        channel="reddit",
        media=(add_suggestive_picture(lea, 20), add_suggestive_picture(lea, 21)),
    )
    house.live(minutes=30)
    assert lea.state(lost) is DeliveryState.UNCERTAIN
    assert house.texts() == ["cachée"]


def test_post_removed_by_moderators_is_dropped_from_evergreen(house: House) -> None:
    """A post held by a filter may still be approved: it creates no notice."""
    house.enrol()
    sent = house.desk.delivery("A first look", channel="reddit")
    held = house.desk.delivery("A second look", channel="reddit")
    house.desk.live(minutes=30)
    assert [house.desk.state(one) for one in (sent, held)] == [
        DeliveryState.PUBLISHED,
        DeliveryState.PUBLISHED,
    ]
    for one in house.member.posts.values():
        one.removed = "moderator" if one.title.startswith("A first") else "automod_filtered"
    with house.desk.scope() as scope:
        rhythm = PoolSchedule(
            (house.desk.channels["reddit"],), timedelta(days=60), timedelta(days=7)
        )
        pool_id = evergreen_pools.save_pool(scope, house.desk.creator_id, rhythm)
        evergreen_pools.add_post_to_pool(scope, house.desk.entry(sent).post_id)
    house.desk.live(hours=3)
    assert (house.desk.state(sent), house.desk.why(sent)) == (
        DeliveryState.REMOVED,
        "delivery.gone_by_rules",
    )
    assert house.desk.state(held) is DeliveryState.PUBLISHED
    with house.desk.scope() as scope:
        assert [one.taken_out for one in evergreen_pools.list_pool_entries(scope, pool_id)] == [
            True
        ]

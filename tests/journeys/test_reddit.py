"""Reddit from an application's registration to the removal, on real PostgreSQL, through the house's
own routes."""

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
    )  # other houses of this file have lived
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


def test_who_disconnects_the_account_ends_what_reddit_was_allowed(house: House) -> None:
    assert house.enrol().state == AccountSetupState.CONNECTED
    (grant,) = [one for one in house.server.oauth.refreshes.values() if one.member is house.member]
    house.desk.act(disconnection.request_disconnection, house.channel().id, "Anne")
    house.live(minutes=1)
    stands = house.channel()
    assert (stands.state, stands.token, stands.refresh) == (ChannelState.DISCONNECTED, None, None)
    assert stands.reason == Message("channel.left", {"name": "Anne"})
    assert grant.revoked


def test_a_look_at_the_community_with_a_token_that_ended_renews_it(house: House) -> None:
    """It is nobody's to connect again: what Reddit let in lives on, and the next look sees."""
    assert house.enrol().state == AccountSetupState.CONNECTED
    house.live(minutes=6)
    before = house.channel()
    house.server.clock.advance(
        timedelta(hours=25).total_seconds()
    )  # ours believe that it lives for a while
    house.desk.act(destination_settings_check.request_destination_check, before.id)
    house.live(minutes=1)
    after = house.channel()
    assert (after.state, after.generation) == (ChannelState.ACTIVE, before.generation + 1), (
        after.reason
    )
    assert "seen" in after.options


def test_from_the_application_to_the_removal(house: House) -> None:
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


def test_one_picture_is_made_later_and_found(house: House) -> None:
    """Reddit names no post: it says on a line of its own, later, that it made one."""
    lea, house.server.media_delay = house.desk, 90.0
    house.enrol()
    post = lea.delivery("une image", channel="reddit", media=(lea.photo(3),))
    lea.run()
    assert lea.state(post) is DeliveryState.PROCESSING
    house.live(minutes=15)
    assert lea.state(post) is DeliveryState.PUBLISHED
    assert lea.entry(post).native_id == next(iter(house.member.posts))
    assert house.texts() == ["une image"]


def test_a_picture_that_never_becomes_a_post_is_somebodys_to_look_at(house: House) -> None:
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


def test_a_film_is_made_later_and_begins_with_its_poster(house: House) -> None:
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
def test_a_film_whose_answer_is_lost_is_looked_for_until_it_would_be_there(
    house: House, mode: str
) -> None:
    """Reddit works on it for minutes: two looks that see nothing are no reason to post it again."""
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


@pytest.mark.parametrize("late", [None, timedelta(minutes=20)])
def test_a_film_that_reddit_never_got_is_posted_once_that_is_sure(
    house: House, late: timedelta | None
) -> None:
    lea, house.server.media_delay = house.desk, 60.0
    house.enrol()
    house.server.book.schedule_fault("reset_before", on="posts")
    lost = lea.delivery(
        "film jamais arrivé", channel="reddit", media=(add_video(lea), lea.photo(52)), late_ok=late
    )
    house.live(minutes=60)
    expected = (
        (DeliveryState.PUBLISHED, ["film jamais arrivé"])
        if late is None
        else (DeliveryState.HELD, [])
    )
    assert (lea.state(lost), house.texts()) == expected, lea.why(lost)


def test_each_lost_answer_to_a_film_is_given_its_time(house: House) -> None:
    """The second is looked for as long as the first: it counts from when it was sent, not from when
    the first was."""
    lea, house.server.media_delay = house.desk, 600.0
    house.enrol()
    for mode in ("reset_before", "reset_after"):
        house.server.book.schedule_fault(mode, on="posts")
    lost = lea.delivery(
        "perdu deux fois", channel="reddit", media=(add_video(lea), lea.photo(53)), late_ok=None
    )
    house.live(minutes=90)
    assert (lea.state(lost), house.texts()) == (DeliveryState.PUBLISHED, ["perdu deux fois"])


@pytest.mark.parametrize("mode", ["reset_after", "reset_before"])
def test_a_lost_answer_is_looked_up_and_nothing_is_posted_twice(house: House, mode: str) -> None:
    lea = house.desk
    house.enrol()
    house.server.book.schedule_fault(mode, on="posts")
    lost = lea.delivery(f"perdue {mode}", channel="reddit", title="Un titre")
    lea.run()
    assert lea.state(lost) is DeliveryState.UNCERTAIN
    house.live(minutes=15)
    assert lea.state(lost) is DeliveryState.PUBLISHED
    assert house.texts() == [f"Un titre\n\nperdue {mode}"]


def test_what_is_for_adults_is_marked_and_goes_to_communities_for_adults_alone(
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


def test_a_community_that_takes_nothing_from_machines_gets_nothing(house: House) -> None:
    """What a person made still goes there: what somebody read in the rules is asked of what a
    machine made alone."""
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


def test_rules_that_change_hold_what_is_more_than_general_until_somebody_reads_them(
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


def test_a_community_that_wants_distance_is_waited_for(house: House) -> None:
    lea = house.desk
    house.enrol()
    house.place.posting_every = 900.0
    posts = [lea.delivery(f"billet {n}", channel="reddit") for n in range(2)]
    house.live(minutes=12)  # ten minutes apart as we do, which this community finds too close
    assert [lea.state(post) for post in posts] == [
        DeliveryState.PUBLISHED,
        DeliveryState.SCHEDULED,
    ], lea.why(posts[1])
    assert lea.why(posts[1]) == "connectors.rate_limited"
    house.live(minutes=10)
    assert [lea.state(post) for post in posts] == [DeliveryState.PUBLISHED] * 2
    assert house.texts() == ["billet 0", "billet 1"]


def test_a_limit_that_is_told_with_a_post_is_no_refusal(house: House) -> None:
    """Clients of Reddit took that for one, and posted twice."""
    lea, house.server.limited_but_made = house.desk, True
    house.enrol()
    post = lea.delivery("une seule fois", channel="reddit")
    house.live(minutes=2)
    assert lea.state(post) is DeliveryState.PUBLISHED
    house.live(minutes=20)
    assert house.texts() == ["une seule fois"]


def test_a_flair_that_a_community_asks_for_is_named_and_borne(house: House) -> None:
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


def test_whoever_keeps_adult_things_hidden_is_told_before(house: House) -> None:
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
def test_what_is_typed_wrong_is_told_before_anybody_says_yes(
    house: House, typed: dict[str, str], why: str
) -> None:
    wish = house.ask(**typed)
    assert (wish.state, wish.reason and wish.reason.code) == (AccountSetupState.REFUSED, why)


def test_a_community_that_is_not_there_is_told(house: House) -> None:
    wish = house.enrol(community="r/nowhere_at_all")
    assert (wish.state, wish.reason) == (AccountSetupState.REFUSED, Message("reddit.no_community"))


def test_an_account_that_is_suspended_is_gone(house: House) -> None:
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
def test_a_picture_goes_to_nobody_elses_store(house: House, address: str) -> None:
    house.enrol()
    house.server.strays_to = address
    post = house.desk.delivery(
        f"ailleurs {len(address)}", channel="reddit", media=(house.desk.photo(40),)
    )
    house.live(minutes=2)
    assert house.desk.state(post) is DeliveryState.FAILED
    assert house.texts() == []


def test_ones_own_page_is_a_community_and_nobody_elses_is(house: House) -> None:
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


def test_what_lists_do_not_show_is_not_posted_twice(house: House) -> None:
    """Reddit keeps what is for adults from some applications: then nobody can tell, and a person is
    asked."""
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


def test_what_moderators_removed_is_told_with_their_word_and_repeats_no_more(house: House) -> None:
    """What a filter holds back may be let through yet: nobody is told anything of that."""
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

"""Fanvue from the registration of an application to the removal of a post, on real PostgreSQL and
through the real routes."""

import pytest

from channels.accounts.states import ChannelState
from channels.connections.states import AccountSetupState
from foundation.i18n.translation import Message
from foundation.money import Money
from schedules.posts.channel_overrides import ChannelOverride
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from tenants.notices import notices
from tests.journeys.oauth_accounts import OAuthAccount, add_video

pytestmark = pytest.mark.heavy


def test_account_connects_publishes_and_removes(house: OAuthAccount) -> None:
    lea = house.desk
    wish = house.enrol()
    assert wish.state == AccountSetupState.CONNECTED, wish.reason
    assert (house.channel().account, house.channel().name) == (
        house.member.id,
        f"@{house.member.username}",
    )
    house.server.slow = 5
    post = lea.delivery(
        "Bonjour 👩‍👩‍👧‍👦", channel="fanvue", after=1200, media=(lea.photo(1), lea.photo(2))
    )
    house.live(minutes=25)
    assert lea.state(post) is DeliveryState.PUBLISHED
    (shown,) = house.member.posts.values()
    assert (shown.text, len(shown.media), shown.audience) == (
        "Bonjour 👩‍👩‍👧‍👦",
        2,
        "followers-and-subscribers",
    )
    lea.act(post_removal.request_post_removal, post)
    house.live(minutes=2)
    assert lea.state(post) is DeliveryState.REMOVED
    assert house.member.posts == {}


@pytest.mark.parametrize("mode", ["", "reset_after", "reset_before"])
def test_paid_post_is_published_once_at_its_price(house: OAuthAccount, mode: str) -> None:
    lea = house.desk
    house.enrol()
    if mode:
        house.server.book.schedule_fault(mode, on="posts")
    asks = (ChannelOverride("fanvue", price=Money(1200, "USD")),)
    post_id = lea.write("réservée", media=(lea.photo(60 + len(mode)),), others=asks)
    post = lea.wish(post_id, "fanvue")
    lea.approve(post_id)
    house.live(minutes=20)
    if mode == "reset_before":  # Fanvue has no key, and its lists prove nothing.
        assert (lea.state(post), house.texts()) == (DeliveryState.UNCERTAIN, [])
        return
    assert lea.state(post) is DeliveryState.PUBLISHED
    assert [(one.text, one.price, len(one.media)) for one in house.member.posts.values()] == [
        ("réservée", 1200, 1)
    ]
    assert [text for _, text in house.member.taken] == ["réservée"]


def test_no_upload_address_is_stored_readably(house: OAuthAccount) -> None:
    lea = house.desk
    house.enrol()
    post = lea.delivery("une image", channel="fanvue", media=(lea.photo(3),))
    house.live(minutes=1)
    assert lea.state(post) is DeliveryState.PUBLISHED
    with lea.scope() as scope:
        kept = scope.run("SELECT string_agg(to_jsonb(a)::text, '') FROM attempts a").scalar_one()
    assert "/store/" not in kept
    assert "stage:put:" in kept


def test_tokens_are_renewed_early_and_refresh_tokens_used_once(house: OAuthAccount) -> None:
    house.enrol()
    house.live(hours=3)
    shown = [one for one in house.server.oauth.refreshes.values() if one.member is house.member]
    assert len(shown) >= 3
    assert [one.used for one in shown] == [True] * (len(shown) - 1) + [False]
    assert house.channel().state == ChannelState.ACTIVE


@pytest.mark.parametrize("mode", ["reset_after", "reset_before", "status:503_after"])
def test_lost_response_is_looked_up_and_never_repeated(house: OAuthAccount, mode: str) -> None:
    lea = house.desk
    house.enrol()
    house.server.book.schedule_fault(mode, on="posts")
    lost = lea.delivery(f"perdue {mode}", channel="fanvue", media=(lea.photo(4 + len(mode)),))
    lea.run()
    assert lea.state(lost) is DeliveryState.UNCERTAIN
    house.live(minutes=20)
    arrived = mode != "reset_before"
    assert lea.state(lost) is (DeliveryState.PUBLISHED if arrived else DeliveryState.UNCERTAIN)
    assert house.texts() == [f"perdue {mode}"] * arrived


@pytest.mark.parametrize("mode", ["reset_after", "status:503", "hang"])
def test_failed_uploads_are_repeated_and_posted_once(house: OAuthAccount, mode: str) -> None:
    lea = house.desk
    house.enrol()
    house.server.book.schedule_fault(mode, on="files", times=2, seconds=1)
    post = lea.delivery(
        f"image {mode}", channel="fanvue", after=60, media=(lea.photo(20 + len(mode)),)
    )
    house.live(minutes=8)
    assert lea.state(post) is DeliveryState.PUBLISHED
    assert house.texts() == [f"image {mode}"]


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/put", "http://127.0.0.1:9/put", "https://[::1", "", "x" * 9000],
)
def test_upload_to_a_foreign_host_fails_with_a_reason(house: OAuthAccount, address: str) -> None:
    lea = house.desk
    house.enrol()
    house.server.strays_to = address or " "
    post = lea.delivery(
        f"ailleurs {len(address)}", channel="fanvue", media=(lea.photo(40 + len(address) % 50),)
    )
    house.live(minutes=2)
    assert lea.state(post) is DeliveryState.FAILED
    assert lea.entry(post).reason == Message("connectors.address_elsewhere")
    assert house.texts() == []


def test_account_of_a_fan_is_refused(house: OAuthAccount) -> None:
    house.member.state = "fan"
    wish = house.enrol()
    assert (wish.state, wish.reason) == (AccountSetupState.REFUSED, Message("fanvue.no_creator"))


def test_retired_api_version_delays_posts_and_notifies(house: OAuthAccount) -> None:
    house.enrol()
    house.server.retired = True
    posts = [
        house.desk.delivery(f"trop tôt pour cette version {n}", channel="fanvue") for n in range(2)
    ]
    before = len(house.server.book.list_requests())
    house.live(minutes=5)
    assert [house.desk.state(one) for one in posts] == [DeliveryState.SCHEDULED] * 2
    assert house.desk.entry(posts[0]).reason == Message("fanvue.version")
    assert len(house.server.book.list_requests()) - before <= 4, (
        "posts of a retired version send no requests"
    )
    with house.desk.scope() as scope:
        assert notices.has_been_notified(scope, "stopped:fanvue")
    house.server.retired = False
    house.live(minutes=15)
    assert [house.desk.state(one) for one in posts] == [DeliveryState.PUBLISHED] * 2
    with house.desk.scope() as scope:
        assert not notices.list_open_causes(scope, "stopped:")


def test_revoked_authorization_requires_reconnection(house: OAuthAccount) -> None:
    house.enrol()
    house.live(minutes=10)
    house.server.revoke(house.member)
    post = house.desk.delivery("sans accord", channel="fanvue")
    house.live(minutes=2)
    assert house.channel().state == ChannelState.REAUTHORIZE
    assert house.desk.state(post) in (DeliveryState.HELD, DeliveryState.SCHEDULED)
    house.enrol()
    house.live(minutes=2)
    assert house.desk.state(post) is DeliveryState.PUBLISHED


def test_video_is_published(house: OAuthAccount) -> None:
    house.enrol()
    house.server.slow = 4
    post = house.desk.delivery("un film", channel="fanvue", media=(add_video(house.desk),))
    house.live(minutes=5)
    assert house.desk.state(post) is DeliveryState.PUBLISHED
    (shown,) = house.member.posts.values()
    assert [one.kind for one in shown.media] == ["video"]

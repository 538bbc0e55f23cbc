"""TikTok from the registration of an application to the metrics, on real PostgreSQL and through the
real routes."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from channels.accounts.states import ChannelState
from channels.connections.oauth_flow import OAUTH_RETURN_PATH
from channels.connections.states import AccountSetupState
from channels.manual_tasks import tasks
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from schedules.approvals.time_changes import expedite_delivery
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from tests.conftest import Cluster
from tests.fakes.sandbox import RunningSandbox, network
from tests.fakes.tiktok.server import FakeTikTok, tiktok
from tests.journeys.oauth_accounts import OAuthAccount, add_video, services_at
from tests.schedules.builders import create_sandbox_agency
from workers.cli.platforms import disconnection
from workers.wiring import Services

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def server() -> Iterator[FakeTikTok]:
    with tiktok() as running:
        yield running
        assert running.broken == []


@pytest.fixture(scope="module")
def services(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, server: FakeTikTok
) -> Iterator[Services]:
    home, url = tmp_path_factory.mktemp("home"), server.url
    with services_at(cluster, home, tiktok_url=url, tiktok_pages_url=url) as found:
        yield found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as started:
        yield started


@pytest.fixture
def house(
    services: Services, running: RunningSandbox, server: FakeTikTok
) -> Iterator[OAuthAccount]:
    made = create_sandbox_agency(services, running)
    server.clock.advance(
        (made.now() - server.clock()).total_seconds()
    )  # earlier tests of this file advanced the clock
    app = server.application(services.settings.dashboard.public_url + OAUTH_RETURN_PATH)
    form = {
        "client_id": app.client_key,
        "client_secret": app.client_secret,
        "readers": "PUBLIC_TO_EVERYONE",
    }
    yield OAuthAccount(
        made, server, server.account(f"lea{str(made.tenant_id)[-8:]}"), "tiktok", form
    )
    server.book.clear_faults()
    server.processing_seconds, server.moderation_seconds = 0.0, 0.0
    server.audited, server.people_per_day, server.strays_to = True, 5, ""


def post(house: OAuthAccount, words: str, *, after: float = 0) -> UUID:
    return house.desk.delivery(words, channel="tiktok", after=after, media=(add_video(house.desk),))


def test_account_connects_and_publishes(house: OAuthAccount) -> None:
    lea = house.desk
    wish = house.enrol()
    assert wish.state == AccountSetupState.CONNECTED, wish.reason
    assert house.channel().account == f"{house.member.open_id}#PUBLIC_TO_EVERYONE"
    planned = post(house, "Au bord de l’eau.", after=1200)
    house.live(minutes=15)
    assert house.member.taken == [], "the upload before its time is not visible"
    house.live(minutes=10)
    assert lea.state(planned) is DeliveryState.PUBLISHED, lea.why(planned)
    assert house.texts() == ["Au bord de l’eau."]
    assert lea.entry(planned).url.startswith("https://www.tiktok.com/@")
    lea.act(post_removal.request_post_removal, planned)
    house.live(minutes=2)
    assert lea.state(planned) is DeliveryState.REMOVING, (
        "a member deletes it: TikTok has no API for it"
    )


def test_disconnected_account_revokes_its_tiktok_grant(
    house: OAuthAccount, running: RunningSandbox
) -> None:
    create_sandbox_agency(
        house.desk.services, running
    )  # another agency with a sandbox account that is called "main" too
    assert house.enrol().state == AccountSetupState.CONNECTED
    (grant,) = [
        one.grant for one in house.server.oauth.tokens.values() if one.member is house.member
    ]
    post(house, "Plus tard.", after=7200)
    services, name = house.desk.services, house.channel().account.upper()
    told = disconnection.queue_disconnection(services, name, agency="", sure=False)
    assert (told.code, told.params["posts"]) == ("cli.channel.would_leave", 1)
    house.live(minutes=1)
    assert house.channel().state == ChannelState.ACTIVE
    assert (
        disconnection.queue_disconnection(services, name, agency="", sure=True).code
        == "channels.leaving"
    )
    assert (
        disconnection.queue_disconnection(services, name, agency="", sure=True).code
        == "channel.is_leaving"
    )
    house.live(minutes=1)
    stands = house.channel()
    assert (stands.state, stands.token, stands.refresh) == (ChannelState.DISCONNECTED, None, None)
    assert stands.reason == Message("channel.left", {"name": disconnection.DISCONNECTED_BY})
    assert grant.revoked
    assert (
        disconnection.queue_disconnection(services, name, agency="", sure=False).code
        == "channel.is_disconnected"
    )
    for unknown, agency in (("nobody", ""), (name, "another agency")):
        with pytest.raises(NotFound):
            disconnection.queue_disconnection(services, unknown, agency=agency, sure=True)
    with pytest.raises(BadInput, match="several"):
        disconnection.queue_disconnection(services, "main", agency="", sure=True)


@pytest.mark.parametrize(
    "mode", ["reset_after", "reset_before", "accept_then_hang", "status:503_after"]
)
def test_lost_response_is_never_repeated(house: OAuthAccount, mode: str) -> None:
    house.enrol()
    house.server.book.schedule_fault(mode, on="posts", seconds=3.0)
    lost = post(house, f"perdu {mode}")
    house.live(minutes=13)
    arrived = mode != "reset_before"
    state = DeliveryState.PUBLISHED if arrived else DeliveryState.UNCERTAIN
    assert house.desk.state(lost) is state, house.desk.why(lost)
    assert len(house.member.taken) == arrived


@pytest.mark.parametrize("mode", ["reset_after", "status:503"])
def test_interrupted_upload_resumes(house: OAuthAccount, mode: str) -> None:
    house.enrol()
    house.server.book.schedule_fault(mode, on="files", times=1)
    sent = post(house, f"coupé {mode}", after=60)
    house.live(minutes=5)
    assert house.desk.state(sent) is DeliveryState.PUBLISHED, house.desk.why(sent)
    assert len(house.member.taken) == 1


def test_video_is_published_after_processing(house: OAuthAccount) -> None:
    house.server.processing_seconds = 240.0
    house.enrol()
    sent = post(house, "lent")
    house.live(minutes=2)
    assert house.desk.state(sent) is DeliveryState.PROCESSING
    house.live(minutes=8)
    assert house.desk.state(sent) is DeliveryState.PUBLISHED
    assert len(house.member.taken) == 1


def test_moderated_video_gets_its_url_when_public(house: OAuthAccount) -> None:
    house.server.moderation_seconds = 5400.0
    house.enrol()
    sent = post(house, "examiné")
    house.live(minutes=5)
    assert house.desk.state(sent) is DeliveryState.PUBLISHED
    assert not house.desk.entry(sent).url
    house.live(hours=5)
    entry = house.desk.entry(sent)
    assert (entry.url or "").startswith("https://www.tiktok.com/@")
    assert (entry.native_id or "").isdigit(), "later lookups use its id"
    house.desk.act(post_removal.request_post_removal, sent)
    house.live(minutes=2)
    with house.desk.scope() as scope:
        (task,) = tasks.list_due_tasks(scope, creators={house.desk.creator_id})
    assert (task.caption, task.url) == ("examiné", entry.url)


def test_hidden_video_notifies_after_two_lookups(house: OAuthAccount) -> None:
    """TikTok reports a hidden video like a deleted one, so the live copy must remain recallable."""
    house.enrol()
    kept, hidden = post(house, "Reste là"), post(house, "Disparaît")
    house.live(minutes=5)
    native_id = house.desk.entry(hidden).native_id
    assert native_id is not None
    house.server.takes_down(house.member, native_id)
    house.live(minutes=70)
    assert f"delivery:{hidden}:gone" not in house.desk.notices(), "one lookup proves nothing"
    house.live(minutes=70)
    assert house.desk.notices()[f"delivery:{hidden}:gone"] == "delivery.hidden_there"
    assert f"delivery:{kept}:gone" not in house.desk.notices()
    assert [house.desk.state(one) for one in (kept, hidden)] == [
        DeliveryState.PUBLISHED,
        DeliveryState.PUBLISHED,
    ]


@pytest.mark.parametrize("lost", [False, True])
def test_video_refused_after_upload_fails_at_once(house: OAuthAccount, *, lost: bool) -> None:
    """Also if the response to its last part was lost; rescheduled, it is uploaded again."""
    house.enrol()
    house.server.fails("frame_rate_check_failed")
    if lost:
        house.server.book.schedule_fault("reset_after", on="posts")
    sent = post(house, "refusé")
    house.live(minutes=3)
    assert (house.desk.state(sent), house.desk.why(sent)) == (
        DeliveryState.FAILED,
        "tiktok.film_refused",
    )
    assert house.member.taken == []
    house.desk.act(expedite_delivery, sent)
    house.live(minutes=4)
    assert house.desk.state(sent) is DeliveryState.PUBLISHED, house.desk.why(sent)
    assert len(house.member.taken) == 1


def test_internal_error_is_retried_later(house: OAuthAccount) -> None:
    house.enrol()
    house.server.fails("internal")
    sent = post(house, "panne")
    house.live(minutes=4)
    assert (house.desk.state(sent), house.member.taken) == (DeliveryState.SCHEDULED, [])
    assert house.desk.why(sent) == "tiktok.film_refused"
    house.live(minutes=14)
    assert house.desk.state(sent) is DeliveryState.PUBLISHED, house.desk.why(sent)
    assert len(house.member.taken) == 1


def test_second_internal_error_fails_the_delivery(house: OAuthAccount) -> None:
    house.enrol()
    house.server.fails("internal")
    house.server.fails("internal")
    sent = post(house, "panne encore")
    house.live(minutes=30)
    assert (house.desk.state(sent), house.desk.why(sent)) == (
        DeliveryState.FAILED,
        "tiktok.film_refused",
    )
    assert house.member.taken == []


def test_upload_to_a_foreign_host_fails_with_a_reason(house: OAuthAccount) -> None:
    house.enrol()
    house.server.strays_to = "https://evil.example/upload"
    sent = post(house, "ailleurs")
    house.live(minutes=2)
    assert (house.desk.state(sent), house.desk.why(sent)) == (
        DeliveryState.FAILED,
        "connectors.address_elsewhere",
    )
    assert house.member.taken == []


def test_unaudited_application_fails_the_delivery(house: OAuthAccount) -> None:
    house.server.audited, house.server.people_per_day = False, 100
    assert house.enrol().state == AccountSetupState.CONNECTED
    sent = post(house, "trop tôt")
    house.live(minutes=2)
    assert (house.desk.state(sent), house.desk.why(sent)) == (
        DeliveryState.FAILED,
        "tiktok.unaudited",
    )
    assert house.member.taken == []


def test_exhausted_application_holds_posts_that_cannot_wait(house: OAuthAccount) -> None:
    house.enrol()
    house.server.audited, house.server.people_per_day, house.member.private = False, 0, True
    sent = post(house, "demain")
    house.live(minutes=2)
    assert (house.desk.state(sent), house.desk.why(sent)) == (
        DeliveryState.HELD,
        "delivery.too_late",
    )
    assert house.desk.attempts(sent)[-1].detail == Message("tiktok.people_used_up")
    assert house.member.taken == []


def test_public_account_cannot_post_to_followers_only(house: OAuthAccount) -> None:
    wish = house.enrol(readers="FOLLOWER_OF_CREATOR")
    assert (wish.state, wish.reason) == (
        AccountSetupState.REFUSED,
        Message("tiktok.not_these_readers"),
    )


def test_tokens_are_renewed_and_each_refresh_token_works_once(house: OAuthAccount) -> None:
    house.enrol()
    first = house.channel().generation
    house.live(hours=3)
    assert house.channel().state == ChannelState.ACTIVE
    assert house.channel().generation > first
    sent = post(house, "trois heures après")
    house.live(minutes=2)
    assert house.desk.state(sent) is DeliveryState.PUBLISHED


def test_revoked_authorization_requires_reconnection(house: OAuthAccount) -> None:
    house.enrol()
    house.server.revoke(house.member)
    sent = post(house, "fermé")
    house.live(minutes=2)
    assert house.desk.state(sent) is DeliveryState.HELD
    assert house.channel().state == ChannelState.REAUTHORIZE

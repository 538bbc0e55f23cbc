"""YouTube from the registration of an application to the removal, on real PostgreSQL and through
the real routes."""

from collections.abc import Iterator

import pytest

from channels.accounts.states import ChannelState
from channels.connections.oauth_flow import OAUTH_RETURN_PATH
from channels.connections.states import AccountSetupState
from foundation.i18n.translation import Message
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from tests.conftest import Cluster
from tests.fakes.sandbox import RunningSandbox, network
from tests.fakes.youtube.server import FakeYouTube, youtube
from tests.journeys.oauth_accounts import OAuthAccount, add_video, services_at
from tests.schedules.builders import create_sandbox_agency
from workers.wiring import Services

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def server() -> Iterator[FakeYouTube]:
    with youtube() as running:
        yield running
        assert running.forbidden == []


@pytest.fixture(scope="module")
def services(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, server: FakeYouTube
) -> Iterator[Services]:
    home, url = tmp_path_factory.mktemp("home"), server.url
    with services_at(
        cluster, home, youtube_url=url, youtube_auth_url=url, youtube_pages_url=url
    ) as found:
        yield found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as started:
        yield started


@pytest.fixture
def house(
    services: Services, running: RunningSandbox, server: FakeYouTube
) -> Iterator[OAuthAccount]:
    made = create_sandbox_agency(services, running)
    server.clock.advance(
        (made.now() - server.clock()).total_seconds()
    )  # earlier tests of this file advanced the clock
    app = server.application(services.settings.dashboard.public_url + OAUTH_RETURN_PATH)
    form = {"client_id": app.client_id, "client_secret": app.secret}
    yield OAuthAccount(
        made, server, server.account(f"lea{str(made.tenant_id)[-8:]}"), "youtube", form
    )
    server.book.clear_faults()
    server.slow, server.rejects, server.strays_to, server.forgets_session = 0.0, "", "", False


def post(house: OAuthAccount, title: str, *, after: float = 0) -> object:
    return house.desk.delivery(
        "Au bord de l’eau.",
        title=title,
        channel="youtube",
        after=after,
        media=(add_video(house.desk),),
    )


def test_account_connects_publishes_and_removes(house: OAuthAccount) -> None:
    lea = house.desk
    wish = house.enrol()
    assert wish.state == AccountSetupState.CONNECTED, wish.reason
    assert house.channel().account == house.member.channel_id
    planned = post(house, "Un lac", after=1200)
    house.live(minutes=10)
    assert [one.privacy for one in house.member.videos.values()] == ["private"], (
        "it is uploaded before its time"
    )
    assert house.member.posts == {}
    house.live(minutes=15)
    assert lea.state(planned) is DeliveryState.PUBLISHED, lea.entry(planned).reason
    (shown,) = house.member.posts.values()
    assert (shown.title, shown.description, shown.made_for_kids) == (
        "Un lac",
        "Au bord de l’eau.",
        False,
    )
    assert lea.entry(planned).url == f"https://www.youtube.com/watch?v={shown.id}"
    lea.act(post_removal.request_post_removal, planned)
    house.live(minutes=2)
    assert lea.state(planned) is DeliveryState.REMOVED
    assert house.member.videos == {}


def test_cover_is_set_or_refused_before_the_video_is_public(
    house: OAuthAccount,
) -> None:
    lea = house.desk
    house.enrol()
    house.server.book.schedule_fault("reset_after", on="files", seconds=0.2)
    media = (add_video(lea), lea.photo(31))
    planned = lea.delivery("Au bord.", title="Un lac", channel="youtube", after=1200, media=media)
    house.live(minutes=15)
    assert [(one.privacy, bool(one.cover)) for one in house.member.videos.values()] == [
        ("private", True)
    ]
    house.live(minutes=10)
    assert lea.state(planned) is DeliveryState.PUBLISHED, lea.entry(planned).reason
    house.member.may_cover = False
    refused = lea.delivery(
        "Au bord.",
        title="Un autre lac",
        channel="youtube",
        media=(add_video(lea, seconds=2.0), lea.photo(32)),
    )
    house.live(minutes=3)
    assert (lea.state(refused), lea.why(refused)) == (
        DeliveryState.FAILED,
        "youtube.cover_forbidden",
    )
    assert len(house.member.posts) == 1


@pytest.mark.parametrize("mode", ["reset_after", "reset_before", "status:503_after"])
def test_lost_response_publishes_once(house: OAuthAccount, mode: str) -> None:
    house.enrol()
    house.server.book.schedule_fault(mode, on="posts")
    lost = post(house, f"perdu {len(mode)}")
    house.live(minutes=6)
    assert house.desk.state(lost) is DeliveryState.PUBLISHED
    assert len(house.member.taken) == 1
    assert len(house.member.videos) == 1


@pytest.mark.parametrize("mode", ["reset_after", "accept_then_hang", "status:503"])
def test_interrupted_upload_resumes(house: OAuthAccount, mode: str) -> None:
    house.enrol()
    house.server.book.schedule_fault(mode, on="files", times=1, seconds=3.0)
    sent = post(house, f"coupé {len(mode)}", after=60)
    house.live(minutes=5)
    assert house.desk.state(sent) is DeliveryState.PUBLISHED
    assert len(house.member.taken) == 1


def test_video_waits_for_processing(house: OAuthAccount) -> None:
    house.server.slow = 120.0
    house.enrol()
    sent = post(house, "lent")
    house.live(minutes=1)
    assert house.desk.state(sent) is DeliveryState.SCHEDULED
    assert house.desk.why(sent) == "connectors.preparing"
    house.live(minutes=5)
    assert house.desk.state(sent) is DeliveryState.PUBLISHED


def test_refused_video_is_never_public(house: OAuthAccount) -> None:
    house.server.rejects = "duplicate"
    house.enrol()
    sent = post(house, "refusé")
    house.live(minutes=3)
    assert (house.desk.state(sent), house.desk.why(sent)) == (
        DeliveryState.FAILED,
        "youtube.film_refused",
    )
    assert house.member.taken == []


def test_lost_upload_session_restarts(house: OAuthAccount) -> None:
    house.enrol()
    house.server.forgets_session = True
    sent = post(house, "oubliée")
    house.desk.run()
    house.server.forgets_session = False
    house.live(minutes=5)
    assert house.desk.state(sent) is DeliveryState.PUBLISHED


def test_unaudited_application_fails_the_delivery(house: OAuthAccount) -> None:
    app = house.server.application(
        house.desk.services.settings.dashboard.public_url + OAUTH_RETURN_PATH
    )
    app.verified = False
    house.enrol(client_id=app.client_id, client_secret=app.secret)
    sent = post(house, "privée")
    house.live(minutes=2)
    assert (house.desk.state(sent), house.desk.why(sent)) == (
        DeliveryState.FAILED,
        "youtube.kept_private",
    )
    assert house.member.posts == {}


def test_upload_to_a_foreign_host_fails(house: OAuthAccount) -> None:
    house.enrol()
    house.server.strays_to = "https://evil.example/upload"
    sent = post(house, "ailleurs")
    house.live(minutes=2)
    assert house.desk.state(sent) is DeliveryState.FAILED
    assert house.member.videos == {}


def test_account_without_a_channel_is_refused(house: OAuthAccount) -> None:
    house.member.channel_id = ""
    wish = house.enrol()
    assert (wish.state, wish.reason) == (AccountSetupState.REFUSED, Message("youtube.no_channel"))


def test_tokens_are_renewed_with_the_same_refresh_token(house: OAuthAccount) -> None:
    house.enrol()
    first = house.channel().generation
    house.live(hours=2, minutes=30)
    assert house.channel().state == ChannelState.ACTIVE
    assert house.channel().generation > first
    sent = post(house, "deux heures après")
    house.live(minutes=2)
    assert house.desk.state(sent) is DeliveryState.PUBLISHED

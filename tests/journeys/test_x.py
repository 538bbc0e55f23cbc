"""X from the registration of an application to the removal, on real PostgreSQL and through the real
routes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random

import pytest

from channels.accounts import oauth_clients
from channels.accounts.states import ChannelState
from channels.connections import account_setup as enrolling
from channels.connections import disconnection
from channels.connections.oauth_flow import OAUTH_RETURN_PATH
from channels.connections.states import AccountSetupState
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from tenants.agencies import queries as tenant_reads
from tests.conftest import Cluster
from tests.fakes.sandbox import RunningSandbox, network
from tests.fakes.x.server import FakeX, x
from tests.journeys.comment_actions import act_on_comment, answer_comment, list_open_comments
from tests.journeys.oauth_accounts import OAuthAccount, services_at
from tests.schedules.builders import create_sandbox_agency
from workers.cli.platforms import account_setup as connect_account
from workers.wiring import Services

pytestmark = pytest.mark.heavy

SERVER_FAULTS = ("408", "429", "500", "502", "503", "504", "522")

TEXT = "Bonjour 👩‍👩‍👧‍👦 <3 & co"


@dataclass
class House(OAuthAccount):
    """Her account on X."""

    def another(self, name: str) -> None:
        """Create a second account and use it for the next sign-in."""
        self.member = self.server.account(f"{name}{str(self.desk.tenant_id)[-8:]}")

    def reason(self) -> str:
        """Return the reason code that stops her account."""
        found = self.channel().reason
        return found.code if found is not None else ""

    def told(self) -> list[Message]:
        """Return the open notices about applications and costs."""
        sql = (
            "SELECT message FROM notices WHERE tenant_id = :t AND settled_at IS NULL"
            " AND (cause LIKE 'stopped:%' OR cause LIKE 'charges:%') ORDER BY cause"
        )
        with self.desk.scope() as scope:
            return [Message.from_json(one) for one in scope.run(sql, t=scope.tenant_id).scalars()]


@pytest.fixture(scope="module")
def server() -> Iterator[FakeX]:
    with x() as running:
        yield running
        assert running.forbidden == []


@pytest.fixture(scope="module")
def services(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, server: FakeX
) -> Iterator[Services]:
    home = tmp_path_factory.mktemp("home")
    with services_at(cluster, home, x_url=server.url, x_pages_url=server.url) as found:
        yield found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as started:
        yield started


@pytest.fixture
def house(services: Services, running: RunningSandbox, server: FakeX) -> Iterator[House]:
    made = create_sandbox_agency(services, running)
    server.clock.advance(
        (made.now() - server.clock()).total_seconds()
    )  # earlier tests of this file advanced the clock
    app = server.application(services.settings.dashboard.public_url + OAUTH_RETURN_PATH)
    form = {"client_id": app.client_id, "client_secret": app.secret or ""}
    yield House(made, server, server.account(f"lea{str(made.tenant_id)[-8:]}"), "x", form)
    server.book.clear_faults()
    server.out_of_credits = False


def test_account_connects_publishes_and_removes(house: House) -> None:
    lea = house.desk
    wish = house.enrol()
    assert wish.state == AccountSetupState.CONNECTED, wish.reason
    channel = house.channel()
    assert (channel.account, channel.name) == (house.member.id, f"@{house.member.username}")
    post = lea.delivery(TEXT, channel="x", after=1200, media=(lea.photo(1), lea.photo(2)))
    house.live(minutes=25)
    assert lea.state(post) is DeliveryState.PUBLISHED
    (shown,) = house.member.posts.values()
    assert shown.text == TEXT
    assert [one.alt_text for one in shown.media] == ["picture 1", "picture 2"]
    assert lea.entry(post).url == f"https://x.com/i/status/{shown.id}"
    lea.act(post_removal.request_post_removal, post)
    house.live(minutes=2)
    assert lea.state(post) is DeliveryState.REMOVED
    assert house.member.posts == {}


def test_application_is_stored_once_for_all_accounts(house: House) -> None:
    house.enrol()
    first, typed = house.channel(), house.form
    house.form, _ = {}, house.another("mia")
    wish = house.enrol()
    assert wish.state == AccountSetupState.CONNECTED, wish.reason
    assert house.channel().account == house.member.id != first.account
    with house.desk.scope() as scope:
        found = [
            oauth_clients.oauth_client_of_channel(scope, one)
            for one in (first.id, house.channel().id)
        ]
        kept = scope.run("SELECT to_jsonb(o)::text FROM oauth_clients o").scalar_one()
    assert found[0] == found[1] is not None
    assert found[0].client_id == typed["client_id"]
    assert typed["client_secret"] not in kept


def test_wrong_client_secret_is_reported_and_not_stored(house: House) -> None:
    wish = house.ask(client_secret="another")
    house.bring(house.approve(wish.visit))
    end = house.stands(wish.id)
    assert (end.state, end.reason) == (AccountSetupState.REFUSED, Message("oauth.client_refused"))
    with house.desk.scope() as scope:
        assert oauth_clients.latest_oauth_clients(scope) == {}
    assert "x" not in house.desk.channels


def test_tokens_are_renewed_early_and_refresh_tokens_used_once(house: House) -> None:
    house.enrol()
    house.live(hours=5)
    shown = [one for one in house.server.oauth.refreshes.values() if one.member is house.member]
    assert len(shown) >= 3
    assert [one.used for one in shown] == [True] * (len(shown) - 1) + [False]
    post = house.desk.delivery("cinq heures après", channel="x")
    house.live(minutes=1)
    assert house.desk.state(post) is DeliveryState.PUBLISHED
    assert house.channel().state == ChannelState.ACTIVE


def test_lost_renewal_requires_reconnection(house: House) -> None:
    """The new token pair is lost: due posts wait for a new authorization."""
    house.enrol()
    house.server.book.schedule_fault("reset_after", on="tokens", times=1)
    house.live(hours=2, minutes=10)
    assert house.channel().state == ChannelState.REAUTHORIZE
    post = house.desk.delivery("après un nouvel accord", channel="x")
    house.live(minutes=1)
    assert house.texts() == []
    assert house.enrol().state == AccountSetupState.CONNECTED
    house.live(minutes=2)
    assert house.desk.state(post) is DeliveryState.PUBLISHED


@pytest.mark.parametrize("seed", range(3))
def test_outage_of_the_token_server_keeps_the_account(house: House, seed: int) -> None:
    """Two refusals within ten seconds, or a longer outage with other answers, disconnect nothing:
    the post follows the renewal."""
    random = Random(seed)
    house.enrol()
    lea = house.desk
    faults = ["503", "503"] if not seed else random.choices(SERVER_FAULTS, k=random.randint(3, 9))
    for status in faults:
        house.server.book.schedule_fault(f"status:{status}", on="tokens", times=1)
    lea.pass_time(hours=3)  # the token expires while no process runs
    house.server.clock.advance(3 * 3600)
    post = lea.delivery("après la panne", channel="x", late_ok=None)
    house.live(minutes=45)
    assert house.server.book.list_pending_faults() == []
    assert (house.channel().state, lea.state(post)) == (
        ChannelState.ACTIVE,
        DeliveryState.PUBLISHED,
    )
    assert house.texts() == ["après la panne"]


def test_refused_application_is_reported_and_keeps_the_account(house: House) -> None:
    """The secret of the application was replaced at X; that says nothing about the grant."""
    house.enrol()
    lea, app = house.desk, house.server.oauth.apps[house.form["client_id"]]
    cause, secret = f"channel:{lea.channels['x']}:client", app.secret
    app.secret = "replaced"
    house.live(hours=2, minutes=10)
    assert house.channel().state == ChannelState.ACTIVE
    assert lea.notices().get(cause) == "channel.notice_client_refused"
    app.secret = secret
    house.live(minutes=40)
    assert house.channel().state == ChannelState.ACTIVE
    assert cause not in lea.notices()


def test_lost_response_is_looked_up_and_never_repeated(house: House) -> None:
    """X has no idempotency key, and its timelines do not prove that a post is absent."""
    lea = house.desk
    house.enrol()
    for mode, state in (
        ("reset_after", DeliveryState.PUBLISHED),
        ("reset_before", DeliveryState.UNCERTAIN),
    ):
        house.server.book.schedule_fault(mode, on="posts")
        lost = lea.delivery(f"{TEXT} {mode}", channel="x", media=(lea.photo(3 + len(mode)),))
        lea.run()
        assert lea.state(lost) is DeliveryState.UNCERTAIN
        house.live(minutes=16)
        assert lea.state(lost) is state
    assert house.texts() == [f"{TEXT} reset_after"]


def test_post_hidden_by_a_lagging_timeline_is_not_resent(house: House) -> None:
    lea = house.desk
    house.enrol()
    before = len(house.server.book.list_requests())
    house.server.book.schedule_fault("reset_after", on="posts")
    house.server.book.schedule_fault("lag", on="lookups", lookup_lag=800.0)
    lost = lea.delivery("cachée un moment", channel="x")
    house.live(minutes=40)
    assert lea.state(lost) is DeliveryState.PUBLISHED
    assert lea.entry(lost).native_id == next(iter(house.member.posts))
    assert house.texts() == ["cachée un moment"]
    requests = house.server.book.list_requests()[before:]
    assert [one["kind"] for one in requests].count("posts") == 1


def test_duplicate_of_a_foreign_post_is_not_repeated(house: House) -> None:
    """She posted the same text herself an hour before: X refuses ours, and a retry would not
    help."""
    lea = house.desk
    house.enrol()
    house.server.publish(house.member, {"text": "déjà dit"})
    house.live(hours=1)
    before = len(house.server.book.list_requests())
    said = lea.delivery("déjà dit", channel="x")
    house.live(minutes=25)
    assert lea.state(said) is DeliveryState.UNCERTAIN
    assert lea.entry(said).reason == Message("x.duplicate")
    assert house.texts() == ["déjà dit"]
    requests = house.server.book.list_requests()[before:]
    assert [one["kind"] for one in requests].count("posts") == 1


def test_application_without_credits_delays_posts_and_notifies(house: House) -> None:
    lea = house.desk
    house.enrol()
    house.server.out_of_credits = True
    first, second = (lea.delivery(f"plus tard {n}", channel="x") for n in range(2))
    house.live(minutes=5)
    assert {lea.state(first), lea.state(second)} == {DeliveryState.SCHEDULED}
    assert lea.entry(first).reason == Message("x.credits")
    assert house.told() == [Message("x.credits_gone")], "one notice for all waiting posts"
    house.server.out_of_credits = False
    house.live(minutes=15)
    assert {lea.state(first), lea.state(second)} == {DeliveryState.PUBLISHED}
    assert sorted(house.texts()) == ["plus tard 0", "plus tard 1"]
    assert house.told() == []


def test_revoked_authorization_requires_reconnection(house: House) -> None:
    house.enrol()
    house.desk.pass_time(minutes=30)
    house.server.clock.advance(timedelta(minutes=30).total_seconds())
    house.server.revoke(house.member)
    post = house.desk.delivery("sans accord", channel="x")
    house.live(minutes=2)
    assert house.channel().state == ChannelState.REAUTHORIZE
    assert house.desk.state(post) in (DeliveryState.HELD, DeliveryState.SCHEDULED)
    house.enrol()
    house.live(minutes=2)
    assert house.desk.state(post) is DeliveryState.PUBLISHED


def test_suspended_account_is_gone(house: House) -> None:
    house.enrol()
    house.member.state = "suspended"
    post = house.desk.delivery("de nulle part", channel="x")
    house.live(minutes=1)
    assert house.channel().state == ChannelState.GONE
    assert house.desk.state(post) is DeliveryState.HELD


def terminal(
    house: OAuthAccount, *, dry: bool = False, creator: str = "", platform: str = "x"
) -> list[tuple[str, bool]]:
    """Return the output of the terminal command, with the form typed and the authorization
    approved."""
    with house.desk.scope() as scope:
        member = tenant_reads.get_member(scope, house.desk.author)

    def wait() -> None:
        with house.desk.scope() as scope:
            asked = enrolling.latest_setup(scope, [house.desk.creator_id])
        if asked is not None and asked.state is AccountSetupState.VISITING:
            house.bring(house.approve(asked.visit))
        house.desk.run()

    found = connect_account.account_setup_lines(
        house.desk.services,
        platform,
        (house.desk.tenant_id, member),
        creator=creator,
        dry=dry,
        ask=lambda label, field: house.form.get(field.name, ""),
        wait=wait,
    )
    return list(found)


def test_account_is_connected_from_the_terminal(house: House) -> None:
    (help_, _), (visit, _), (done, well) = terminal(house)
    assert "console.x.com" in help_
    assert "/i/oauth2/authorize?" in visit
    assert house.form["client_secret"] not in visit
    assert f"@{house.member.username}" in done
    assert well
    house.form = {}
    assert terminal(house)[-1][1], "the application is stored"


def test_dry_run_shows_the_url_and_sends_nothing(house: House) -> None:
    before = len(house.server.book.list_requests())
    (_, (said, well)) = terminal(house, dry=True)
    assert well
    assert f"{house.server.url}/i/oauth2/authorize" in said
    assert OAUTH_RETURN_PATH in said
    assert len(house.server.book.list_requests()) == before
    with house.desk.scope() as scope:
        assert enrolling.latest_setup(scope, [house.desk.creator_id]) is None


def test_missing_terminal_input_is_named(house: House) -> None:
    house.form = {}
    with pytest.raises(BadInput) as missing:
        terminal(house)
    assert missing.value.message.code == "cli.connect.missing"
    with pytest.raises(BadInput) as whose:
        terminal(house, creator="nobody")
    assert whose.value.message.code == "cli.connect.which"
    with pytest.raises(NotFound):
        terminal(house, platform="myspace")


def test_comment_is_received_answered_once_and_hidden(house: House) -> None:
    lea, server = house.desk, house.server
    house.enrol()
    first = lea.delivery("Bonjour le lac", channel="x")
    house.live(minutes=2)
    assert lea.state(first) is DeliveryState.PUBLISHED
    post = next(number for number, text in house.member.taken if text == "Bonjour le lac")
    ann = server.account(f"ann{str(lea.tenant_id)[-8:]}")
    told = server.publish(ann, {"text": "where is this?", "reply": {"in_reply_to_tweet_id": post}})
    house.live(minutes=65)
    (said,) = list_open_comments(lea)
    assert (said.under, said.state) == (post, "open")
    server.book.schedule_fault("reset_after", on="posts")
    answer_comment(lea, said, "x", "At the lake, in spring.")
    house.live(minutes=10)
    mine = [number for number, text in house.member.taken if "At the lake" in text]
    assert len(mine) == 1
    assert house.member.posts[mine[0]].parent.id == told.id
    act_on_comment(lea, said, "x", "hide")
    house.live(minutes=2)
    assert server.seen(told.id).hidden
    reads = [
        one
        for one in server.book.list_requests()
        if one["kind"] == "remarks" and house.member.id in one["path"]
    ]
    assert 1 <= len(reads) <= 4, "an hour apart: X charges for reads"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("", "left"),
        ("accept_then_hang", "left_unanswered"),
        ("status:403", "left_refused"),
    ],
)
def test_disconnection_erases_tokens_for_any_response(
    house: OAuthAccount, fault: str, code: str
) -> None:
    """X revokes the tokens if it can; no post is published, and the same account can be connected
    again."""
    house.enrol()
    before = house.channel()
    pair = next(one for one in house.server.oauth.refreshes.values() if one.member is house.member)
    waiting = house.desk.delivery("au retour", channel="x", after=60)
    house.desk.act(disconnection.request_disconnection, before.id, "Anne")
    if fault:
        house.server.book.schedule_fault(fault, on="tokens", times=1, seconds=0.1)
    house.live(minutes=3)
    stands = house.channel()
    assert (stands.state, stands.token, stands.refresh) == (ChannelState.DISCONNECTED, None, None)
    assert stands.reason == Message(f"channel.{code}", {"name": "Anne"})
    assert pair.revoked == (code == "left" or fault == "accept_then_hang")
    assert (house.desk.state(waiting), house.texts()) == (DeliveryState.HELD, [])
    assert house.enrol().state == AccountSetupState.CONNECTED
    assert house.channel().id == before.id
    house.live(minutes=3)
    assert house.desk.state(waiting) is DeliveryState.PUBLISHED


@pytest.mark.parametrize(("again", "code"), [(True, "left"), (False, "left_unanswered")])
def test_disconnection_is_atomic_after_a_crash_at_any_statement(
    house: OAuthAccount, again: bool, code: str
) -> None:
    """If the request is not retried, the tokens are erased without the platform's response."""
    house.enrol()
    house.desk.run()
    house.desk.act(disconnection.request_disconnection, house.channel().id, "Anne")
    at = 0
    while house.desk.crash(at):
        stands = house.channel()
        assert (stands.state == ChannelState.DISCONNECTED) == (stands.token is None)
        at += 1
        with house.desk.scope() as scope:
            scope.run(
                "UPDATE outbox SET tries = 0 WHERE tenant_id = :t AND :again",
                t=scope.tenant_id,
                again=again,
            )
    stands = house.channel()
    assert at > 3
    assert (stands.state, stands.token) == (ChannelState.DISCONNECTED, None)
    assert stands.reason == Message(f"channel.{code}", {"name": "Anne"})


def test_uncertain_delivery_remains_after_a_disconnection(house: OAuthAccount) -> None:
    """A member must settle the delivery, since no lookup is possible without tokens."""
    house.enrol()
    post = house.desk.delivery(TEXT, channel="x")
    house.server.book.schedule_fault("accept_then_hang", on="posts", times=1, seconds=0.1)
    house.desk.run()
    assert house.desk.state(post) is DeliveryState.UNCERTAIN
    house.desk.act(disconnection.request_disconnection, house.channel().id, "Anne")
    house.live(minutes=3)
    assert house.channel().state == ChannelState.DISCONNECTED
    assert house.desk.state(post) is DeliveryState.UNCERTAIN
    assert house.texts() == [TEXT]

"""Mastodon from the sealed form to the removal, on real PostgreSQL and through the real routes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from channels.accounts.states import ChannelState
from channels.connections import account_setup
from channels.connections.events import TenantLimitsDue
from channels.connections.states import AccountSetupState
from connectors.contract.account_setup import WANTED_MESSAGES
from connectors.platforms.mastodon.account import CHAT_SURFACE
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from schedules.drafts import drafts, previews
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from subscribers.inbox import member_actions
from subscribers.replies import persona
from tenants.agencies import queries as tenant_reads
from tenants.notices import notices
from tests.conftest import Cluster
from tests.fakes.mastodon import chats
from tests.fakes.mastodon.server import FakeMastodon, mastodon
from tests.fakes.sandbox import RunningSandbox, network
from tests.journeys.comment_actions import act_on_comment, answer_comment, list_open_comments
from tests.journeys.oauth_accounts import OAuthAccount, services_at
from tests.schedules.builders import create_sandbox_agency
from tests.subscribers.builders import NOVA
from workers.cli.platforms import access_check
from workers.listeners.factory import make_listener, make_listener_pool
from workers.terminal.output import translate
from workers.wiring import Services

pytestmark = pytest.mark.heavy


@dataclass
class House(OAuthAccount):
    """Her account on a Mastodon server."""

    def told(self, delivery_id: UUID) -> list[str]:
        """Return the causes of the open notices about a delivery."""
        with self.desk.scope() as scope:
            return notices.list_open_causes(scope, f"delivery:{delivery_id}")

    def status(self, text: str) -> Mapping[str, Any]:
        """Return the live post with this text."""
        number = next(number for number, said in self.member.taken if said == text)
        found: Mapping[str, Any] = self.server.shown(self.member.statuses[number])
        return found


@pytest.fixture(scope="module")
def server() -> Iterator[FakeMastodon]:
    with mastodon() as running:
        yield running


@pytest.fixture(scope="module")
def services(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with services_at(cluster, tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as started:
        yield started


@pytest.fixture
def house(services: Services, running: RunningSandbox, server: FakeMastodon) -> Iterator[House]:
    made = create_sandbox_agency(services, running)
    form = {"server": server.url, "rules": "general"}
    yield House(made, server, server.account(f"lea{str(made.tenant_id)[-8:]}"), "mastodon", form)
    server.book.clear_faults()
    server.slow, server.ignores_keys, server.rules = 0, False, list(server.usual_rules)
    server.drops_media = False
    server.max_characters, server.max_media = 500, 4


def test_account_connects_publishes_and_removes(house: House) -> None:
    lea = house.desk
    wish = house.enrol()
    assert wish.state == AccountSetupState.CONNECTED, wish.reason
    channel = house.channel()
    assert channel.account == f"{house.member.id}@{house.server.url.partition('://')[2]}"
    assert channel.base_url == house.server.url
    lea.act(account_setup.request_test, channel.id)
    lea.run()
    assert house.channel().last_ok_at is not None

    house.server.slow = 2
    first = lea.delivery(
        "Bonjour 👩‍👩‍👧‍👦 #plage", channel="mastodon", after=1200, media=(lea.photo(1),)
    )
    house.live(minutes=25)
    assert lea.state(first) is DeliveryState.PUBLISHED
    shown = house.status("Bonjour 👩‍👩‍👧‍👦 #plage")
    assert [one["description"] for one in shown["media_attachments"]] == ["picture 1"]
    assert (shown["language"], shown["visibility"], shown["sensitive"]) == ("fr", "public", False)
    assert lea.entry(first).url == shown["url"]

    lea.act(post_removal.request_post_removal, first)
    house.live(minutes=2)
    assert lea.state(first) is DeliveryState.REMOVED
    assert house.member.statuses == {}


def test_server_limits_are_read_stored_and_refreshed(house: House) -> None:
    lea, server = house.desk, house.server

    def shown(words: str) -> tuple[int, int, list[str]]:
        """Return the limits that the page shows for a draft: characters, media, and the codes of
        its problems."""
        draft = drafts.Draft(
            lea.creator_id, "", words, media=(), channels=(lea.channels["mastodon"],)
        )
        with lea.scope() as scope:
            connectors = lea.services.connectors
            (one,) = previews.preview_draft(
                scope, draft, author=house.author, connectors=connectors
            )
        return one.most, one.most_media, [why.code for why in one.reasons]

    server.max_characters, server.max_media = 1000, 8
    house.enrol()
    long = "é" * 900
    assert shown(long) == (1000, 8, [])
    post = lea.delivery(long, channel="mastodon")
    house.live(minutes=2)
    assert lea.state(post) is DeliveryState.PUBLISHED

    # the limit changes unannounced: the server refuses and is queried at once
    server.max_characters = 200
    refused = lea.delivery("è" * 300, channel="mastodon")
    house.live(minutes=2)
    assert (lea.state(refused), lea.why(refused)) == (
        DeliveryState.FAILED,
        "connectors.other_limit",
    )
    assert shown("è" * 300) == (200, 8, ["connectors.text_too_long"])

    server.max_characters = 5000
    with lea.scope() as scope:
        old = (
            "jsonb_set(options, '{limits,at}', to_jsonb(CAST(house_now() - interval '8 days' AS "
            "text)))"
        )
        scope.run(
            f"UPDATE channels SET options = {old} WHERE id = :id", id=lea.channels["mastodon"]
        )
    server.book.schedule_fault("status:503", on="instance", times=2)
    later = lea.delivery("plus tard", channel="mastodon", after=3600)
    with lea.scope() as scope:
        outbox.put(scope, TenantLimitsDue(lea.tenant_id, lea.tenant_id))
    lea.run()
    assert shown("x")[:2] == (200, 8), "without a response the stored limits remain"
    server.book.clear_faults()
    house.live(minutes=70)
    assert shown("x")[:2] == (5000, 8), "old limits are read again before a post"
    assert lea.state(later) is DeliveryState.PUBLISHED


def test_access_check_reports_the_account(house: House) -> None:
    house.enrol()
    name, services = house.channel().name, house.desk.services
    asked = len(house.server.book.list_requests())
    (would,) = access_check.check_accounts(services, name, "", dry=True)
    assert (would.is_ok, would.message.code) == (True, "cli.connect.would_ask")
    assert "GET /api/v1/accounts/verify_credentials" in " ".join(would.cells)
    assert len(house.server.book.list_requests()) == asked, "no request was sent"
    (good,) = access_check.check_accounts(services, name.upper(), "")
    assert (good.is_ok, good.message) == (True, Message("cli.channel.answered"))
    house.server.book.schedule_fault("status:503", on="checks")
    (away,) = access_check.check_accounts(services, name, "")
    assert (away.is_ok, away.message) == (False, Message("cli.channel.no_answer"))
    house.server.revoke(house.member)
    (dead,) = access_check.check_accounts(services, name, "")
    assert dead.message == Message("channel.is_reauthorize", {"account": name})
    with house.desk.scope() as scope:
        (creator,) = (
            one.name for one in tenant_reads.list_creators(scope) if one.id == house.desk.creator_id
        )
    said = (name, creator, "Mastodon", translate(Message("connectors.token_refused")))
    assert all(part in " ".join(dead.cells) for part in said)
    (still,) = access_check.check_accounts(services, name, "", dry=True)
    assert (still.is_ok, still.message) == (False, dead.message)
    with pytest.raises(NotFound):
        access_check.check_accounts(services, "nobody", "")
    with pytest.raises(NotFound):
        access_check.check_accounts(services, name, "another agency")


def test_post_published_without_its_pictures_notifies_members(house: House) -> None:
    lea = house.desk
    house.enrol()
    house.server.drops_media = True
    bare = lea.delivery("sans image", channel="mastodon", media=(lea.photo(1),))
    house.live(minutes=2)
    assert lea.state(bare) is DeliveryState.PUBLISHED
    assert house.told(bare) == [f"delivery:{bare}:files"]
    lea.act(post_removal.request_post_removal, bare)
    house.live(minutes=2)
    assert (lea.state(bare), house.told(bare)) == (DeliveryState.REMOVED, [])


@pytest.mark.parametrize("forgetful", [False, True])
def test_lost_response_is_looked_up_and_posted_once(house: House, forgetful: bool) -> None:
    lea = house.desk
    house.enrol()
    house.server.ignores_keys = forgetful
    house.server.book.schedule_fault("reset_after", on="posts")
    lost = lea.delivery("perdue, puis retrouvée", channel="mastodon")
    lea.run()
    assert lea.state(lost) is DeliveryState.UNCERTAIN
    house.live(minutes=2)
    assert lea.state(lost) is DeliveryState.PUBLISHED
    assert house.texts() == ["perdue, puis retrouvée"]
    house.server.book.schedule_fault("reset_before", on="posts")
    never = lea.delivery("jamais arrivée", channel="mastodon")
    lea.run()
    house.live(minutes=4)
    assert lea.state(never) is DeliveryState.PUBLISHED
    assert house.texts() == ["perdue, puis retrouvée", "jamais arrivée"]


def test_revoked_token_holds_the_queue_until_reconnection(house: House) -> None:
    lea = house.desk
    house.enrol()
    house.server.revoke(house.member)
    post = lea.delivery("après le nouveau jeton", channel="mastodon")
    lea.run()
    assert house.channel().state == ChannelState.ACTIVE, "one refusal is retried"
    house.live(minutes=1)
    assert house.channel().state == ChannelState.REAUTHORIZE
    assert lea.state(post) in (DeliveryState.HELD, DeliveryState.SCHEDULED)
    assert house.enrol().state == AccountSetupState.CONNECTED
    house.live(minutes=2)
    assert lea.state(post) is DeliveryState.PUBLISHED
    assert house.texts() == ["après le nouveau jeton"]


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({"rules": ""}, "mastodon.rules_unread"),
        ({"server": ""}, "mastodon.no_server"),
        ({"server": "ftp://social.example"}, "enrolment.address_refused"),
        ({"server": "https://lea@social.example/x"}, "enrolment.address_refused"),
    ],
)
def test_refused_setup_names_the_reason(house: House, typed: dict[str, str], code: str) -> None:
    wish = house.ask(**typed)
    assert wish.state == AccountSetupState.REFUSED
    assert wish.reason is not None
    assert wish.reason.code == code


def test_declined_authorization_ends_the_setup(house: House) -> None:
    wish = house.ask()
    house.bring(house.approve(wish.visit, no=True))
    end = house.stands(wish.id)
    assert (end.state, end.visit) == (AccountSetupState.REFUSED, "")
    assert end.reason == Message("enrolment.declined")


def test_authorization_code_is_bound_to_its_member_and_used_once(house: House) -> None:
    lea, wish = house.desk, house.ask()
    said = house.approve(wish.visit)
    for by, state in (
        (f"member:{lea.manager}", said["state"]),
        (house.author, "another"),
        (house.author, ""),
    ):
        with pytest.raises(NotFound):
            house.bring({**said, "state": state}, by=by)
    house.bring(said)
    with pytest.raises(NotFound):
        house.bring(said)
    assert house.stands(wish.id).state == AccountSetupState.CONNECTED
    with pytest.raises(NotFound):
        house.bring(said)


def test_authorization_expiry_uses_the_real_clock(house: House) -> None:
    """The clock of a demo day may be hours ahead of the member's time."""
    lea, wish = house.desk, house.ask()
    lea.pass_time(hours=3)
    house.bring(house.approve(wish.visit))
    assert house.stands(wish.id).state == AccountSetupState.CONNECTED
    late = house.ask()
    with lea.scope() as scope:
        ago = "jsonb_build_object('at', people_now() - interval '16 minutes')"
        scope.run(f"UPDATE enrolments SET visit = visit || {ago} WHERE id = :id", id=late.id)
    house.bring(house.approve(late.visit))
    assert house.stands(late.id).reason == Message("enrolment.too_late")


def test_authorization_code_needs_its_pkce_verifier(house: House) -> None:
    """A code intercepted on its way is useless without the verifier."""
    first, second = house.ask(), house.ask()
    stolen = house.approve(first.visit)
    house.bring({"code": stolen["code"], "state": house.approve(second.visit)["state"]})
    end = house.stands(second.id)
    assert end.state == AccountSetupState.REFUSED
    assert end.reason == Message("oauth.again")


@pytest.mark.parametrize("mode", ["reset_after", "hang", "status:503_after"])
def test_lost_token_exchange_requires_a_new_authorization(house: House, mode: str) -> None:
    wish = house.ask()
    house.server.book.schedule_fault(mode, on="tokens", seconds=60)
    house.bring(house.approve(wish.visit))
    assert house.stands(wish.id).reason == Message("oauth.again")
    house.server.book.clear_faults()
    assert house.enrol().state == AccountSetupState.CONNECTED


def test_no_secret_of_the_oauth_flow_is_stored_readably(house: House) -> None:
    wish = house.ask()
    during = house.rows(wish.id)
    said = house.approve(wish.visit)
    house.bring(said)
    came = house.rows(wish.id)
    house.stands(wish.id)
    (app,) = list(house.server.oauth.apps.values())[-1:]
    for kept in (during, came):
        assert app.secret not in kept
        assert said["code"] not in kept
    with house.desk.scope() as scope:
        left = scope.run(
            "SELECT letter, answer, visit FROM enrolments WHERE id = :id", id=wish.id
        ).one()
    assert (bytes(left.letter), bytes(left.answer), left.visit) == (b"", b"", None)


def test_comment_is_answered_with_a_mention_and_its_author_blocked(house: House) -> None:
    lea, server = house.desk, house.server
    house.enrol()
    first = lea.delivery("Bonjour #lac", channel="mastodon")
    house.live(minutes=2)
    assert lea.state(first) is DeliveryState.PUBLISHED
    ann = server.account(f"ann{str(lea.tenant_id)[-8:]}")
    post = next(number for number, text in house.member.taken if text == "Bonjour #lac")
    server.publish(
        ann,
        {"status": f"@{house.member.username} where is <b>this</b>?", "in_reply_to_id": post},
        "",
    )
    house.live(minutes=8)
    (said,) = list_open_comments(lea)
    assert (said.under, "where is" in said.text, said.state) == (post, True, "open")
    server.book.schedule_fault("reset_after", on="posts")
    answer_comment(lea, said, "mastodon", "At the lake, in spring.")
    house.live(minutes=10)
    (mine,) = [text for _, text in house.member.taken if "At the lake" in text]
    assert mine.startswith(f"@{ann.username}"), "without the mention she gets no notification"
    assert len([text for _, text in house.member.taken if "At the lake" in text]) == 1
    assert list_open_comments(lea) == [], "an answered comment is closed"
    act_on_comment(lea, said, "mastodon", "block")
    house.live(minutes=2)
    assert ann.id in house.member.blocks


def _hears(house: House) -> list[str]:
    """Poll the account, process the updates and return all incoming messages of the inbox."""
    house.live(minutes=1)
    make_listener(house.desk.services, house.channel()).poll_once()
    house.live(minutes=1)
    return [
        row.body
        for row in _rows(house, "SELECT body FROM messages WHERE direction = 'in' ORDER BY seq")
    ]


def _rows(house: House, statement: str, **more: Any) -> list[Any]:
    with house.desk.scope() as scope:
        return list(scope.run(statement, tenant=house.desk.tenant_id, **more))


@pytest.mark.parametrize("mode", ["", "reset_after"])
def test_message_is_received_and_answered_once_under_faults(house: House, mode: str) -> None:
    lea, server = house.desk, house.server
    with lea.scope() as scope:
        persona.activate_persona(scope, persona.create_persona_version(scope, lea.creator_id, NOVA))
    leo = server.account(f"leo{str(lea.tenant_id)[-8:]}")
    chats.send_message(server, leo, "ce que j’ai écrit bien avant", house.member)
    house.enrol()
    assert not make_listener_pool(lea.services)._chatty(house.channel()), "connected only for posts"
    house.enrol(wanted=WANTED_MESSAGES)
    assert house.channel().chat_surface == CHAT_SURFACE
    assert _hears(house) == [], "earlier messages are not imported"
    chats.send_message(server, leo, "bonjour !", house.member)
    assert _hears(house) == ["bonjour !"]
    if mode:
        server.book.schedule_fault(mode, on="posts", seconds=0.2)
    (talk,) = _rows(house, "SELECT id FROM conversations WHERE tenant_id = :tenant")
    key = uuid7()
    with lea.scope(house.author) as scope:
        member_actions.take_over_conversation(scope, talk.id, lea.author)
        member_actions.send_member_reply(scope, talk.id, lea.author, "Bonjour Léo", key=key)
    house.live(minutes=6)
    (draft,) = _rows(
        house, "SELECT state FROM drafts WHERE tenant_id = :tenant AND id = :id", id=key
    )
    ours = [one.text for one in chats.messages_to(server, house.member, leo)]
    assert (draft.state, ours.count(f"@{leo.username} Bonjour Léo")) == ("sent", 1)
    assert "intelligence artificielle" in ours[0], ours
    now, before = chats.listed(server, leo, {})
    assert (now["last_status"]["account"]["id"], len(now["accounts"])) == (house.member.id, 1), (
        "one conversation"
    )
    assert "bien avant" in before["last_status"]["content"]
    assert _hears(house) == ["bonjour !"], "our reply is no incoming message"

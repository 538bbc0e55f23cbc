"""Webhooks of Meta: accounts are subscribed, a webhook triggers an early read, and its contents are
never stored."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from channels.accounts.queries import Channel
from channels.accounts.queries import get_channel as channel_of
from channels.accounts.states import ChannelState
from channels.connections import disconnection
from channels.listening import webhook_subscriptions
from channels.listening.webhook_subscriptions import WebhookSubscription
from connectors.conformance.fake_servers import serve_app
from connectors.contract.account_setup import WANTED_MESSAGES
from connectors.platforms.facebook import messages
from foundation.i18n.translation import Message
from tests.conftest import Cluster
from tests.fakes.facebook.state import Page, Post
from tests.fakes.meta.webhooks import WebhookSender
from tests.journeys.comment_actions import list_open_comments
from tests.journeys.connected_creator import (
    ConnectedCreator,
    FakePlatforms,
    create_connected_creator,
    outside,
)
from workers.listeners.factory import make_listener, make_listener_pool
from workers.listeners.webhooks import meta as house_calls
from workers.listeners.webhooks import server
from workers.relay.ticks import TICKS

SECRET, WORD = "a1b2c3d4" * 4, "a word of the owner's"


@pytest.fixture(scope="module")
def networks(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakePlatforms]:
    with outside(cluster, Path(tmp_path_factory.mktemp("home"))) as found:
        own = found.services.settings.connectors
        set_up = {"meta_secrets": SecretStr(SECRET), "meta_verify_token": SecretStr(WORD)}
        settings = found.services.settings.model_copy(
            update={"connectors": own.model_copy(update=set_up)}
        )
        found.services = replace(found.services, settings=settings)
        found.facebook.calls = found.instagram.calls = WebhookSender(SECRET)
        calls = house_calls.make_meta_webhooks(
            found.services, make_listener_pool(found.services), known_seconds=0.0
        )
        with serve_app(
            server.create_webhook_app(lambda channel: None, lambda *call: False, house=calls)
        ) as url:
            assert found.facebook.calls.set_up(f"{url}/hooks/meta", WORD)
            yield found


@pytest.fixture
def meta(networks: FakePlatforms) -> WebhookSender:
    """Return the webhook sender of Meta without earlier events."""
    for kept in (
        networks.facebook.calls.statuses,
        networks.facebook.calls.asked,
        networks.facebook.calls.waiting,
    ):
        kept.clear()
    return networks.facebook.calls


def beat(here: ConnectedCreator, name: str = "calls") -> None:
    next(one for one in TICKS if one.name == name).write_rows(here.desk.services.tenant)
    here.desk.run()


def stands(here: ConnectedCreator, platform: str = "facebook") -> WebhookSubscription:
    channel_id = here.desk.channels[platform]
    with here.desk.scope() as scope:
        return webhook_subscriptions.subscriptions_of(scope, [channel_id])[channel_id]


def channel(here: ConnectedCreator) -> Channel:
    with here.desk.scope() as scope:
        return channel_of(scope, here.desk.channels["facebook"])


def rests(here: ConnectedCreator) -> timedelta:
    """Return the time until the account's comments are read next."""
    statement = "SELECT due_at FROM remark_cursors WHERE tenant_id = :t AND channel_id = :c"
    with here.desk.scope() as scope:
        found = scope.run(
            statement, t=here.desk.tenant_id, c=here.desk.channels["facebook"]
        ).scalar_one()
        return timedelta(seconds=(found - scope.now).total_seconds())


def page_of(here: ConnectedCreator) -> tuple[Page, Post]:
    """Return her Page with a post whose comments were read."""
    page = here.facebook()
    post = page.post("Bonjour", ())
    beat(here, "remarks")
    return page, post


def said(
    here: ConnectedCreator,
    meta: WebhookSender,
    page: Page,
    post: Post,
    text: str,
    *,
    by: str = "ann",
) -> None:
    """Add a comment, of which Meta has not sent the webhook yet."""
    made = page.say(post.id, text, by=by)
    value = {
        "item": "comment",
        "verb": "add",
        "comment_id": made.id,
        "from": {"id": made.author},
        "message": text,
    }
    meta.change("page", page.id, "feed", value, here.desk.now())


def test_comment_is_read_within_minutes_of_its_webhook(
    networks: FakePlatforms, meta: WebhookSender
) -> None:
    here, other = create_connected_creator(networks), create_connected_creator(networks)
    (page, post), (hers, theirs) = page_of(here), page_of(other)
    for one in (here, other):
        beat(one)
        beat(one)
    assert sorted(meta.asked) == sorted([f"POST {page.id}", f"POST {hers.id}"]), "each once"
    assert (stands(here).state, stands(other).state) == ("on", "on")
    said(here, meta, page, post, "c'est où ?")
    said(other, meta, hers, theirs, "et toi ?")
    meta.change(
        "page",
        page.id,
        "feed",
        {"item": "like", "verb": "add", "from": {"id": "9"}},
        here.desk.now(),
    )
    meta.tell(here.desk.now(), times=2)
    assert meta.statuses == [200, 200], "both comments in one webhook, sent twice"
    here.desk.live(minutes=3)
    other.desk.live(minutes=1)
    assert [[one.text for one in list_open_comments(each.desk)] for each in (here, other)] == [
        ["c'est où ?"],
        ["et toi ?"],
    ]
    assert rests(here) > timedelta(minutes=50), "later reads are only a fallback"
    here.desk.pass_time(hours=25)
    here.desk.run()
    beat(here, "remarks")
    assert rests(here) <= timedelta(minutes=10), "no webhook for a day may mean silence or a fault"
    assert len(list_open_comments(here.desk)) == 1


def test_undelivered_webhook_is_accepted_when_repeated(
    networks: FakePlatforms, meta: WebhookSender
) -> None:
    here = create_connected_creator(networks)
    page, post = page_of(here)
    beat(here)
    there, meta.address = meta.address, "http://127.0.0.1:9/hooks/meta"
    for text in ("un", "deux"):
        said(here, meta, page, post, text)
        meta.tell(here.desk.now())
    meta.address = there
    here.desk.pass_time(hours=30)
    meta.again(here.desk.now())
    assert meta.statuses == [0, 0, 200, 200]
    here.desk.live(minutes=3)
    assert sorted(one.text for one in list_open_comments(here.desk)) == ["deux", "un"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("", "left_kept"),
        ("accept_then_hang", "left_unanswered"),
        ("reset_before", "left_unanswered"),
    ],
)
def test_disconnected_account_is_unsubscribed(
    networks: FakePlatforms, meta: WebhookSender, fault: str, code: str
) -> None:
    """Credentials are erased regardless of the response. Meta revokes a pasted token only on its
    website."""
    here = create_connected_creator(networks)
    page, _ = page_of(here)
    beat(here)
    assert stands(here).state == "on"
    if fault:
        networks.facebook.book.schedule_fault(fault, times=1, seconds=0.1)
    here.desk.act(disconnection.request_disconnection, here.desk.channels["facebook"], "Anne")
    here.desk.run()
    found = channel(here)
    assert (found.state, found.token) == (ChannelState.DISCONNECTED, None)
    assert found.reason == Message(f"channel.{code}", {"name": "Anne"})
    assert (("page", page.id) in meta.signed_up) == (fault == "reset_before")
    assert stands(here).state == "off"
    beat(here)
    assert meta.asked.count(f"POST {page.id}") == 1, "it is not subscribed again"


def test_webhook_contents_are_never_stored(networks: FakePlatforms, meta: WebhookSender) -> None:
    """A holder of the secret can only trigger a read."""
    here = create_connected_creator(networks)
    page, post = page_of(here)
    beat(here)
    told = {
        "item": "comment",
        "verb": "add",
        "comment_id": f"{post.id}_1",
        "from": {"id": "9"},
        "message": "jamais dit",
    }
    meta.change("page", page.id, "feed", told, here.desk.now())
    meta.tell(here.desk.now())
    here.desk.live(minutes=20)
    assert (meta.statuses, list_open_comments(here.desk)) == ([200], [])
    with here.desk.scope() as scope:
        kept = scope.run(
            "SELECT to_jsonb(i)::text FROM inbox i WHERE tenant_id = :t UNION ALL"
            " SELECT to_jsonb(o)::text FROM outbox o WHERE tenant_id = :t",
            t=here.desk.tenant_id,
        )
        assert not [text for text in kept.scalars() if "jamais dit" in text or SECRET in text]


def test_lost_subscription_response_is_retried(
    networks: FakePlatforms, meta: WebhookSender
) -> None:
    here = create_connected_creator(networks)
    page, _ = page_of(here)
    networks.facebook.book.schedule_fault("reset_after", on="subscriptions")
    beat(here)
    assert stands(here).state == "off"
    here.desk.live(minutes=11)
    beat(here)
    assert (meta.asked, stands(here).state) == ([f"POST {page.id}"] * 2, "on")


def test_subscription_survives_a_crash_at_any_statement(
    networks: FakePlatforms, meta: WebhookSender
) -> None:
    here, at, lived = create_connected_creator(networks), -1, False
    page_of(here)
    while not lived:
        at += 2
        with here.desk.scope() as scope:
            scope.run("DELETE FROM call_subscriptions WHERE tenant_id = :t", t=here.desk.tenant_id)
        next(one for one in TICKS if one.name == "calls").write_rows(here.desk.services.tenant)
        lived = not here.desk.crash(at)
        here.desk.run()
        assert stands(here).state == "on"
    assert at > 1


def test_account_without_webhook_right_is_polled(
    networks: FakePlatforms, meta: WebhookSender
) -> None:
    here = create_connected_creator(networks)
    page, post = page_of(here)
    page.rights -= {"pages_manage_metadata"}
    beat(here)
    refused = stands(here)
    assert refused.reason is not None
    assert (refused.state, refused.reason.code) == ("refused", "calls.right_missing")
    with here.desk.scope() as scope:
        assert channel_of(scope, here.desk.channels["facebook"]).state is ChannelState.ACTIVE
    said(here, meta, page, post, "c'est où ?")
    meta.tell(here.desk.now())
    assert meta.statuses == [], "no webhook is sent for it"
    here.desk.live(minutes=11)
    beat(here, "remarks")
    assert len(list_open_comments(here.desk)) == 1
    page.rights |= {"pages_manage_metadata"}
    page.token = f"{page.token}2"
    here.enrol("facebook", page=page.id, access_token=page.token)
    beat(here)
    assert stands(here).state == "on", "a new token is tried at once"


def test_page_is_subscribed_to_messages_only_if_wanted(
    networks: FakePlatforms, meta: WebhookSender
) -> None:
    here, chatty = create_connected_creator(networks), create_connected_creator(networks)
    page, hers = here.facebook(), chatty.facebook(wanted=WANTED_MESSAGES)
    hers.chats.say("Léo", "avant", networks.facebook.clock())
    make_listener(chatty.desk.services, channel(chatty)).poll_once()
    for one in (here, chatty):
        beat(one)
    assert meta.signed_up["page", page.id] == {"feed"}
    assert meta.signed_up["page", hers.id] == {"feed", "messages"}
    networks.move(1)
    said = hers.chats.say("Léo", "bonjour !", networks.facebook.clock())
    meta.message("page", page.id, said.by, "pas pour nous", here.desk.now())
    meta.message("page", hers.id, said.by, "ce que l’appel dit", here.desk.now())
    meta.tell(here.desk.now(), times=2)
    assert meta.statuses == [200, 200]
    make_listener(chatty.desk.services, channel(chatty)).poll_once()
    chatty.desk.run()
    with chatty.desk.scope() as scope:
        mine = {"t": chatty.desk.tenant_id}
        kept = (
            scope.run("SELECT to_jsonb(i)::text FROM inbox i WHERE tenant_id = :t", **mine)
            .scalars()
            .all()
        )
        assert sum('"chats"' in row for row in kept) == 1, "sent twice, stored once"
        assert not any("appel" in row for row in kept), "no contents of a webhook"
        lines = scope.run(
            "SELECT body FROM messages WHERE tenant_id = :t AND direction = 'in'", **mine
        )
        assert list(lines.scalars()) == ["bonjour !"]
    here.enrol("facebook", page=page.id, access_token=page.token, wanted=WANTED_MESSAGES)
    beat(here)
    assert meta.signed_up["page", page.id] == {"feed", "messages"}, "connected again, with messages"


def test_page_without_message_right_is_subscribed_to_comments(
    networks: FakePlatforms, meta: WebhookSender
) -> None:
    here = create_connected_creator(networks)
    page = here.facebook(wanted=WANTED_MESSAGES)
    page.rights -= {messages.MESSAGE_PERMISSION}
    beat(here)
    assert stands(here).state == "on"
    assert meta.signed_up["page", page.id] == {"feed"}


def test_accounts_are_unsubscribed_if_webhooks_are_disabled(
    networks: FakePlatforms, meta: WebhookSender
) -> None:
    here = create_connected_creator(networks)
    profile = here.instagram()
    beat(here)
    assert meta.signed_up["instagram", profile.id] == {"comments"}
    own = here.desk.services.settings.connectors
    none = own.model_copy(
        update={"meta_secrets": SecretStr(""), "meta_verify_token": SecretStr("")}
    )
    settings = here.desk.services.settings.model_copy(update={"connectors": none})
    here.desk.services = replace(here.desk.services, settings=settings)
    here.desk.__dict__.pop("routes", None)
    here.desk.live(days=7, minutes=1)
    for _ in range(2):
        beat(here)
    assert meta.asked == [f"POST {profile.id}", f"DELETE {profile.id}"]
    assert (stands(here, "instagram").state, ("instagram", profile.id) in meta.signed_up) == (
        "off",
        False,
    )

"""A Telegram bot from the token to posts, replies, Stars and refunds, on a fake that drops and
repeats updates."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from channels.accounts.states import ChannelState
from channels.connections.states import AccountSetupState
from foundation.db.database import Database
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from foundation.i18n.translation import Message, render_message
from foundation.money import Money
from foundation.ops.clock import sleep
from gate.contract.text_marks import add_text_mark
from gate.removal import recall
from schedules.drafts import drafts
from schedules.posts.channel_overrides import ChannelOverride
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal, settlement
from subscribers.checkout import order_payments
from subscribers.ledger import entries
from subscribers.orders.states import OrderState
from tests.conftest import Cluster, wait_until
from tests.fakes.sandbox import RunningSandbox, network
from tests.fakes.telegram import server as fake
from tests.fakes.telegram.stars import Stars
from tests.journeys.telegram_creator import PRICE, TelegramCreator, create_telegram_creator, timed
from tests.schedules.builders import wired
from tests.subscribers.builders import build_model_reply
from tests.workers.relay_worker import house
from workers.event_routes import registry
from workers.relay.ticks import TICKS
from workers.wiring import Services

pytestmark = pytest.mark.heavy

TWO_MINUTES = 120.0


@pytest.fixture(scope="module")
def services(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with wired(cluster, tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as started:
        yield started


@pytest.fixture(scope="module")
def telegram() -> Iterator[fake.TelegramServer]:
    with fake.network() as started:
        yield started


@pytest.fixture
def lea(
    services: Services,
    sandbox: RunningSandbox,
    telegram: fake.TelegramServer,
    database: Database,
    redis_url: str,
) -> Iterator[TelegramCreator]:
    """Provide Léa in a running installation with a listener; her bot is not connected yet."""
    made = create_telegram_creator(services, sandbox, telegram)
    with house(database, redis_url, registry.build_routes(made.services)):
        made.listen()
        yield made
        made.deaf()
    telegram.book.clear_faults()
    assert not telegram.world.checks.broken, telegram.world.checks.broken


def notice(lea: TelegramCreator) -> str:
    return render_message(Message("service.notice.virtual", {"name": "Nova"}), "fr")


def test_connected_bot_replies(lea: TelegramCreator) -> None:
    lea.writer.says = [build_model_reply("Bonjour à toi !")]
    with timed() as seconds:
        lea.connected()
        lea.world.say(lea.bot, "leo", "bonjour")
        lea.waits(lambda seen: len(seen) >= 2, seconds=TWO_MINUTES)
    assert seconds() < TWO_MINUTES  # 5.5 s measured, mostly until the listeners find new accounts
    assert lea.texts() == [notice(lea), add_text_mark("Bonjour à toi !\n\n— créé avec l’IA")]
    account = lea.account()
    assert (account.account, account.state) == (lea.bot.username, ChannelState.ACTIVE)
    assert account.destination_id == str(lea.channel.id)
    assert lea.bot.token.encode() not in b"".join(bytes(row.letter) for row in lea.rows(LETTERS))


LETTERS = "SELECT letter FROM enrolments WHERE tenant_id = :tenant"


def test_invalid_token_or_channel_is_refused(lea: TelegramCreator) -> None:
    closed = lea.world.channel("Closed", username=f"closed{lea.bot.id}", silent=lea.bot)
    for token, channel, code in (
        ("12:nonsense", "", "telegram.bad_token"),
        ("nonsense", "", "telegram.bad_token"),
        ("", "@nobodyhere", "telegram.channel_unknown"),
        ("", closed.username, "telegram.cannot_post"),
    ):
        asked = lea.enrol(token, channel)
        wait_until(lambda asked=asked: lea.stands(asked).state is AccountSetupState.REFUSED)
        reason = lea.stands(asked).reason
        assert reason is not None
        assert reason.code == code


def test_album_is_published_once_and_removed(lea: TelegramCreator) -> None:
    lea.connected()
    desk = lea.desk
    photos = desk.photo(1), desk.photo(2)
    album = desk.delivery(
        "Deux matins.", channel="telegram", media=photos, text_ai="generated", after=60
    )
    lea.pass_time(minutes=2)
    wait_until(lambda: desk.state(album) is DeliveryState.PUBLISHED)
    entry = desk.entry(album)
    assert entry.url == f"https://t.me/{lea.channel.username}/1"
    assert [post.get("caption") for post in lea.posts()] == [
        "Deux matins.\n\nCréé avec une IA",
        None,
    ]
    desk.act(post_removal.request_post_removal, album)
    wait_until(lambda: desk.state(album) is DeliveryState.REMOVED)
    assert lea.posts() == []


def test_paid_post_is_locked_for_stars(lea: TelegramCreator) -> None:
    """A channel without paid media refuses the post, and the account remains active; otherwise one
    message is published."""
    lea.connected()
    desk, asks = lea.desk, (ChannelOverride("telegram", price=Money(50, "XTR")),)
    post_id = desk.write(
        "À débloquer.", media=(desk.photo(1), desk.photo(2)), others=asks, late_ok=None
    )
    lea.channel.sells = False
    post = desk.wish(post_id, "telegram", after=60)
    desk.approve(post_id)
    lea.pass_time(minutes=2)
    wait_until(lambda: desk.state(post) is DeliveryState.FAILED)
    assert desk.entry(post).reason == Message("telegram.no_paid_media")
    assert (lea.posts(), lea.account().state) == ([], ChannelState.ACTIVE)
    lea.channel.sells = True
    desk.act(drafts.retry_delivery, post)
    wait_until(lambda: desk.state(post) is DeliveryState.PUBLISHED)
    (sent,) = lea.posts()
    assert (sent["caption"], sent["_payload"]) == ("À débloquer.", f"delivery:{post}")
    assert (sent["paid_media"]["star_count"], len(sent["paid_media"]["paid_media"])) == (50, 2)
    assert not {"photo", "video"} & sent.keys()


@pytest.mark.parametrize("arrived", [True, False])
def test_lost_response_waits_for_a_member(lea: TelegramCreator, arrived: bool) -> None:
    lea.connected()
    desk = lea.desk
    lea.fault("reset_after" if arrived else "reset_before", "posts")
    lost = desk.delivery("Une seule fois.", channel="telegram", after=60)
    lea.pass_time(minutes=2)
    wait_until(lambda: desk.state(lost) is DeliveryState.UNCERTAIN)
    lea.pass_time(minutes=10)
    sleep(0.5)
    assert desk.state(lost) is DeliveryState.UNCERTAIN
    if arrived:
        where = f"https://t.me/{lea.channel.username}/1"
        desk.act(settlement.record_live_link, lost, native_id=where, url=where)
    else:
        desk.act(settlement.resend_absent_delivery, lost)
    wait_until(lambda: desk.state(lost) is DeliveryState.PUBLISHED)
    assert [post["text"] for post in lea.posts()] == ["Une seule fois."]


def invoiced(lea: TelegramCreator) -> None:
    """Offer the pack to a fan, up to the invoice."""
    lea.writer.says = [
        build_model_reply("Bonjour !"),
        build_model_reply("Regarde ce que j'ai pris", offer_id="o1"),
    ]
    lea.world.say(lea.bot, "leo", "bonjour")
    lea.waits(lambda seen: len(seen) >= 2)
    lea.world.say(lea.bot, "leo", "tu as des photos ?")
    lea.waits(lambda seen: any("reply_markup" in one for one in seen), seconds=30)
    pressed = lea.world.press(lea.bot, "leo", "buy:")
    lea.waits(lambda seen: any("invoice" in one for one in seen))
    assert lea.bot.callbacks[pressed["callback_query"]["id"]]


def bought(lea: TelegramCreator) -> None:
    """Offer the pack to a fan, who pays."""
    invoiced(lea)
    checkout = lea.world.pay(lea.bot, "leo")
    wait_until(lambda: checkout.state == "paid")
    lea.waits(lambda seen: sum("photo" in one for one in seen) >= 2)


def test_pack_is_sold_once_and_refunded_once(lea: TelegramCreator) -> None:
    lea.connected()
    bought(lea)
    updates = [
        told
        for told in lea.world.log
        if "message" in told and "successful_payment" in told["message"]
    ]
    for _ in range(2):
        lea.world.again(lea.bot, *updates)
        wait_until(lambda: not lea.world.waiting(lea.bot))
    sleep(1.0)
    payment = lea.rows("SELECT id, order_id, charge_id FROM payments WHERE tenant_id = :tenant")
    assert len(payment) == 1
    assert sum("photo" in one for one in lea.seen()) == 2
    assert lea.bot.balance == PRICE == balance(lea)
    lea.fault("reset_after", "refunds")
    with lea.desk.scope() as scope:
        order_payments.request_order_refund(scope, payment[0].id, reason=Message("refund.done"))
    wait_until(lambda: lea.bot.balance == 0)
    lea.pass_time(minutes=2)
    back = lea.rows("SELECT state FROM refunds WHERE tenant_id = :tenant")
    wait_until(
        lambda: lea.rows("SELECT state FROM refunds WHERE tenant_id = :tenant")[0].state == "done"
    )
    assert len(back) == 1
    assert lea.bot.balance == 0 == balance(lea)
    assert [
        one.state for one in lea.rows("SELECT state FROM orders WHERE tenant_id = :tenant")
    ] == [str(OrderState.REFUNDED)]


def test_payment_while_offline_is_delivered_by_reconciliation(
    lea: TelegramCreator,
) -> None:
    lea.connected()
    invoiced(lea)
    lea.deaf()
    stars, compare = Stars(lea.world, lea.bot), next(one for one in TICKS if one.name == "rails")
    invoice = next(
        one["_invoice"]
        for one in lea.bot.chats[lea.world.person("leo").id].messages.values()
        if "_invoice" in one
    )
    charge = stars.charge("leo", PRICE, invoice["payload"], told=False)
    for _ in range(2):  # both readings in one minute: the second finds nothing new
        compare.write_rows(lea.services.tenant)
        lea.waits(lambda seen: sum("photo" in one for one in seen) >= 2, seconds=30)
    paid = lea.rows("SELECT charge_id, kind, recovered FROM payments WHERE tenant_id = :tenant")
    assert [(row.charge_id, row.kind, row.recovered) for row in paid] == [(charge, "matched", True)]
    assert lea.bot.balance == PRICE == balance(lea)
    stars.back(charge)
    stars.withdraw(0)
    lea.pass_time(minutes=15)
    compare.write_rows(lea.services.tenant)
    wait_until(lambda: balance(lea) == 0)
    assert lea.rows("SELECT state FROM orders WHERE tenant_id = :tenant")[0].state == str(
        OrderState.REFUNDED
    )
    read = "SELECT lies_minor, differs_minor, unread FROM rail_readings WHERE tenant_id = :tenant"
    wait_until(lambda: [tuple(row) for row in lea.rows(read)] == [(0, 0, 0)])
    assert sum("photo" in one for one in lea.seen()) == 2


def test_recalled_pack_too_old_to_delete_is_replaced_and_refunded(
    lea: TelegramCreator,
) -> None:
    lea.connected()
    bought(lea)
    lea.pass_time(hours=49)
    with lea.desk.scope() as scope:
        sold = scope.run(
            "SELECT media FROM permits WHERE subject_kind = 'fulfilment' AND tenant_id = :t",
            t=scope.tenant_id,
        )
        for sha256 in sorted({each for row in sold for each in row.media}):
            recall.block_bytes(scope, sha256, category="shown")
    removed = render_message(Message("service.safety.removed.picture"), "fr")
    lea.waits(
        lambda seen: [one.get("caption") for one in seen if "photo" in one] == [removed] * 2,
        seconds=60,
    )
    wait_until(lambda: "copy.replaced_in_chat" in lea.desk.notices().values())
    wait_until(lambda: lea.bot.balance == 0)
    assert len(lea.bot.edits) == 2
    left = lea.rows(
        "SELECT gone_at FROM permits WHERE tenant_id = :tenant AND subject_kind = 'fulfilment'"
    )
    assert [row.gone_at for row in left] == [None], (
        "it counts as live until a member reports otherwise"
    )


def balance(lea: TelegramCreator) -> int:
    with lea.desk.scope() as scope:
        return entries.account_balance(
            scope, entries.rail_ledger_account("stars", lea.bot.username)
        ).get("XTR", 0)


def test_repeated_and_reordered_updates_get_one_reply(lea: TelegramCreator) -> None:
    lea.connected()
    lea.deaf()
    lea.writer.says = [
        build_model_reply("Me voilà")
    ] * 3  # a message that arrives during the generation restarts it
    first = lea.world.say(lea.bot, "leo", "coucou")
    second = lea.world.say(lea.bot, "leo", "tu es là ?")
    lea.world.again(lea.bot, second, first, second)
    lea.listen()
    lea.waits(lambda seen: any("Me voilà" in one["text"] for one in seen), seconds=30)
    lea.deaf()
    lea.world.again(lea.bot, first, second)
    lea.listen()
    wait_until(lambda: not lea.world.waiting(lea.bot))
    sleep(4.0)
    assert [text.split("\n")[0] for text in lea.texts()] == [notice(lea).split("\n")[0], "Me voilà"]
    heard = lea.rows(
        "SELECT body FROM messages WHERE tenant_id = :tenant AND direction = 'in' ORDER BY seq"
    )
    assert sorted(row.body for row in heard) == ["coucou", "tu es là ?"]


def test_fan_who_blocks_the_bot_is_unreachable_until_the_next_message(lea: TelegramCreator) -> None:
    lea.connected()
    lea.world.say(lea.bot, "leo", "/terms")
    terms = render_message(Message("service.about.terms"), "fr")
    lea.waits(lambda seen: any(one["text"] == terms for one in seen))
    lea.world.block(lea.bot, "leo")
    wait_until(lambda: reachable(lea) == ["blocked_us"])
    lea.world.say(lea.bot, "leo", "/terms")
    wait_until(lambda: reachable(lea) == ["yes"])


def reachable(lea: TelegramCreator) -> list[str]:
    return [
        row.reachable
        for row in lea.rows("SELECT reachable FROM fan_identities WHERE tenant_id = :tenant")
    ]


def test_two_listeners_of_one_bot_notify_members(lea: TelegramCreator) -> None:
    lea.connected()
    wait_until(lambda: lea.bot.polls > 0)
    lea.listen()  # another process, by mistake
    wait_until(lambda: "channel.two_listeners" in lea.desk.notices().values())


@pytest.fixture
def called(
    services: Services,
    sandbox: RunningSandbox,
    telegram: fake.TelegramServer,
    database: Database,
    redis_url: str,
) -> Iterator[tuple[TelegramCreator, str]]:
    """Provide Léa in an installation with a public address, which gets webhooks, and its local
    address."""
    made = create_telegram_creator(
        services, sandbox, telegram, public_url="https://house.example.test"
    )
    with house(database, redis_url, registry.build_routes(made.services)):
        made.listen()
        with made.door() as at:
            made.connected()
            wait_until(lambda: bool(made.bot.hook))
            yield made, at
        made.deaf()
    telegram.book.clear_faults()
    assert not telegram.world.checks.broken, telegram.world.checks.broken


def test_repeated_and_reordered_webhooks_get_one_reply(called: tuple[TelegramCreator, str]) -> None:
    lea, at = called
    http = HttpClient()
    lea.writer.says = [
        build_model_reply("Me voilà")
    ] * 3  # a message that arrives during the generation restarts it
    first = lea.world.say(lea.bot, "leo", "coucou")
    second = lea.world.say(lea.bot, "leo", "tu es là ?")
    assert fake.call(lea.world, lea.bot, http, at=at, secret="") == [401]
    assert fake.call(lea.world, lea.bot, http, at=at, secret="x" * 64) == [401]
    lea.world.again(lea.bot, second, first, second)
    assert set(fake.call(lea.world, lea.bot, http, at=at)) == {200}
    lea.waits(lambda seen: any("Me voilà" in one["text"] for one in seen), seconds=30)
    lea.world.again(lea.bot, first)
    assert fake.call(lea.world, lea.bot, http, at=at) == [200]
    sleep(4.0)
    assert [text.split("\n")[0] for text in lea.texts()] == [notice(lea).split("\n")[0], "Me voilà"]
    kept = lea.rows("SELECT key FROM inbox WHERE tenant_id = :tenant")
    assert {row.key for row in kept} == {str(one["update_id"]) for one in (first, second)}


def test_checkout_webhook_is_answered_in_time_and_once(
    called: tuple[TelegramCreator, str],
) -> None:
    lea, at = called
    http = HttpClient()
    lea.writer.says = [
        build_model_reply("Bonjour !"),
        build_model_reply("Regarde ce que j'ai pris", offer_id="o1"),
    ]
    for text, many in (("bonjour", 2), ("tu as des photos ?", 3)):
        lea.world.say(lea.bot, "leo", text)
        fake.call(lea.world, lea.bot, http, at=at)
        lea.waits(lambda seen, many=many: len(seen) >= many, seconds=30)
    lea.world.press(lea.bot, "leo", "buy:")
    fake.call(lea.world, lea.bot, http, at=at)
    lea.waits(lambda seen: any("invoice" in one for one in seen))
    checkout = lea.world.pay(lea.bot, "leo")
    asked = lea.world.waiting(lea.bot)[-1]
    fake.call(lea.world, lea.bot, http, at=at)
    assert checkout.state == "paid"
    lea.world.again(lea.bot, asked, *lea.world.waiting(lea.bot))
    assert set(fake.call(lea.world, lea.bot, http, at=at)) == {200}
    lea.waits(lambda seen: sum("photo" in one for one in seen) >= 2)
    sleep(1.0)
    assert sum("photo" in one for one in lea.seen()) == 2
    assert len(lea.rows("SELECT 1 FROM payments WHERE tenant_id = :tenant")) == 1
    assert lea.bot.balance == PRICE == balance(lea)


def test_invalid_webhook_requests_are_refused(called: tuple[TelegramCreator, str]) -> None:
    lea, at = called
    path = lea.bot.hook["url"].removeprefix("https://house.example.test")
    http, secret = HttpClient(), {fake.SECRET: lea.bot.hook["secret"]}

    def status(path: str, body: bytes = b"{}", headers: dict[str, str] = secret) -> int:
        reply = http.send(HttpRequest("POST", at + path, headers, body, 5.0))
        assert isinstance(reply, HttpResponse)
        return reply.status

    assert status("/hooks/telegram/nobody") == 404
    assert status(path.replace("telegram", "discord")) == 404
    assert status(path, headers={}) == 401
    assert status(path, b"no json") == 400
    assert status(path, b"x" * (2 * 1024 * 1024)) == 400
    assert status(path) == 200  # an update without a number is never processed


def test_bot_without_public_address_is_polled_again(called: tuple[TelegramCreator, str]) -> None:
    lea, _ = called
    lea.deaf()
    lea.desk.services = replace(
        lea.services, settings=lea.services.settings.model_copy(update={"public_url": ""})
    )
    lea.listen()
    wait_until(lambda: not lea.bot.hook)
    lea.writer.says = [build_model_reply("Me voilà")]
    lea.world.say(lea.bot, "leo", "coucou")
    lea.waits(lambda seen: any("Me voilà" in one["text"] for one in seen), seconds=30)

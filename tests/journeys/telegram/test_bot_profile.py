"""The profile of a connected bot, and the updates about its channel."""

from channels.accounts.states import ChannelState
from channels.connections import disconnection
from foundation.i18n.translation import Message, render_message
from schedules.posts.states import DeliveryState
from tests.conftest import wait_until
from tests.fakes.telegram.reactions import KIND, react
from tests.journeys.telegram.test_bot import lea, sandbox, services, telegram  # noqa: F401  fixtures
from tests.journeys.telegram_creator import TelegramCreator
from workers.relay.ticks import TICKS


# fixture
def test_connected_bot_shows_its_commands_and_description(lea: TelegramCreator) -> None:  # noqa: F811  see above
    lea.connected()
    shown = lea.bot.shown
    wait_until(lambda: "fr" in shown.shorts)
    assert shown.menu("fr")["human"] == render_message(Message("command.human"), "fr")
    assert shown.descriptions[""] == render_message(Message("telegram.about"), "en")
    written = len(shown.written)
    tick = next(one for one in TICKS if one.name == "menus")
    shown.commands.clear()  # as after an upgrade with a new command
    tick.write_rows(lea.services.tenant)
    wait_until(lambda: len(shown.written) == written + 2)
    assert (
        shown.menu("fr").keys() == shown.menu("").keys() >= {"start", "stop", "age", "subscription"}
    )


def test_reactions_are_measured_by_age_of_the_post(lea: TelegramCreator) -> None:  # noqa: F811  fixture
    lea.connected()
    desk = lea.desk
    photos = desk.photo(1), desk.photo(2)
    album = desk.delivery(
        "Deux matins.", channel="telegram", media=photos, text_ai="generated", after=60
    )
    lea.pass_time(minutes=2)
    wait_until(lambda: desk.state(album) is DeliveryState.PUBLISHED)
    wait_until(lambda: KIND in lea.bot.allowed)
    assert react(lea.world, lea.bot, lea.channel, 1, fire=3, heart=1, paid=40) is not None
    wait_until(lambda: [row.likes for row in lea.rows(HEARD)] == [4])
    lea.pass_time(hours=1)
    wait_until(lambda: [tuple(row) for row in lea.rows(READ)] == [(1, 4, "measured")])


HEARD = "SELECT likes FROM heard_counts WHERE tenant_id = :tenant"
READ = (
    "SELECT age_hours, value, quality FROM metric_snapshots WHERE tenant_id = :tenant AND metric "
    "= 'likes'"
)


# fixture
def test_removed_bot_suspends_the_account_until_readmission(
    lea: TelegramCreator,  # noqa: F811  a fixture
) -> None:
    """No account is connected again, and the held post is published."""
    lea.connected()
    lea.world.throw_out(lea.bot, lea.channel)
    wait_until(lambda: lea.account().state is ChannelState.GONE)
    waiting = lea.desk.delivery("Bientôt.", channel="telegram")
    wait_until(lambda: lea.desk.state(waiting) is DeliveryState.HELD)
    wait_until(lambda: "channel.notice_gone_posts" in lea.desk.notices().values())
    lea.world.let_in(lea.bot, lea.channel)
    wait_until(lambda: lea.account().state is ChannelState.ACTIVE)
    wait_until(lambda: lea.desk.state(waiting) is DeliveryState.PUBLISHED)
    assert [one.get("text") for one in lea.posts()] == ["Bientôt."]
    assert not [
        code for code in lea.desk.notices().values() if code.startswith("channel.notice_gone")
    ]


# fixture
def test_reconnected_account_keeps_its_id(lea: TelegramCreator) -> None:  # noqa: F811  see above
    """A disconnected account publishes and receives nothing; its grant is revoked and its history
    remains."""
    account = lea.connected()
    done = lea.desk.delivery("Avant.", channel="telegram")
    wait_until(lambda: lea.desk.state(done) is DeliveryState.PUBLISHED)
    waiting = lea.desk.delivery("Après.", channel="telegram", after=120)
    lea.desk.act(disconnection.request_disconnection, account, "Anne")
    lea.desk.act(disconnection.request_disconnection, account, "Anne")  # a second click
    wait_until(lambda: lea.account().state is ChannelState.DISCONNECTED)
    assert lea.account().reason == Message("channel.left_kept", {"name": "Anne"})
    assert lea.account().token is None
    lea.pass_time(minutes=3)
    wait_until(lambda: lea.desk.state(waiting) is DeliveryState.HELD)
    wait_until(lambda: "channel.notice_disconnected_posts" in lea.desk.notices().values())
    lea.world.throw_out(lea.bot, lea.channel)
    lea.world.let_in(lea.bot, lea.channel)
    assert [one.get("text") for one in lea.posts()] == ["Avant."]
    assert lea.connected() == account
    wait_until(lambda: lea.desk.state(waiting) is DeliveryState.PUBLISHED)
    assert [one.get("text") for one in lea.posts()] == ["Avant.", "Après."]
    assert "channel.notice_disconnected_posts" not in lea.desk.notices().values()

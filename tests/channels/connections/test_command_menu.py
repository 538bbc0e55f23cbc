"""The menu a bot shows and what it says of itself: put up once, mended where it differs, whatever
hangs or dies."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from channels.connections import command_menu
from channels.connections.events import CommandMenuDue
from connectors.contract.bot_commands import CommandMenu
from connectors.contract.capabilities import Capabilities
from foundation.db.database import Database
from foundation.i18n.translation import Message, render_message
from foundation.outbox import outbox
from subscribers.intake import fan_commands
from tests.channels.builders import Clockwork, Killed
from tests.channels.telegram_builders import CONNECTORS, BotWorld, bot_world
from tests.fakes.telegram import server as fake

BY_LANGUAGE = {"": "en", "fr": "fr"}
WORDS = ["commands", "description", "short_description"]


@pytest.fixture
def nova(database: Database, telegram: fake.TelegramServer) -> Iterator[BotWorld]:
    made = bot_world(database, telegram)
    yield made
    telegram.book.clear_faults()
    assert not telegram.world.checks.broken, telegram.world.checks.broken


def menu_of(capabilities: Capabilities) -> CommandMenu:
    return fan_commands.command_menu(sells=capabilities.can_sell)


def look(nova: BotWorld) -> float:
    """One look at the menu; seconds after which it comes back, 0 when it is done."""
    event = CommandMenuDue(nova.tenant_id, nova.channel_id)
    try:
        command_menu.update_menu(
            event,
            tenant=nova.tenant,
            transport=nova.transport(),
            connectors=CONNECTORS,
            menu_of=menu_of,
        )
    except outbox.RetryLater as later:
        nova.pass_time(later.after.total_seconds())
        return later.after.total_seconds()
    return 0.0


def stands(nova: BotWorld) -> bool:
    """Whether everything is shown, in each language, to whoever writes to the bot alone."""
    shown = nova.bot.shown
    return all(
        shown.menu(language)
        == {one.name: render_message(one.about, spoken) for one in fan_commands.KNOWN}
        and shown.descriptions.get(language) == render_message(Message("telegram.about"), spoken)
        and shown.shorts.get(language) == render_message(Message("telegram.about.short"), spoken)
        for language, spoken in BY_LANGUAGE.items()
    )


def notices(nova: BotWorld) -> list[str]:
    with nova.scope() as scope:
        statement = (
            "SELECT message ->> 'code' FROM notices WHERE tenant_id = :t AND settled_at IS NULL"
        )
        return list(scope.run(statement, t=nova.tenant_id).scalars().all())


def test_it_is_put_up_once_and_mended_where_it_differs(nova: BotWorld) -> None:
    shown = nova.bot.shown
    assert look(nova) == 0
    assert stands(nova)
    assert shown.menu("", "all_group_chats") == {}  # in a group it answers nobody
    assert shown.written == WORDS * 2
    assert look(nova) == 0
    assert shown.written == WORDS * 2  # nothing differs
    shown.commands = {of: [{"command": "dance", "description": "…"}] for of in shown.commands}
    shown.descriptions["fr"] = "Je suis Léa."
    assert look(nova) == 0
    assert stands(nova)
    assert shown.written[6:] == ["commands", "commands", "description"]


def test_what_the_owner_wrote_on_the_profile_stays(nova: BotWorld) -> None:
    shown = nova.bot.shown
    shown.shorts[""] = "La boîte de Léa"
    shown.descriptions[""] = (
        "Écris-moi !"  # shown before the first word: that a program answers is said there
    )
    assert look(nova) == 0
    assert shown.shorts == {"": "La boîte de Léa"}
    assert shown.descriptions[""] == render_message(Message("telegram.about"), "en")
    assert "program" in shown.descriptions[""]


@pytest.mark.parametrize(
    "fault", ["reset_before", "reset_after", "status:503_after", "status:429", "garbage"]
)
def test_a_bad_day_only_makes_it_later(nova: BotWorld, fault: str) -> None:
    nova.fault(fault, "menus", times=3, retry_after=7)
    tries = 1
    while look(nova):
        tries += 1
        assert tries < 10
    assert tries > 1
    assert stands(nova)
    assert notices(nova) == []


@pytest.mark.parametrize("at", [0, 3, 9, 20, 33])
def test_killed_anywhere_it_is_taken_up_again(nova: BotWorld, at: int) -> None:
    nova.clockwork = Clockwork(at)
    with suppress(Killed):
        look(nova)
    nova.clockwork = Clockwork()
    assert look(nova) == 0
    assert stands(nova)
    assert nova.bot.shown.written.count("commands") <= 3  # the one whose answer nobody saw, perhaps


def test_a_refusal_is_told_and_ends_nothing(nova: BotWorld) -> None:
    nova.fault("status:400", "menus")
    assert look(nova) == 0
    assert notices(nova) == ["menu.refused"]
    assert nova.channel().state == "active"
    assert look(nova) == 0
    assert (notices(nova), stands(nova)) == ([], True)

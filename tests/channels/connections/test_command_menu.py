"""A bot's menu and profile texts: set once, corrected where they differ, despite timeouts and
crashes."""

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
    """Update the menu once; return the seconds until the retry, 0 when it is done."""
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
    """Return True if everything is shown in each language, in private chats only."""
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


def test_menu_is_set_once_and_corrected_where_it_differs(nova: BotWorld) -> None:
    shown = nova.bot.shown
    assert look(nova) == 0
    assert stands(nova)
    assert shown.menu("", "all_group_chats") == {}  # the bot does not answer in groups
    assert shown.written == WORDS * 2
    assert look(nova) == 0
    assert shown.written == WORDS * 2  # nothing differs
    shown.commands = {of: [{"command": "dance", "description": "…"}] for of in shown.commands}
    shown.descriptions["fr"] = "Je suis Léa."
    assert look(nova) == 0
    assert stands(nova)
    assert shown.written[6:] == ["commands", "commands", "description"]


def test_owners_profile_text_is_kept(nova: BotWorld) -> None:
    shown = nova.bot.shown
    shown.shorts[""] = "La boîte de Léa"
    shown.descriptions[""] = (
        "Écris-moi !"  # shown before the first message: it discloses that a program answers
    )
    assert look(nova) == 0
    assert shown.shorts == {"": "La boîte de Léa"}
    assert shown.descriptions[""] == render_message(Message("telegram.about"), "en")
    assert "bot" in shown.descriptions[""]


@pytest.mark.parametrize(
    "fault", ["reset_before", "reset_after", "status:503_after", "status:429", "garbage"]
)
def test_platform_fault_only_delays_the_menu(nova: BotWorld, fault: str) -> None:
    nova.fault(fault, "menus", times=3, retry_after=7)
    tries = 1
    while look(nova):
        tries += 1
        assert tries < 10
    assert tries > 1
    assert stands(nova)
    assert notices(nova) == []


@pytest.mark.parametrize("at", [0, 3, 9, 20, 33])
def test_crash_at_any_point_is_resumed(nova: BotWorld, at: int) -> None:
    nova.clockwork = Clockwork(at)
    with suppress(Killed):
        look(nova)
    nova.clockwork = Clockwork()
    assert look(nova) == 0
    assert stands(nova)
    assert nova.bot.shown.written.count("commands") <= 3  # plus perhaps one whose response was lost


def test_refused_menu_is_reported_and_the_account_continues(nova: BotWorld) -> None:
    nova.fault("status:400", "menus")
    assert look(nova) == 0
    assert notices(nova) == ["menu.refused"]
    assert nova.channel().state == "active"
    assert look(nova) == 0
    assert (notices(nova), stands(nova)) == ([], True)

"""Discord commands: the menu, the effect of a chosen command in a chat and on a server, and the
removal of the bot from a server."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from channels.accounts import lifecycle
from channels.accounts import queries as channel_reads
from foundation.i18n.translation import Message, render_message
from foundation.ops.clock import sleep
from schedules.posts.states import DeliveryState
from tenants.notices.queries import list_open_notices
from tests.conftest import wait_until
from tests.fakes.discord.state import Json

# fixtures
from tests.journeys.discord.test_bot import House, connected, fake, house, services  # noqa: F401  see above

OFFERED = {"start", "stop", "human", "age", "memory", "terms", "privacy", "report"}
DEFERRED = {"type": 5, "data": {"flags": 64}}
ALL: Json = {"name": "what", "type": 3, "value": "all"}


def menu(here: House) -> dict[str, Json]:
    return here.fake.interactions.menus.get(here.bot.id, {})


def full(here: House) -> bool:
    return menu(here).keys() >= OFFERED


def notices(here: House) -> list[str]:
    with here.desk.scope() as scope:
        return [notice.message.code for notice in list_open_notices(scope)]


def asked(here: House, since: int) -> list[str]:
    """Return the methods of the menu requests since number `since`."""
    rows = [
        row
        for row in here.fake.book.list_requests()
        if row["kind"] == "menus" and row["account"] == here.bot.id
    ]
    return [row["method"] for row in rows][since:]


# fixture
def test_menu_is_created_once_for_a_connected_account(connected: House) -> None:  # noqa: F811  see above
    here = connected
    ear = here.ear()
    wait_until(lambda: full(here))
    assert menu(here).keys() == OFFERED
    assert menu(here)["human"]["description_localizations"]["fr"] == render_message(
        Message("command.human"), "fr"
    )
    here.over(ear)
    assert asked(here, 0) == ["GET", *["POST"] * len(OFFERED)]

    again = here.ear()  # another start: nothing to do
    wait_until(lambda: len(asked(here, 0)) == 2 + len(OFFERED))
    here.over(again)
    menu(here)["stop"]["description"] = "as an older version said it"
    menu(here)["dance"] = {
        "id": "5",
        "name": "dance",
        "type": 1,
        "description": "another program's",
    }
    before = len(asked(here, 0))
    newer = here.ear()
    wait_until(
        lambda: menu(here)["stop"]["description"] == render_message(Message("command.stop"), "en")
    )
    here.over(newer)
    assert asked(here, before) == ["GET", "POST"]
    assert menu(here).keys() == {*OFFERED, "dance"}


@pytest.mark.parametrize(
    "fault",
    [
        "hang",
        "reset_before",
        "reset_after",
        "status:503",
        "status:503_after",
        "garbage",
        "status:429",
    ],
)
# fixture
def test_faults_delay_the_menu_but_never_lose_it(connected: House, fault: str) -> None:  # noqa: F811  see above
    here = connected
    for number in range(2):
        here.fake.book.schedule_fault(
            fault, account=here.bot.id, on="menus", seconds=0.2 + number / 10, retry_after=1
        )
    ear = here.ear()
    here.fake.write(here.bot, here.leo, "bonjour")
    wait_until(lambda: here.heard() == ["bonjour"])
    wait_until(lambda: full(here), seconds=120)
    here.over(ear)
    assert len(menu(here)) == len(OFFERED)
    assert "listen.no_menu" not in notices(here)


# fixture
def test_full_menu_notifies_and_typed_commands_work(connected: House) -> None:  # noqa: F811  see above
    here = connected
    for number in range(100):
        here.fake.interactions.write(
            here.bot, here.bot.id, {"name": f"dance-{number}", "description": "…"}
        )
    ear = here.ear()
    wait_until(lambda: "listen.no_menu" in notices(here))
    here.fake.write(here.bot, here.leo, "/stop")
    wait_until(lambda: here.heard() == ["/stop"])
    here.over(ear)
    menu(here).clear()
    ear = here.ear()
    wait_until(lambda: "listen.no_menu" not in notices(here))
    assert menu(here).keys() == OFFERED
    here.over(ear)


def test_chosen_command_acts_like_the_typed_one(connected: House) -> None:  # noqa: F811  fixture
    here, desk = connected, connected.desk
    ear = here.ear()
    choice = here.fake.choose(here.bot, here.leo, "stop", ALL, locale="fr")
    done = here.fake.interactions.asked[choice]
    wait_until(lambda: choice in here.fake.acks and done.shown is None)
    assert here.fake.acks[choice] == DEFERRED
    assert here.heard() == ["/stop all"]
    desk.live(minutes=1)
    notice = render_message(Message("service.notice.virtual", {"name": "Nova"}), "fr")
    assert here.answers() == [notice, render_message(Message("service.stopped.all"), "fr")]

    told = here.fake.interactions.told[choice]
    here.fake.gateway.tell(
        here.bot, "INTERACTION_CREATE", told
    )  # the event is repeated, then another command follows
    here.fake.choose(here.bot, here.leo, "terms")
    wait_until(lambda: len(here.heard()) > 1)
    assert here.heard() == ["/stop all", "/terms"]
    desk.live(minutes=1)
    assert here.answers()[1:] == [
        render_message(Message(f"service.{what}"), "fr") for what in ("stopped.all", "about.terms")
    ]
    here.over(ear)


def test_command_on_a_server_is_answered_privately(connected: House) -> None:  # noqa: F811  fixture
    here, desk = connected, connected.desk
    ear = here.ear()
    choice = here.fake.choose(here.bot, here.leo, "privacy", where=here.place, locale="en-GB")
    done = here.fake.interactions.asked[choice]
    chat = here.fake.world.direct(here.bot, here.leo)
    wait_until(lambda: done.shown == f"https://discord.com/channels/@me/{chat.id}")
    assert done.private
    desk.live(minutes=1)
    assert here.answers()[-1] == render_message(Message("service.about.privacy"), "en")
    assert here.posts() == []
    assert here.place.messages == []
    here.over(ear)


def test_foreign_or_malformed_commands_are_ignored(connected: House) -> None:  # noqa: F811  fixture
    here = connected
    ear = here.ear()
    forged: dict[str, Any] = {"application_id": "77", "id": here.fake.world.snowflake()}
    true = here.fake.choose(here.bot, here.leo, "start")
    wait_until(lambda: here.heard() == ["/start"])
    told = here.fake.interactions.told[true]
    here.fake.gateway.tell(here.bot, "INTERACTION_CREATE", {**told, **forged})
    others = [
        here.fake.choose(here.bot, here.leo, "dance"),
        here.fake.choose(here.bot, here.leo, "x" * 5000),
        here.fake.interactions.choose(
            here.bot,
            here.leo,
            here.place,
            {"name": "stop", "type": 2, "target_id": "1"},
            locale="fr",
        ),
    ]
    here.fake.choose(
        here.bot, here.leo, "stop", {**ALL, "value": "<script>" * 700}, {**ALL, "name": "and"}
    )
    here.fake.choose(here.bot, here.leo, "human", {"name": "what", "type": 3, "value": "all"})
    wait_until(lambda: len(here.heard()) == 3)
    assert here.heard() == ["/start", "/stop", "/human"]
    assert not here.fake.acks.keys() & {*others, forged["id"]}
    here.over(ear)


# fixture
def test_busy_listener_acknowledges_in_time(connected: House) -> None:  # noqa: F811  see above
    here = connected
    ear = here.ear()
    here.fake.write(here.bot, here.leo, "un")
    wait_until(lambda: here.heard() == ["un"])
    here.over(ear)
    chat = here.fake.world.direct(here.bot, here.leo)
    here.fake.book.schedule_fault(
        "status:503", account=chat.id, on="lookups", times=2
    )  # the history is read slowly
    ear = here.ear()
    choice = here.fake.choose(here.bot, here.leo, "human")
    wait_until(lambda: choice in here.fake.acks)
    done = here.fake.interactions.asked[choice]
    assert (here.heard(), done.shown) == (["un"], "…")
    wait_until(lambda: done.shown is None)
    assert here.heard() == ["un", "/human"]
    here.over(ear)


@pytest.mark.parametrize("fault", ["reset_after", "status:503_after", "reset_before", "status:503"])
# fixture
def test_lost_acknowledgement_loses_no_command(connected: House, fault: str) -> None:  # noqa: F811  see above
    here, desk = connected, connected.desk
    here.fake.book.schedule_fault(fault, on="acks", seconds=0.1)
    ear = here.ear()
    here.fake.choose(here.bot, here.leo, "stop")
    wait_until(lambda: here.heard() == ["/stop"])
    desk.live(minutes=1)
    assert here.answers()[-1] == render_message(Message("service.stopped.sales"), "fr")
    here.over(ear)


def test_interaction_token_is_not_logged_or_stored(
    connected: House,  # noqa: F811  fixture
    capfd: pytest.CaptureFixture[str],
) -> None:
    here = connected
    here.fake.book.schedule_fault("status:503", on="answers", account=here.bot.id)
    ear = here.ear()
    choice = here.fake.choose(here.bot, here.leo, "human", where=here.place)
    press = here.fake.press(here.bot, here.leo, "age:")
    wait_until(lambda: here.fake.acks.keys() >= {choice, press})
    wait_until(lambda: len(here.heard()) == 2)
    here.over(ear)
    words = [here.fake.interactions.asked[each].token for each in (choice, press)]
    said = capfd.readouterr()
    assert "gateway.not_acknowledged" in said.out + said.err
    with here.desk.scope() as scope:
        tables = (
            "outbox",
            "messages",
            "conversations",
            "fans",
            "fan_identities",
            "attempts",
            "notices",
        )
        kept = [row[0] for table in tables for row in scope.run(f"SELECT t::text FROM {table} t")]
    assert kept
    assert not [
        word for word in words if word in said.out + said.err or any(word in row for row in kept)
    ]


@contextmanager
def heard(here: House) -> Iterator[None]:
    """Listen until the process ends."""
    ear = here.ear()
    try:
        yield
    finally:
        here.over(ear)


def test_removal_from_a_server_suspends_the_account_until_return(connected: House) -> None:  # noqa: F811  fixture
    """Its queue waits with a notice. An unavailable server is no removal, and no account must be
    connected again."""
    here, gateway = connected, connected.fake.gateway
    roles = list(here.guild.members[here.bot.id])

    def stands() -> tuple[str, str]:
        with here.desk.scope() as scope:
            channel = channel_reads.get_channel(scope, here.desk.channels["main"])
        return str(channel.state), channel.reason.code if channel.reason is not None else ""

    with heard(here):
        gateway.is_down(here.bot, here.guild)
        sleep(0.3)
        assert stands() == ("active", "")
        gateway.let_in(here.bot, here.guild, roles)
        gateway.put_out(here.bot, here.guild)
        wait_until(lambda: stands() == ("gone", "channel.shut_out"))
        waiting = here.desk.delivery("Bientôt.", after=60)
        here.desk.pass_time(minutes=2)
        here.desk.run()
        assert here.posts() == []
        assert "channel.notice_gone" in "".join(here.desk.notices().values())
        gateway.let_in(here.bot, here.guild, roles)
        wait_until(lambda: stands() == ("active", ""))
        here.desk.pass_time(minutes=3)
        here.desk.run()
        assert (here.desk.state(waiting), here.posts()) == (DeliveryState.PUBLISHED, ["Bientôt."])
        assert not [
            code for code in here.desk.notices().values() if code.startswith("channel.notice_gone")
        ]
        with here.desk.scope() as scope:
            lifecycle.pause_account(
                scope, here.desk.channels["main"], Message("channel.paused_by", {"name": "Anne"})
            )
        gateway.put_out(here.bot, here.guild)
        wait_until(lambda: stands() == ("gone", "channel.shut_out"))
        gateway.let_in(here.bot, here.guild, roles)
        wait_until(lambda: stands() == ("paused", "channel.paused_by"))
        with here.desk.scope() as scope:
            lifecycle.resume_account(scope, here.desk.channels["main"])
    here.guild.members.pop(here.bot.id)  # while no process listens
    with heard(here):
        wait_until(lambda: stands() == ("gone", "channel.shut_out"))
    here.guild.members[here.bot.id] = roles
    with heard(here):
        wait_until(lambda: stands() == ("active", ""))

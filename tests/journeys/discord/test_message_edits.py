"""What somebody edits in their app, from Discord's gateway to what they and the members see."""

import pytest

from foundation.i18n.translation import Message, render_message
from tests.conftest import wait_until
from tests.fakes.discord.edits import UPDATE, edit, touch
from tests.fakes.discord.gateway import DIRECT_MESSAGES

# fixtures
from tests.journeys.discord.test_bot import House, connected, fake, house, services  # noqa: F401  see above

SIGNALS = "SELECT kind FROM safety_events WHERE tenant_id = :tenant"
LINES = (
    "SELECT kind, body FROM messages WHERE tenant_id = :tenant AND direction = 'in' ORDER BY seq"
)


def rows(house: House, statement: str) -> list[tuple[str, ...]]:  # noqa: F811  fixture
    with house.desk.scope() as scope:
        return [tuple(row) for row in scope.run(statement, tenant=house.desk.tenant_id)]


def test_an_age_that_is_edited_in_stops_everything(connected: House) -> None:  # noqa: F811  fixture
    house = connected  # noqa: F811  fixture
    ear = house.ear()
    said = house.fake.write(house.bot, house.leo, "hello https://a.example")
    wait_until(lambda: len(house.heard()) == 1)
    house.desk.live(minutes=1)
    before = house.answers()
    touch(
        house.fake,
        house.bot,
        house.leo,
        said,
        embeds=[{"type": "link", "url": "https://a.example"}],
    )
    own = house.fake.sent(house.fake.world.direct(house.bot, house.leo))[0].id
    touch(house.fake, house.bot, house.leo, own, pinned=True)
    edit(house.fake, house.bot, house.leo, said, "hello you")
    touch(house.fake, house.bot, house.leo, said, pinned=True)
    wait_until(lambda: len(house.heard()) == 2)
    house.desk.live(minutes=1)
    assert house.answers() == before, "nobody answers twice"
    edit(house.fake, house.bot, house.leo, said, "I'm 15")
    wait_until(lambda: len(house.heard()) == 3)
    house.desk.live(minutes=1)
    assert house.answers() == [*before, render_message(Message("service.safety.minor"), "en")]
    assert rows(house, LINES) == [
        ("text", "hello https://a.example"),
        ("edited", "hello you"),
        ("edited", "I'm 15"),
    ]
    assert rows(house, SIGNALS) == [("minor",)]
    touch(house.fake, house.bot, house.leo, said, pinned=False)
    house.fake.gateway.drop(house.bot)  # what it missed, and may have told already
    house.fake.write(house.bot, house.leo, "?")
    wait_until(lambda: len(house.heard()) == 4)
    assert rows(house, SIGNALS) == [("minor",)]
    house.over(ear)


@pytest.mark.parametrize("known", [True, False])
def test_what_was_edited_while_nobody_listened_is_read_from_the_history(
    connected: House,  # noqa: F811  fixture
    known: bool,
) -> None:
    house = connected  # noqa: F811  fixture
    ear = house.ear()
    said = house.fake.write(house.bot, house.leo, "hello")
    wait_until(lambda: house.heard() == ["hello"])
    house.over(ear)
    if not known:
        said = house.fake.write(house.bot, house.leo, "hello again")
    edit(house.fake, house.bot, house.leo, said, "I want to die")
    ear = house.ear()
    wait_until(lambda: len(house.heard()) == 2)
    house.over(ear)
    assert rows(house, LINES)[1] == ("edited" if known else "crisis", "I want to die")
    assert rows(house, SIGNALS) == [("crisis",)]


# fixture
def test_part_of_a_message_told_alone_silences_nobody(connected: House) -> None:  # noqa: F811  see above
    """What older gateways told of a link that was looked up; the library knows whole messages
    alone."""
    house = connected  # noqa: F811  fixture
    ear = house.ear()
    said = house.fake.write(house.bot, house.leo, "hello")
    wait_until(lambda: house.heard() == ["hello"])
    part = {
        "id": said,
        "channel_id": house.fake.world.direct(house.bot, house.leo).id,
        "embeds": [],
    }
    house.fake.gateway.tell(house.bot, UPDATE, part, intent=DIRECT_MESSAGES)
    house.fake.write(house.bot, house.leo, "still there?")
    wait_until(lambda: house.heard() == ["hello", "still there?"])
    house.over(ear)

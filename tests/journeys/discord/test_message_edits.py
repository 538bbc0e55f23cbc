"""Messages that a fan edits in the Discord app, from the gateway to the inbox and the replies."""

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


def test_minor_age_added_by_an_edit_ends_the_chat(connected: House) -> None:  # noqa: F811  fixture
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
    assert house.answers() == before, "an edit gets no second reply"
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
    house.fake.gateway.drop(house.bot)  # a reconnection, which may repeat the events
    house.fake.write(house.bot, house.leo, "?")
    wait_until(lambda: len(house.heard()) == 4)
    assert rows(house, SIGNALS) == [("minor",)]
    house.over(ear)


@pytest.mark.parametrize("known", [True, False])
def test_edits_while_offline_are_read_from_the_history(
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
def test_partial_message_update_does_not_stop_the_listener(connected: House) -> None:  # noqa: F811  see above
    """Older gateways sent such updates after resolving a link; the library handles only whole
    messages."""
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

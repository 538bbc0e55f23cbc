"""A production installation from nothing, in the browser alone: owner, creators, members, a bot, a
split, an approved post, a fan who is remembered, and the statement."""

import re
from collections.abc import Callable, Iterator

import pytest

from tests.browser.chromium import Chromium, Visitor
from tests.conftest import wait_until
from tests.fakes.telegram import server as fake
from tests.stack.conftest import Installation, new_house  # noqa: F401  a fixture

PASSWORD = "three sparrows on a wire"
LINK = re.compile(r"https?://\S+/auth/(?:link|setup)/[\w-]+")
WAIT = 120.0


@pytest.fixture
def telegram() -> Iterator[fake.TelegramServer]:
    with fake.network() as server:
        yield server


def open_page(visitor: Visitor, url: str) -> None:
    visitor.go(url)
    visitor.rest()


def press(visitor: Visitor, label: str) -> None:
    """Click the button with exactly this label and wait until the page is drawn."""
    visitor.page.get_by_role("button", name=label, exact=True).first.click()
    visitor.page.wait_for_timeout(500)
    visitor.rest()


def set_up_owner(visitor: Visitor, link: str) -> None:
    """Create the owner's account, the agency and its first creator."""
    visitor.go(link)
    visitor.type("Name", "Nora Petit")
    visitor.type("Email", "nora@atelier.example")
    visitor.type("New password", PASSWORD)
    visitor.press("Create account")
    visitor.shows("Set up your agency")
    visitor.rest()
    press(visitor, "Continue")
    visitor.shows("Enter a name of up to 120 visible characters")
    visitor.type("Agency name", "Atelier Nord")
    press(visitor, "Continue")
    visitor.shows("Add your first creator")
    visitor.rest()
    visitor.type("Creator name", "Ava Stone")
    visitor.page.get_by_text("By AI, disclosed to fans").click()
    visitor.page.get_by_text("A team member approves").click()
    press(visitor, "Add creator")
    visitor.shows("Creator added.")


def add_creator(visitor: Visitor, url: str, name: str) -> None:
    open_page(visitor, f"{url}/creators")
    visitor.page.get_by_text("New creator").first.click()
    visitor.rest()
    visitor.type("Name", name)
    press(visitor, "Add creator")
    visitor.shows(f"{name} · Active")


def invite(visitor: Visitor, url: str, name: str, role: str) -> str:
    """Invite a member and return the link that the page shows."""
    open_page(visitor, f"{url}/team")
    visitor.type("Name", name)
    visitor.type("Email", f"{name.split(maxsplit=1)[0].lower()}@atelier.example")
    visitor.page.get_by_role("combobox", name="Role").last.click()
    visitor.page.get_by_role("option", name=role).first.click()
    visitor.rest()
    press(visitor, "Invite")
    visitor.shows(f"Send this invitation to {name}")
    found = LINK.search(visitor.text())
    assert found is not None, visitor.text()
    return found[0]


def accept(visitor: Visitor, link: str) -> None:
    """Set a password with an invitation; this signs in."""
    visitor.go(link)
    for _ in range(3):
        if visitor.page.locator("input[type=password]").count():
            visitor.page.locator("input[type=password]").first.fill(PASSWORD)
        if not visitor.page.locator("form button, form input[type=submit]").count():
            break
        visitor.page.locator("form button, form input[type=submit]").first.click()
        visitor.page.wait_for_timeout(1000)
        if "/auth/" not in visitor.page.url:
            break
    visitor.rest()


def connect_bot(visitor: Visitor, url: str, token: str, channel: str) -> None:
    open_page(visitor, f"{url}/channels?connect=1")
    visitor.page.get_by_text("Telegram · 2 min").click()
    visitor.type("Bot token", token)
    field = visitor.page.get_by_role("textbox", name="Channel")
    field.fill(f"@{channel}")
    field.blur()
    visitor.page.get_by_role("button", name="Connect", exact=True).click()
    visitor.shows("Telegram connected", WAIT)


def set_split(visitor: Visitor, url: str) -> None:
    """Set a revenue split after a refused one."""
    open_page(visitor, f"{url}/shop")
    visitor.page.get_by_text("Revenue split", exact=True).first.click()
    visitor.shows("New revenue split".upper())
    for label, share in (("Ava Stone (%)", "70"), ("Agency (%)", "20")):
        visitor.rest()
        visitor.type(label, share)
        visitor.page.wait_for_timeout(500)
    visitor.rest()
    press(visitor, "Save split")
    visitor.shows("90%")
    visitor.type("Agency (%)", "30")
    visitor.page.wait_for_timeout(500)
    visitor.rest()
    press(visitor, "Save split")
    visitor.hides("No revenue split yet")


def test_agency_is_set_up_without_a_terminal(
    new_house: Callable[..., Installation],  # noqa: F811  the fixture
    chromium: Chromium,
    telegram: fake.TelegramServer,
) -> None:
    bot = telegram.world.bot("ava_stone_bot")
    channel = telegram.world.channel("Ava Stone", username="avastone", post=bot)
    house = new_house(
        table="production", environment={"GREENROOM_CONNECTORS__TELEGRAM_URL": telegram.url}
    )
    report = house.up()
    url = report.addresses["dashboard"]
    link = house.command("invite", "--owner").stdout.strip()
    with (
        chromium.visitor(language="en") as nora,
        chromium.visitor(language="en") as max_,
        chromium.visitor(390, language="en") as phone,
    ):
        set_up_owner(nora, link)
        for name in ("Mia Vale", "Leo Park"):
            add_creator(nora, url, name)
        accept(max_, invite(nora, url, "Max Roe", "Manager"))
        chatter = invite(nora, url, "Zoe Lind", "Chatter")
        connect_bot(nora, url, bot.token, channel.username)
        assert bot.token not in nora.text()

        set_split(nora, url)
        open_page(nora, f"{url}/start")
        nora.type("Text", "Hello from the harbour.")
        press(nora, "Post now")
        open_page(max_, f"{url}/approvals")
        max_.shows("Hello from the harbour.")
        max_.page.keyboard.press("a")
        max_.shows("Approved")
        open_page(nora, f"{url}/start")
        nora.shows("✓ Publish your first post on a public channel", WAIT)

        telegram.world.say(bot, "leo", "Hi! My name is Tom and I love sailing.")
        wait_until(lambda: len(telegram.world.texts(bot, "leo")) >= 1, WAIT)
        telegram.world.say(bot, "leo", "Do you remember me?")
        wait_until(
            lambda: any("Tom" in text for text in telegram.world.texts(bot, "leo")[1:]), WAIT
        )
        open_page(nora, f"{url}/inbox")
        nora.press("leo")
        nora.shows("sailing")

        accept(phone, chatter)
        menu = phone.text()
        assert "Analytics" not in menu
        assert "Settings" not in menu

"""The inbox by mouse and keyboard: search, filters, unread, snooze, automatic messages on our side,
and two members who see each other."""

from tenants.agencies.rights import Role
from tests.browser.chromium import Visitor
from tests.browser.installation import RunningAgency
from tests.browser.test_every_page import axe, picture
from tests.browser.workflows.test_roles import joins
from tests.browser.workflows.test_subscribers import told
from tests.conftest import wait_until

ROWS = """[...document.querySelectorAll('.st-key-inbox-rows button [data-testid=stMarkdownContainer]')]
  .map(one => one.innerText)"""
TWO_MINUTES = 120.0


def lists(visitor: Visitor, *fans: str) -> None:
    """Wait until the list contains exactly these fans, in any order."""
    wait_until(lambda: {row.split(" ·")[0] for row in _rows(visitor)} == set(fans), 60)


def _rows(visitor: Visitor) -> list[str]:
    return [row.replace("\n", " ").removeprefix("@") for row in visitor.run(ROWS) if " · " in row]


def row_of(visitor: Visitor, fan: str) -> str:
    """Return the text of a fan's row."""
    return next(row for row in _rows(visitor) if row.startswith(fan))


def seek(visitor: Visitor, words: str) -> None:
    """Type into the search, which runs after a pause, without leaving the field."""
    box = visitor.page.get_by_label("Rechercher une conversation")
    box.fill("")
    box.press_sequentially(words)


def test_conversation_is_found_filtered_read_and_snoozed(lea: RunningAgency) -> None:
    lea.bots.connected()
    with lea.visitor("/inbox") as marc:
        lea.bots.world.say(lea.bots.bot, "leo", "/human")
        lea.bots.world.say(lea.bots.bot, "ana", "J’adore l’ÉTÉ à la plage")
        marc.shows("ana", TWO_MINUTES)
        lists(marc, "leo", "ana")
        seek(marc, "ete plage")
        lists(marc, "ana")
        marc.shows("J’adore l’ÉTÉ")
        seek(marc, "rien de tel")
        lists(marc)
        marc.press("Effacer la recherche et les filtres")
        lists(marc, "leo", "ana")
        marc.press("À traiter")
        lists(marc, "leo")
        marc.press("À traiter")
        lists(marc, "leo", "ana")
        assert "non lu" in row_of(marc, "leo")
        marc.press("leo")
        marc.shows("Un fan demande à parler à une personne.")
        wait_until(lambda: "non lu" not in row_of(marc, "leo"), 60)
        assert "non lu" not in row_of(marc, "ana"), "the AI answers her"
        automatic = marc.page.locator(".gr-line.gr-auto").first
        ours, pane = automatic.bounding_box(), marc.page.locator(".gr-talk").bounding_box()
        assert ours is not None
        assert pane is not None
        assert abs(ours["x"] + ours["width"] - pane["x"] - pane["width"]) < 4
        assert "Message automatique" in automatic.inner_text()
        marc.rest()
        assert axe(marc) == []
        marc.page.keyboard.press("s")
        marc.press("1 heure")
        marc.shows("En veille jusqu’à")
        wait_until(lambda: "en veille jusqu’à" in row_of(marc, "leo"), 60)
        picture(marc, "inbox-snoozed", 1440, 900)
        lea.bots.world.say(lea.bots.bot, "leo", "vous êtes là ?")
        wait_until(lambda: "en veille" not in row_of(marc, "leo"), TWO_MINUTES)


def test_members_see_each_other_and_typed_text_is_kept(lea: RunningAgency) -> None:
    lea.bots.connected()
    chatter = joins(lea, Role.CHATTER)
    with lea.visitor("/inbox") as marc, lea.visitor("/inbox", chatter) as zoe:
        lea.bots.world.say(lea.bots.bot, "leo", "/human")
        for one in (marc, zoe):
            one.shows("leo", TWO_MINUTES)
        zoe.press("leo")
        wait_until(lambda: "Zoé consulte" in row_of(marc, "leo"), 60)
        zoe.rest()
        zoe.page.keyboard.press("h")
        zoe.shows("Le message est présenté comme venant de l’équipe.")
        zoe.rest()
        box = zoe.page.get_by_label("Votre message à")
        box.click()
        zoe.page.keyboard.type("Bonsoir Léo,", delay=40)
        marc.shows("Zoé est en train de répondre")
        zoe.page.keyboard.type(" j’arrive.", delay=40)
        zoe.page.wait_for_timeout(1500)
        assert box.input_value() == "Bonsoir Léo, j’arrive."
        zoe.page.reload()
        zoe.rest()
        zoe.until("() => document.querySelector('textarea')?.value === 'Bonsoir Léo, j’arrive.'")
        zoe.page.get_by_label("Votre message à").click()
        zoe.page.keyboard.press("Control+Enter")
        wait_until(lambda: told(lea, "Bonsoir Léo, j’arrive.") == 1, 60)
        zoe.shows("✓ Envoyé")
        marc.hides("Zoé est en train de répondre")
        with lea.visitor("/inbox", chatter, width=390, height=844) as phone:
            phone.shows("leo")
            assert phone.overflow == 0
            picture(phone, "inbox-phone", 390, 844)
            phone.press("leo")
            phone.shows("Toutes les conversations")
            assert phone.overflow == 0
            picture(phone, "inbox-phone-open", 390, 844)

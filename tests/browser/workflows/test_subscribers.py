"""Subscribers, by mouse and keyboard, on a fake Telegram: a bot is connected, a member replies, an
order is refunded."""

import threading

from foundation.ops.clock import monotonic, sleep
from tests.browser.chromium import Visitor
from tests.browser.installation import RunningAgency
from tests.conftest import wait_until
from tests.journeys.telegram.test_bot import bought
from tests.journeys.telegram_creator import TELEGRAM

TWO_MINUTES = 120.0
LONG = "Bonsoir Léo, je regarde ta commande et je reviens vers toi dans un instant, promis. "


def connected(lea: RunningAgency, visitor: Visitor) -> None:
    """Connect Léa's bot with its token."""
    visitor.page.get_by_text("Telegram · 2 min").click()
    visitor.type("Jeton du bot", lea.bots.bot.token)
    visitor.type("Canal", f"@{lea.bots.channel.username}")
    visitor.page.get_by_role(
        "button", name="Connecter", exact=True
    ).click()  # not the "Déconnecter" above it
    visitor.shows("Telegram connecté", TWO_MINUTES)
    ((found,),) = lea.rows(
        "SELECT channel_id FROM enrolments WHERE tenant_id = :tenant AND platform = :platform",
        platform=TELEGRAM,
    )
    lea.desk.channels["telegram"] = found


def asks_for_a_person(lea: RunningAgency, visitor: Visitor) -> None:
    """Send /human as a fan, and take over the conversation with the keyboard."""
    lea.bots.world.say(lea.bots.bot, "leo", "/human")
    visitor.shows("leo", TWO_MINUTES)
    visitor.press("leo")
    visitor.shows("Un fan demande à parler à une personne.")
    visitor.rest()
    visitor.page.keyboard.press("h")
    visitor.shows("Le message est présenté comme venant de l’équipe.")
    visitor.rest()


def told(lea: RunningAgency, words: str) -> int:
    """Return how often the fan received this text."""
    return sum(words in text for text in lea.bots.texts())


def test_bot_is_connected_and_a_member_replies(lea: RunningAgency) -> None:
    with lea.visitor("/channels?connect=1") as marc:
        started = monotonic()
        connected(lea, marc)
        assert monotonic() - started < TWO_MINUTES
        assert lea.bots.bot.token not in marc.text()
        marc.go(f"{lea.url}/inbox")
        asks_for_a_person(lea, marc)
        box = marc.page.get_by_label("Votre message à")
        box.click()
        marc.page.keyboard.type("Bonsoir Léo, je regarde.")
        marc.page.keyboard.press("Control+Enter")
        wait_until(lambda: told(lea, "Bonsoir Léo, je regarde.") == 1, 60)
        marc.until("() => document.querySelector('textarea').value === ''")


def test_typed_reply_survives_new_messages_of_the_fan(lea: RunningAgency) -> None:
    lea.bots.connected()
    over = threading.Event()

    def goes_on() -> None:
        for number in range(30):
            if over.wait(1.5):
                return
            lea.bots.world.say(lea.bots.bot, "leo", f"et encore {number}")

    with lea.visitor("/inbox") as marc:
        asks_for_a_person(lea, marc)
        box = marc.page.get_by_label("Votre message à")
        fan = threading.Thread(target=goes_on)
        fan.start()
        try:
            box.click()
            for word in (LONG * 2).split(" "):
                marc.page.keyboard.type(f"{word} ", delay=60)
        finally:
            over.set()
            fan.join()
        marc.shows("et encore 3")
        assert box.input_value() == f"{LONG * 2} "
        marc.button("Envoyer").dblclick()
        wait_until(lambda: told(lea, LONG.strip()) == 1, 60)
        sleep(2.0)
        assert told(lea, LONG.strip()) == 1


def test_saved_reply_is_edited_and_sent(lea: RunningAgency) -> None:
    lea.bots.connected()
    with lea.visitor("/inbox") as marc:
        asks_for_a_person(lea, marc)
        box = marc.page.get_by_label("Votre message à")
        box.click()
        marc.page.keyboard.type("Merci {name}, à bientôt")
        marc.press("Réponses enregistrées")
        marc.press("Enregistrer comme réponse")
        marc.type("Nom", "merci")
        marc.press("Enregistrer la réponse")
        marc.shows("Réponse enregistrée et partagée avec votre équipe.")
        marc.page.keyboard.press("Escape")
        box.fill("")
        box.blur()
        marc.rest()
        marc.press("merci · Merci {name}")
        marc.until("() => document.querySelector('textarea').value === 'Merci leo, à bientôt'")
        assert told(lea, "Merci leo") == 0
        box.click()
        marc.page.keyboard.press("Control+End")
        marc.page.keyboard.type(" !")
        marc.page.keyboard.press("Control+Enter")
        wait_until(lambda: told(lea, "Merci leo, à bientôt !") == 1, 60)
        marc.until("() => document.querySelector('textarea').value === ''")
        marc.rest()
        box.blur()
        marc.page.keyboard.press("t")
        marc.shows("merci · Merci {name}")


def test_pack_is_created_and_its_order_refunded(lea: RunningAgency) -> None:
    lea.bots.connected()
    with lea.visitor("/shop") as marc:
        marc.press("Nouveau pack")
        marc.type("Titre du pack", "Le port")
        marc.type("Prix sur Étoiles Telegram", "350")
        for number in (1, 2):
            marc.choose("Images du pack", f"picture {number}")
        marc.page.keyboard.press("Escape")
        marc.press("Mettre en vente")
        marc.shows("« Le port » est en vente.")
        (row,) = lea.rows(
            "SELECT p.state, r.amount_minor, r.currency FROM packs p JOIN prices r ON r.tenant_id "
            "= p.tenant_id"
            " AND r.pack_id = p.id WHERE p.tenant_id = :tenant AND p.title = 'Le port'"
        )
        assert tuple(row) == ("active", 350, "XTR")
        bought(lea.bots)
        marc.press("Commandes")
        marc.page.locator(".gr-rows").get_by_role("button", name="Matin calme").click()
        marc.shows("Pack livré")
        marc.page.get_by_text("Rembourser 250").click()
        marc.type("Saisissez REMBOURSER", "rembourser")
        marc.button("Rembourser maintenant").dblclick()
        wait_until(lambda: lea.bots.bot.balance == 0, 60)
        wait_until(lambda: refunds(lea) == ["done"], 60)
        marc.shows("Remboursé à la demande du fan.")
    assert refunds(lea) == ["done"]
    assert lea.bots.bot.balance == 0


def refunds(lea: RunningAgency) -> list[str]:
    return [row.state for row in lea.rows("SELECT state FROM refunds WHERE tenant_id = :tenant")]

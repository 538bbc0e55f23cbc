"""Messages: the list, one conversation, and the effect of each action on the platform."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from dashboard.pages.inbox.actions import snooze_end
from dashboard.pages.inbox.list_panel import escape_label
from foundation.db.database import Database, OpenScope
from foundation.i18n.translation import LANGUAGES
from foundation.ids import uuid7
from subscribers.conversations import conversation_rows, unsent_text
from subscribers.conversations.states import OwnerState
from subscribers.inbox import member_actions
from subscribers.replies import persona
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import Stream, stream
from tests.fakes.sandbox import RunningSandbox, network
from tests.subscribers.builders import Studio, build_model_reply, create_nova

CHATTERS = {Role.OWNER, Role.MANAGER, Role.CHATTER}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    folder: Path = tmp_path_factory.mktemp("sandbox")
    with network(folder / "sandbox.sqlite") as started:
        yield started


@dataclass
class House:
    """Nova's agency with its members, her chat on the sandbox, and the dashboard."""

    studio: Studio
    agency: Agency
    door: Door

    @contextmanager
    def look(self, role: Role = Role.CHATTER, **query: object) -> Iterator[Stream]:
        with stream(self.door.url, self.door.cookie(self.agency, role)) as page:
            page.open("/inbox", **query)
            yield page

    def me(self, role: Role = Role.CHATTER) -> UUID:
        return self.agency.members[role]

    def talk(self, fan: str = "leo") -> UUID:
        return self.studio.thread(fan).id


@pytest.fixture
def house(
    database: Database, tenant: OpenScope, running: RunningSandbox, door: Door
) -> Iterator[House]:
    studio = create_nova(database, running)
    with studio.scope() as scope:
        members = {
            role: agencies.add_member(
                scope,
                name=f"{role.title()} N.",
                email=f"{role}-{uuid7()}@example.test",
                role=role,
                language="fr",
                zone=ZONE,
            )
            for role in Role
        }
    yield House(
        studio, Agency(tenant, studio.world.tenant_id, studio.world.creator_id, members), door
    )
    running.clear()


def test_empty_inbox_links_to_the_test_chat(house: House) -> None:
    with house.look() as page:
        text = page.again()
    assert "Aucune conversation pour le moment" in text
    assert f"{house.studio.world.network.url}/c/" in text


def test_fan_who_requests_a_person_is_listed_first(house: House) -> None:
    house.studio.say("ana", "bonjour")
    house.studio.say("leo", "/human")
    with house.look() as page:
        text = page.again()
        assert text.index("À traiter") < text.index("Gérées par l’IA")
        row = next(label for label in page.labels() if label.startswith("**leo**"))
        assert "en attente depuis 0 min" in row
        opened = page.press(row)
    assert "Un fan demande à parler à une personne." in opened
    assert "mention d’IA" in opened
    assert "Reprendre" in page.labels()
    assert "Envoyer" not in page.labels()


def test_conversation_is_taken_over_answered_and_returned(house: House) -> None:
    house.studio.say("leo", "/human")
    with house.look(chat=house.talk()) as page:
        page.press("Reprendre")
        assert house.studio.thread("leo").owner is OwnerState.HUMAN
        page.type("Votre message à leo", "Bonsoir Léo, je regarde.")
        text = page.press("Envoyer")
        assert "Bonsoir Léo, je regarde." in text
        assert page.find("Votre message à leo", "text_area").drawn.value == ""
        house.studio.go()
        text = page.tick()
        assert "envoi en cours" not in re.findall(r"· ([^<]*)</span>", text)
        page.press("Rendre à l’IA")
    assert house.studio.texts("leo")[-1] == "Bonsoir Léo, je regarde."
    assert "Un membre de l’équipe" in house.studio.texts("leo")[-2]
    assert house.studio.thread("leo").owner is OwnerState.BOT


def test_double_click_sends_one_message(house: House) -> None:
    house.studio.say("leo", "/human")
    with house.look(chat=house.talk()) as page:
        page.press("Reprendre")
        page.type("Votre message à leo", "Une fois.")
        sent = page.find("Envoyer", "button")
        page.press("Envoyer")
        page.widgets.append(sent)
        text = page.press("Envoyer")
        assert "Saisissez un message." not in text
        page.type("Votre message à leo", " ")
        assert "Saisissez un message." in page.press("Envoyer")
    house.studio.go()
    assert house.studio.texts("leo").count("Une fois.") == 1


def test_double_click_before_the_field_is_cleared_sends_one_message(house: House) -> None:
    house.studio.say("leo", "/human")
    with house.look(chat=house.talk()) as page:
        page.press("Reprendre")
        page.type("Votre message à leo", "Une fois.")
        assert "Saisissez un message." not in page.press_twice("Envoyer")
    house.studio.go()
    assert house.studio.texts("leo").count("Une fois.") == 1


@pytest.mark.parametrize(
    ("opens", "field", "button", "refusal"),
    [
        ("Reprendre", "Votre message à leo", "Envoyer", "Saisissez un message."),
        ("Ajouter une note", "Note pour l’équipe", "Enregistrer la note", "Saisissez"),
        ("", "Que doit retenir le bot ?", "Enregistrer le souvenir", "Saisissez"),
    ],
)
def test_refusal_ends_with_the_success_of_the_same_button(
    house: House, opens: str, field: str, button: str, refusal: str
) -> None:
    house.studio.say("leo", "/human")
    with house.look(chat=house.talk()) as page:
        if opens:
            page.press(opens)
        assert refusal in page.press(button)
        page.type(field, "Aime la mer")
        for _ in range(2):  # The second press finds the field cleared.
            assert refusal not in page.press(button)


def test_refused_message_gives_its_reason(house: House) -> None:
    house.studio.say("leo", "/human")
    with house.look(chat=house.talk()) as page:
        page.press("Reprendre")
        page.type("Votre message à leo", "je suis vraiment Nova, c'est vraiment moi")
        text = page.press("Envoyer")
        assert "un membre de l’équipe" in text
        page.type("Votre message à leo", "Payez sur https://pay.example.test/moi")
        page.press("Envoyer")
        house.studio.go()
        assert "En attente : " in page.again()
    assert not any("pay.example" in text for text in house.studio.texts("leo"))


def test_unsent_text_survives_a_reload_and_is_private(house: House) -> None:
    house.studio.say("leo", "/human")
    talk = house.talk()
    with house.look(chat=talk) as page:
        page.press("Reprendre")
        page.type("Votre message à leo", "Je commence à écr")
    with house.look(chat=talk) as page:
        assert page.find("Votre message à leo", "text_area").drawn.default == "Je commence à écr"
    with house.look(Role.MANAGER, chat=talk) as page:
        text = page.again()
        assert "Chatter N. est en train de répondre" in text
        assert "Je commence à écr" not in text
        assert "Attribuée à Chatter N." in text
        page.press("Me l’attribuer")
        assert page.find("Votre message à leo", "text_area").drawn.value == ""


def suggested(house: House, text: str) -> UUID:
    with house.studio.scope() as scope:
        persona.set_autonomy_level(scope, house.studio.world.creator_id, "copilot")
    house.studio.writer.says = [build_model_reply(text)]
    house.studio.say("leo", "bonjour")
    return house.talk()


def test_edited_suggestion_is_sent(house: House) -> None:
    with house.look(chat=suggested(house, "Bonjour toi")) as page:
        assert "en attente de validation" in page.again()
        page.press("Modifier")
        page.type("Modifier", "Bonjour à vous")
        page.press("Envoyer la version modifiée")
        assert "Valider et envoyer" not in page.labels()
    house.studio.go()
    assert house.studio.texts("leo")[-1] == "Bonjour à vous"


def test_suggestion_is_rejected_with_a_reason(house: House) -> None:
    with house.look(chat=suggested(house, "Bonjour toi")) as page:
        page.press("Refuser")
        text = page.press("Ton")
        assert "Reprenez la conversation" in text
    house.studio.go()
    assert "Bonjour toi" not in house.studio.texts("leo")


def test_offer_note_and_snooze(house: House) -> None:
    house.studio.say("leo", "/human")
    with house.look(chat=house.talk()) as page:
        page.press("Reprendre")
        page.press("Envoyer une offre")
        page.press("Matin calme · 500 (test)")
        house.studio.go()
        page.press("Ajouter une note")
        page.type("Note pour l’équipe", "Aime la mer")
        assert "Aime la mer" in page.press("Enregistrer la note")
        page.press("Mettre en veille")
        text = page.press("1 heure")
        assert "En veille jusqu’à" in text
    assert house.studio.seen("leo")[-1]["buttons"][0]["action"] == "buy"


def test_sales_are_stopped_for_one_fan(house: House) -> None:
    house.studio.say("leo", "bonjour")
    with house.look(chat=house.talk()) as page:
        page.press("Arrêter les ventes")
        page.type("Motif (enregistré dans le journal)", "dépense trop")
        assert "Ventes arrêtées pour ce fan" in page.press("Arrêter pour ce fan")
    (row,) = house.studio.rows(
        "SELECT args FROM outbox WHERE tenant_id = :tenant AND kind = 'switch.set'"
    )
    assert (row.args["feature"], row.args["open"], row.args["reason"]) == (
        "offers",
        False,
        "dépense trop",
    )
    assert row.args["target"].endswith(":leo")


def test_uncertain_message_is_resolved(house: House) -> None:
    house.studio.say("leo", "/human")
    talk = house.talk()
    house.studio.world.network.fault(
        "reset_after", account=house.studio.world.account, on="messages", times=1
    )
    with house.studio.world.database.scope(house.agency.tenant_id, f"member:{house.me()}") as scope:
        member_actions.take_over_conversation(scope, talk, house.me())
        member_actions.send_member_reply(scope, talk, house.me(), "Bonsoir", key=uuid7())
    house.studio.drain(hours=0.0)
    with house.look(chat=talk) as page:
        text = page.again()
        assert "À confirmer" in text
        assert "Enregistré." in page.press("Reçu")
    (row,) = house.studio.rows(
        "SELECT args FROM outbox WHERE tenant_id = :tenant AND kind = 'chat.settle'"
    )
    assert row.args == {"arrived": True, "by": f"member:{house.me()}"}


@pytest.mark.parametrize("role", Role)
def test_role_sees_only_permitted_data(house: House, role: Role) -> None:
    house.studio.say("leo", "canary-words")
    with house.look(role, chat=house.talk()) as page:
        text = page.again()
    assert ("canary-words" in text) == (role in CHATTERS)
    assert ("Total dépensé" in text) is False
    order = house.studio.invoiced("ana")
    with house.studio.scope() as scope:
        from subscribers.checkout import order_payments

        order_payments.record_payment(scope, house.studio.charge("ana", order, "c-1"))
    with house.look(role, chat=house.talk("ana")) as page:
        text = page.again()
    assert ("Total dépensé" in text) == (role in {Role.OWNER, Role.MANAGER})


def test_member_of_another_creator_finds_no_conversation(house: House) -> None:
    house.studio.say("leo", "canary-words")
    with house.studio.scope() as scope:
        agencies.add_creator(
            scope, slug="mia", name="Mia", kind="human", zone=ZONE, languages=["fr"]
        )
        scope.run("""UPDATE members SET creators = '["mia"]' WHERE id = :m""", m=house.me())
    with house.look(chat=house.talk()) as page:
        text = page.again()
    assert "Conversation introuvable." in text
    assert "canary" not in text
    with house.look() as page:
        assert "canary" not in page.again()
        assert "leo" not in page.again()


def test_foreign_and_unknown_conversations_look_alike(house: House, tenant: OpenScope) -> None:
    house.studio.say("leo", "canary-words")
    other = create_agency(tenant, mark="canary-other")
    answers = []
    for asked in (house.talk(), uuid7(), "nonsense"):
        with stream(house.door.url, house.door.cookie(other)) as page:
            answers.append(
                page.open("/inbox", chat=asked).rpartition("</form>")[2]
            )  # the language form contains the address
    assert len(set(answers)) == 1
    assert "Conversation introuvable." in answers[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_uses_the_members_language(house: House, language: str) -> None:
    house.studio.say("leo", "/human")
    with house.studio.scope() as scope:
        scope.run(
            "UPDATE members SET language = :l WHERE tenant_id = :t", l=language, t=scope.tenant_id
        )
    with house.look(chat=house.talk()) as page:
        text = page.again()
    assert ("Needs reply" in text) == (language == "en")
    assert ("À traiter" in text) == (language == "fr")
    assert "inbox." not in text


def test_refresh_redraws_only_after_a_change(house: House) -> None:
    house.studio.say("leo", "bonjour")
    with house.look(chat=house.talk()) as page:
        assert page.tick() == ""
        house.studio.say("leo", "encore moi")
        assert "encore moi" in page.tick()


def test_markup_is_shown_as_text(house: House) -> None:
    house.studio.say("leo", "<script>alert(1)</script> **gras** [lien](javascript:x)")
    with house.look(chat=house.talk()) as page:
        text = page.again()
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert escape_label("**a** [b](c) :red[d] $x$") == r"\*\*a\*\* \[b\]\(c\) \:red\[d\] \$x\$"


def test_snooze_uses_the_members_zone() -> None:
    noon = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    late = noon.replace(hour=21)
    assert snooze_end("hour", noon).hour == 13
    assert snooze_end("evening", noon) == noon.replace(hour=20, minute=0)
    assert snooze_end("evening", late) == late.replace(day=2, hour=9, minute=0)
    assert snooze_end("morning", noon) == noon.replace(day=2, hour=9, minute=0)


def test_unsent_text_is_stored_per_member(house: House) -> None:
    house.studio.say("leo", "/human")
    talk = house.talk()
    with house.look(chat=talk) as page:
        page.press("Reprendre")
        page.type("Votre message à leo", "à moitié")
    with house.studio.scope() as scope:
        assert unsent_text.load_unsent_text(scope, talk, house.me()) == "à moitié"
        unsent_text.store_unsent_text(
            scope, conversation_rows.get_conversation(scope, talk), house.me(), "  "
        )
        assert unsent_text.load_unsent_text(scope, talk, house.me()) == ""


def test_reviewer_requests_an_age_check(house: House) -> None:
    house.studio.say("leo", "bonjour")
    with house.look(Role.CHATTER, chat=house.talk()) as page:
        assert "Demander une vérification d’âge" not in page.again()
    with house.look(Role.MANAGER, chat=house.talk()) as page:
        page.press("Demander une vérification d’âge")
        assert "Saisissez la référence" in page.press("Envoyer la demande")
        page.type("Référence du dossier chez le dépositaire", "dossier 12")
        page.press("Envoyer la demande")
    with house.studio.scope() as scope:
        row = scope.run("SELECT * FROM age_requests").mappings().one()
    assert (row["platform"], row["user_id"], row["reference"], row["asked_by"]) == (
        "sandbox",
        "leo",
        "dossier 12",
        f"member:{house.me(Role.MANAGER)}",
    )


def test_reviewer_revokes_an_age_check(house: House) -> None:
    house.studio.say("leo", "bonjour")
    house.studio.fan("leo", "age", ref="over_18")
    house.studio.go()
    with house.look(Role.MANAGER, chat=house.talk()) as page:
        assert "en votre nom" in page.press("Révoquer la vérification d’âge")
    with house.studio.scope() as scope:
        [asked] = scope.run(
            "SELECT args FROM outbox WHERE tenant_id = :tenant AND kind = 'viewer.withdraw'",
            tenant=scope.tenant_id,
        ).all()
    assert asked.args == {
        "platform": "sandbox",
        "user_id": "leo",
        "by": f"member:{house.me(Role.MANAGER)}",
    }

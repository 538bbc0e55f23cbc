"""Saved replies: inserted into the text field, created from it, changed, deleted, and sent only by
the member."""

from uuid import UUID

import pytest

from dashboard.pages.inbox.saved_replies import MAX_SHOWN_REPLIES, match_replies
from foundation.i18n.translation import Message, render_message
from foundation.ids import uuid7
from subscribers.conversations import conversation_rows, unsent_text
from subscribers.inbox import saved_replies
from subscribers.inbox.saved_replies import SavedReply
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.dashboard.pages.inbox.test_comment_panel import commented
from tests.dashboard.pages.inbox.test_page import CHATTERS, House, house, running
from tests.dashboard.streamlit_client import Stream

__all__ = ["house", "running"]

PRIVATE, PUBLIC = "Votre message à leo", "Réponse publique à Ann"
OPEN = "Réponses enregistrées"


def keep(
    house: House,
    name: str,
    words: str = "Merci {name} !",
    *,
    place: str = "both",
    language: str = "fr",
) -> UUID:
    """Save a reply as a colleague."""
    with house.studio.scope() as scope:
        row, key = conversation_rows.get_conversation(scope, house.talk()), uuid7()
        saved_replies.create_saved_reply(
            scope, row, name=name, words=words, language=language, place=place, key=key
        )
    return key


def box(page: Stream, label: str) -> str:
    drawn = page.find(label, "text_area").drawn
    return str(drawn.value or drawn.default)


def kept(house: House, talk: UUID) -> str:
    """Return the unsent text of the chatter."""
    with house.studio.scope() as scope:
        return unsent_text.load_unsent_text(scope, talk, house.me())


def drafts(house: House) -> list[str]:
    found = house.studio.rows(
        "SELECT text FROM drafts WHERE tenant_id = :tenant AND origin = 'member' ORDER BY id"
    )
    return [row.text for row in found]


def test_saved_reply_is_inserted_and_sent_only_by_the_member(house: House) -> None:
    house.studio.say("leo", "/human")
    keep(house, "merci")
    with house.look(chat=house.talk()) as page:
        assert OPEN not in page.labels(), "the text field needs the conversation to be taken over"
        page.press("Reprendre")
        assert "**merci**" not in page.again()
        page.press(OPEN)
        text = page.press("**merci** · Merci {name} !")
        assert box(page, PRIVATE) == "Merci leo !"
        assert "set via the Session State" not in text
        assert "**merci**" not in text, "the list is closed"
        house.studio.go()
        assert drafts(house) == []
        page.type(PRIVATE, "Merci leo ! À demain.")
        page.press("Envoyer")
        assert box(page, PRIVATE) == ""
    house.studio.go()
    assert house.studio.texts("leo")[-1] == "Merci leo ! À demain."
    (row,) = house.studio.rows("SELECT uses FROM saved_answers WHERE tenant_id = :tenant")
    assert row.uses == 1


def test_inserted_reply_is_sent_unchanged(house: House) -> None:
    house.studio.say("leo", "/human")
    keep(house, "merci")
    with house.look(chat=house.talk()) as page:
        page.press("Reprendre")
        page.type(PRIVATE, "Bonsoir.")
        page.press(OPEN)
        page.press("**merci**")
        assert box(page, PRIVATE) == "Bonsoir.\nMerci leo !"
        page.press("Envoyer")
    assert drafts(house) == ["Bonsoir.\nMerci leo !"]


def test_inserted_reply_survives_a_reload(house: House) -> None:
    house.studio.say("leo", "/human")
    keep(house, "merci")
    with house.look(chat=house.talk()) as page:
        page.press("Reprendre")
        page.press(OPEN)
        page.press("**merci**")
    with house.look(chat=house.talk()) as page:
        assert box(page, PRIVATE) == "Merci leo !"


def test_reply_is_saved_changed_and_deleted(house: House) -> None:
    house.studio.say("leo", "/human")
    with house.look(chat=house.talk()) as page:
        page.press("Reprendre")
        assert "Aucune réponse enregistrée" in page.press(OPEN)
        page.type(PRIVATE, "Le prochain album sort lundi, {name}.")
        assert "un nom de 1 à 60" in page.press("Enregistrer la réponse")
        page.type("Nom", "album *lundi*")
        page.choose("Utiliser dans", "Messages privés seulement")
        text = page.press("Enregistrer la réponse")
        assert "Réponse enregistrée et partagée" in text
        assert "**album \\*lundi\\*** · Le prochain album sort lundi, {name}." in text
        assert kept(house, house.talk()) == "Le prochain album sort lundi, {name}.", (
            "the text remains"
        )
        page.type("Nouveau nom", "album")
        page.type("Texte", "Mardi, {name}.")
        assert "**album** · Mardi, " in page.press("Enregistrer les modifications")
        (row,) = house.studio.rows(
            "SELECT name, words, place, language FROM saved_answers WHERE tenant_id = :tenant"
        )
        assert tuple(row) == ("album", "Mardi, {name}.", "private", "fr")
        page.press("Supprimer la réponse")
        assert house.studio.rows("SELECT 1 FROM saved_answers WHERE tenant_id = :tenant")
        assert "Réponse supprimée." in page.press("Oui, supprimer pour tous")
    assert not house.studio.rows("SELECT 1 FROM saved_answers WHERE tenant_id = :tenant")
    assert drafts(house) == []


def test_public_saved_reply_is_checked_like_typed_text(house: House) -> None:
    house.studio.say("leo", "bonjour")
    keep(house, "marker", "SUGGESTIVE-MARKER-A", place="public")
    keep(house, "private one", place="private")
    keep(house, "long", "a" * (saved_replies.moderation.MAX_COMMENT_ANSWER_LENGTH - 1))
    talk = commented(house)
    with house.look(chat=talk) as page:
        page.press("Reprendre")
        assert "**private one**" not in page.press(OPEN)
        text = page.press("**marker**")
        assert render_message(Message("gate.RATING_EXCEEDS_SURFACE"), "fr") in text
        page.press("Répondre")
        house.studio.go()
        assert "En attente : " in page.again()
        (row,) = house.studio.rows(
            "SELECT text, original_text FROM drafts WHERE tenant_id = :tenant AND kind = 'remark'"
        )
        assert (row.text, row.original_text or "") == ("SUGGESTIVE-MARKER-A", ""), (
            "the text counts as written by a member"
        )
        page.press(OPEN)
        page.type(PUBLIC, "Bonjour.")
        assert "caractères" in page.press("**long**"), (
            "the text would exceed the limit of public replies"
        )
        assert kept(house, talk) == "Bonjour."


def test_replies_are_limited_and_searchable(house: House) -> None:
    house.studio.say("leo", "/human")
    for number in range(MAX_SHOWN_REPLIES + 3):
        keep(house, f"answer {number:02}", f"Réponse {number}")
    with house.look(chat=house.talk()) as page:
        page.press("Reprendre")
        assert "3 de plus" in page.press(OPEN)
        assert sum(label.startswith("**answer") for label in page.labels()) == MAX_SHOWN_REPLIES
        page.type("Rechercher une réponse enregistrée", "ÉPONSE 10")
        assert [label for label in page.labels() if label.startswith("**answer")] == [
            "**answer 10** · Réponse 10"
        ]
        assert "Aucun résultat" in page.type("Rechercher une réponse enregistrée", "rien de tel")


def test_search_keeps_the_order() -> None:
    rows = [
        SavedReply(uuid7(), name, words, "", "both", 0)
        for name, words in (("b", "One two"), ("a", "two three"))
    ]
    assert [one.name for one in match_replies(rows, "TWO")] == ["b", "a"]
    assert [one.name for one in match_replies(rows, "two a")] == ["a"]
    assert match_replies(rows, "") == rows


@pytest.mark.parametrize("role", sorted(set(Role) - CHATTERS))
def test_roles_without_chat_see_no_saved_replies(house: House, role: Role) -> None:
    house.studio.say("leo", "/human")
    keep(house, "canary-name")
    with house.look(role, chat=house.talk()) as page:
        assert "canary-name" not in page.again()
        assert OPEN not in page.labels()


def test_replies_of_another_creator_are_not_offered(house: House) -> None:
    house.studio.say("leo", "/human")
    with house.studio.scope() as scope:
        other = conversation_rows.get_conversation(scope, house.talk())
        scope.session.expunge(other)
        other.creator_id = agencies.add_creator(
            scope, slug="mia", name="Mia", kind="virtual", zone="Europe/Paris", languages=("fr",)
        )
        saved_replies.create_saved_reply(
            scope, other, name="hers", words="À elle", language="", place="both", key=uuid7()
        )
    with house.look(chat=house.talk()) as page:
        page.press("Reprendre")
        text = page.press(OPEN)
    assert "**hers**" not in text
    assert "Aucune réponse enregistrée" in text


def test_suggestion_counts_as_ai_text_after_an_inserted_reply(house: House) -> None:
    house.studio.say("leo", "bonjour")
    keep(house, "merci", "Merci !")
    talk = commented(house)
    with house.look(chat=talk) as page:
        page.press("Reprendre")
        with house.studio.scope() as scope:
            unsent_text.store_suggested_text(
                scope, conversation_rows.get_conversation(scope, talk), house.me(), "Au lac."
            )
        page.again()
        page.press(OPEN)
        page.press("**merci**")
        assert box(page, PUBLIC) == "Au lac.\nMerci !"
        page.press("Répondre")
    (row,) = house.studio.rows(
        "SELECT text, original_text FROM drafts WHERE tenant_id = :tenant AND kind = 'remark'"
    )
    assert tuple(row) == ("Au lac.\nMerci !", "Au lac.")

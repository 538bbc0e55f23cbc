"""Public comments in Messages: a separate group, public replies, and moderation."""

from urllib.parse import quote
from uuid import UUID

import pytest

from connectors.contract.comments import Comment
from foundation.i18n.translation import Message, render_message
from subscribers.comments import incoming_comments
from subscribers.conversations.states import OwnerState
from subscribers.inbox import conversation_list, queries
from subscribers.inbox.conversation_list import InboxGroup
from tenants.agencies.rights import Role
from tests.dashboard.pages.inbox.test_page import House, house, running

__all__ = ["house", "running"]


def commented(house: House, text: str = "where is this?", number: int = 1) -> UUID:
    """Receive a comment on a post of the account, and return its conversation."""
    with house.studio.scope() as scope:
        said = Comment(
            f"r{number}", "ann", "Ann", text, "p1", "https://place.example/p1#r1", scope.now
        )
        incoming_comments.receive_comment(scope, house.studio.world.channel(), said)
    with house.studio.scope() as scope:
        rows = conversation_list.list_inbox(scope, [house.studio.world.creator_id])
        return next(row.id for row in rows if row.public)


def wanted(house: House) -> list[str]:
    found = house.studio.rows(
        "SELECT args FROM outbox WHERE tenant_id = :tenant AND kind = 'remark.moderate'"
    )
    return [row.args["act"] for row in found]


def test_comments_are_a_separate_group(house: House) -> None:
    house.studio.say("leo", "/human")
    commented(house)
    with house.look() as page:
        text = page.again()
        assert text.index("À traiter") < text.index("Commentaires")
        row = next(label for label in page.labels() if label.startswith("**Ann**"))
        opened = page.press(row)
    assert "where is this?" in opened
    assert "public" in opened
    assert "https://place.example/p1#r1" in opened
    assert "Rendre à l’IA" not in page.labels()
    assert "Envoyer une offre" not in page.labels()


def test_public_reply_is_saved_once_and_marked_public(house: House) -> None:
    talk = commented(house)
    with house.look(chat=talk) as page:
        text = page.press("Reprendre")
        assert "Cette réponse est publique" in text
        page.type("Réponse publique à Ann", "SUGGESTIVE-MARKER-A")
        assert render_message(Message("gate.RATING_EXCEEDS_SURFACE"), "fr") in page.again()
        page.type("Réponse publique à Ann", "Au lac, au printemps.")
        page.press("Répondre")
    kept = house.studio.rows("SELECT text, kind, remark_id FROM drafts WHERE tenant_id = :tenant")
    assert [(row.text, row.kind) for row in kept] == [("Au lac, au printemps.", "remark")]


def test_reply_refers_to_the_chosen_comment(house: House) -> None:
    commented(house, "first words", 1)
    talk = commented(house, "second words", 2)
    with house.look(chat=talk) as page:
        page.press("Reprendre")
        page.choose("Commentaire d’origine", "first words")
        page.type("Réponse publique à Ann", "Merci !")
        page.press("Répondre")
    (row,) = house.studio.rows(
        "SELECT r.native_id FROM drafts d JOIN remarks r ON r.id = d.remark_id"
    )
    assert row.native_id == "r1"


def test_deletion_needs_confirmation(house: House) -> None:
    talk = commented(house)
    with house.look(chat=talk) as page:
        page.press("Masquer")
        assert wanted(house) == ["hide"]
        page.press("Supprimer")
        assert wanted(house) == ["hide"]
        text = page.press("Oui, supprimer définitivement")
        assert "envoyée à la plateforme" in text
        assert sorted(wanted(house)) == ["delete", "hide"]
        assert "Afficher de nouveau" not in page.labels()


def test_comment_is_liked_and_unliked(house: House) -> None:
    talk = commented(house)
    with house.look(chat=talk) as page:
        assert "Je n’aime plus" not in page.labels()
        page.press("J’aime")
        assert wanted(house) == ["like"]
    with house.studio.scope() as scope:
        scope.run(
            "UPDATE remarks SET liked = true WHERE tenant_id = :t", t=house.studio.world.tenant_id
        )
    with house.look(chat=talk) as page:
        assert "Aimé" in page.again()
        assert "J’aime" not in page.labels()
        page.press("Je n’aime plus")
        assert sorted(wanted(house)) == ["like", "unlike"]


def test_finished_comment_is_closed(house: House) -> None:
    talk = commented(house)
    with house.look(chat=talk) as page:
        page.press("Terminé")
    with house.studio.scope() as scope:
        assert queries.load_conversation_desk(scope, talk).owner is OwnerState.CLOSED
        (row,) = conversation_list.list_inbox(scope, [house.studio.world.creator_id])
        assert row.group(house.me(), scope.now) is InboxGroup.CLOSED


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.OWNER, Role.MANAGER, Role.CHATTER}))
def test_roles_without_chat_cannot_moderate_comments(house: House, role: Role) -> None:
    talk = commented(house)
    with house.look(role, chat=talk) as page:
        page.again()
        labels = page.labels()
    assert not {"Masquer", "Supprimer", "Répondre"} & set(labels)
    assert wanted(house) == []


def test_many_comments_hide_no_subscriber(house: House) -> None:
    house.studio.say("leo", "bonjour")
    with house.studio.scope() as scope:
        for number in range(conversation_list.IN_PUBLIC + 30):
            said = Comment(
                f"r{number}", f"fan{number}", f"Fan {number}", "nice", "p1", "", scope.now
            )
            incoming_comments.receive_comment(scope, house.studio.world.channel(), said)
    with house.studio.scope() as scope:
        rows = conversation_list.list_inbox(scope, [house.studio.world.creator_id])
    assert sum(row.public for row in rows) == conversation_list.IN_PUBLIC
    assert [row.fan for row in rows if not row.public] == ["leo"]


def test_home_counts_pending_comments(house: House) -> None:
    for number in range(3):
        commented(house, f"word {number}", number)
    with house.look() as page:
        page.open("/")
        assert "3 commentaires attendent une réponse." in page.again()


def test_published_reply_is_deleted_after_confirmation(house: House) -> None:
    world = house.studio.world
    _, post = world.network.api("POST", world.account, "posts", {"text": "first light"})
    body = {"fan": "ann", "post": post["id"], "text": "where is this?"}
    _, told = world.network.json("POST", f"/control/remarks/{quote(world.account, safe='')}", body)
    talk = commented(house, "where is this?", int(told["id"].removeprefix("r")))
    with house.look(chat=talk) as page:
        page.press("Reprendre")
        page.type("Réponse publique à Ann", "Merci !")
        page.press("Répondre")
        assert "Supprimer ma réponse" not in page.labels(), "the reply is not published yet"
        house.studio.go()
        assert "Merci !" in page.again()
        page.press("Supprimer ma réponse")
        page.press("Oui, supprimer la réponse")
    asked = house.studio.rows(
        "SELECT subject_id FROM outbox WHERE tenant_id = :tenant AND kind = 'takedown.remove'"
    )
    assert len(asked) == 1

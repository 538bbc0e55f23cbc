"""Comments as members see and work them: a group of their own, an answer in public, what is done
with one."""

from urllib.parse import quote
from uuid import UUID

import pytest

from connectors.contract.comments import Comment
from foundation.i18n.translation import Message, render_message
from subscribers.comments import incoming_comments
from subscribers.conversations.states import OwnerState
from subscribers.inbox import queries
from subscribers.inbox.queries import InboxGroup
from tenants.agencies.rights import Role
from tests.dashboard.pages.inbox.test_page import House, house, running

__all__ = ["house", "running"]


def commented(house: House, text: str = "where is this?", number: int = 1) -> UUID:
    """Somebody says something under a post of the account; the conversation."""
    with house.studio.scope() as scope:
        said = Comment(
            f"r{number}", "ann", "Ann", text, "p1", "https://place.example/p1#r1", scope.now
        )
        incoming_comments.receive_comment(scope, house.studio.world.channel(), said)
    with house.studio.scope() as scope:
        rows = queries.list_inbox(scope, [house.studio.world.creator_id])
        return next(row.id for row in rows if row.public)


def wanted(house: House) -> list[str]:
    found = house.studio.rows(
        "SELECT args FROM outbox WHERE tenant_id = :tenant AND kind = 'remark.moderate'"
    )
    return [row.args["act"] for row in found]


def test_comments_are_a_group_of_their_own(house: House) -> None:
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


def test_an_answer_is_kept_once_and_says_who_reads_it(house: House) -> None:
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


def test_with_several_the_one_that_is_meant_is_chosen(house: House) -> None:
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


def test_what_cannot_be_taken_back_asks_once_more(house: House) -> None:
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


def test_a_comment_is_liked_and_says_so(house: House) -> None:
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


def test_done_leaves_the_list(house: House) -> None:
    talk = commented(house)
    with house.look(chat=talk) as page:
        page.press("Terminé")
    with house.studio.scope() as scope:
        assert queries.load_conversation_desk(scope, talk, house.me()).owner is OwnerState.CLOSED
        (row,) = queries.list_inbox(scope, [house.studio.world.creator_id])
        assert row.group(house.me(), scope.now) is InboxGroup.CLOSED


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.OWNER, Role.MANAGER, Role.CHATTER}))
def test_who_may_not_chat_acts_on_no_comment(house: House, role: Role) -> None:
    talk = commented(house)
    with house.look(role, chat=talk) as page:
        page.again()
        labels = page.labels()
    assert not {"Masquer", "Supprimer", "Répondre"} & set(labels)
    assert wanted(house) == []


def test_a_flood_of_comments_hides_no_subscriber(house: House) -> None:
    house.studio.say("leo", "bonjour")
    with house.studio.scope() as scope:
        for number in range(queries.IN_PUBLIC + 30):
            said = Comment(
                f"r{number}", f"fan{number}", f"Fan {number}", "nice", "p1", "", scope.now
            )
            incoming_comments.receive_comment(scope, house.studio.world.channel(), said)
    with house.studio.scope() as scope:
        rows = queries.list_inbox(scope, [house.studio.world.creator_id])
    assert sum(row.public for row in rows) == queries.IN_PUBLIC
    assert [row.fan for row in rows if not row.public] == ["leo"]


def test_home_says_how_many_wait(house: House) -> None:
    for number in range(3):
        commented(house, f"word {number}", number)
    with house.look() as page:
        page.open("/")
        assert "3 commentaires attendent une réponse." in page.again()


def test_an_answer_that_stands_is_taken_back_after_a_second_press(house: House) -> None:
    world = house.studio.world
    _, post = world.network.api("POST", world.account, "posts", {"text": "first light"})
    body = {"fan": "ann", "post": post["id"], "text": "where is this?"}
    _, told = world.network.json("POST", f"/control/remarks/{quote(world.account, safe='')}", body)
    talk = commented(house, "where is this?", int(told["id"].removeprefix("r")))
    with house.look(chat=talk) as page:
        page.press("Reprendre")
        page.type("Réponse publique à Ann", "Merci !")
        page.press("Répondre")
        assert "Supprimer ma réponse" not in page.labels(), "nothing stands yet"
        house.studio.go()
        assert "Merci !" in page.again()
        page.press("Supprimer ma réponse")
        page.press("Oui, supprimer la réponse")
    asked = house.studio.rows(
        "SELECT subject_id FROM outbox WHERE tenant_id = :tenant AND kind = 'takedown.remove'"
    )
    assert len(asked) == 1

"""The list panel: search, filters, read state, snooze, and the presence of other members."""

from datetime import UTC, datetime, timedelta

from dashboard.pages.inbox import actions, list_panel
from insights.predictions import storage
from insights.predictions.evidence import NotEnoughData
from insights.predictions.states import PredictionTask
from subscribers.conversations.states import Sentiment
from subscribers.fans import scores
from subscribers.fans.scores import ScoreDraft
from subscribers.inbox import member_actions
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.dashboard.pages.inbox.test_page import House, house, running
from tests.dashboard.streamlit_client import Stream
from tests.insights.builders import receive_comments, store_comments

__all__ = ["house", "running"]


def rows(page: Stream) -> list[str]:
    """Return the fans of the listed conversations, from top to bottom."""
    return [label.split("**")[1] for label in page.labels() if label.startswith("**")]


def test_search_narrows_the_list_and_is_cleared(house: House) -> None:
    house.studio.say("leo", "Je reviens de la plage, quelle journée")
    house.studio.say("ana", "bonsoir")
    with house.look() as page:
        assert set(rows(page)) == {"leo", "ana"}
        text = page.type("Rechercher une conversation", "PLAGE")
        assert rows(page) == ["leo"]
        assert "Résultats : 1" in text
        assert "Gérées par l’IA" not in text
        text = page.type("Rechercher une conversation", "<b>rien</b> ' OR 1=1 --")
        assert rows(page) == []
        assert "Aucune conversation ne correspond" in text
        page.press("Effacer la recherche et les filtres")
        assert set(rows(page)) == {"leo", "ana"}


def test_filters_show_unread_waiting_and_buyers(house: House) -> None:
    house.studio.say("leo", "/human")
    house.studio.say("ana", "bonsoir")
    with house.look(chat=house.talk("ana")) as page:
        assert "Non lues : 1" in page.again()
        page.choose("Afficher", "Non lues")
        assert rows(page) == ["leo"]
        page.choose("Afficher", "À traiter")
        assert rows(page) == ["leo"]
        page.choose("Afficher")
        page.choose("Achats", "Au moins un pack acheté")
        assert rows(page) == []
        page.choose("Achats", "Aucun achat")
        assert set(rows(page)) == {"leo", "ana"}


def test_comments_are_reviewed_in_an_estimated_order(house: House) -> None:
    house.studio.say("leo", "bonsoir")
    channel = house.studio.world.channel().id
    with house.studio.scope() as scope:
        receive_comments(scope, channel, ["Bravo"], key="new-")
    with house.look() as page:
        assert "n’est pas estimée" in page.choose("Afficher", "Commentaires")
    with house.studio.scope() as scope:
        comments = [(scope.now, Sentiment.NEGATIVE) for _ in range(2)]
        store_comments(scope, channel, comments, toxicity=[0.2, 0.9])
    with house.look() as page:
        text = page.choose("Afficher", "Commentaires")
        assert "Rien n’est masqué ni supprimé" in text
        order = rows(page)
    with house.look(show="comments") as page:
        assert rows(page) == order, "the link of an alert"
    assert [name.rpartition("-")[2] for name in order] == ["1", "0", "0"]


def test_opened_conversation_is_read_until_it_is_marked_as_unread(house: House) -> None:
    house.studio.say("leo", "/human")
    with house.look(Role.MANAGER) as other, house.look() as page:
        row = next(label for label in page.labels() if label.startswith("**leo**"))
        assert "non lu" in row
        page.press(row)
        assert "non lu" not in next(one for one in page.labels() if one.startswith("**leo**"))
        assert "non lu" in " ".join(label for label in other.labels() if "leo" in label)
        page.press("Marquer comme non lue")
        assert "Sélectionnez" in page.again()
        assert "non lu" in next(one for one in page.labels() if one.startswith("**leo**"))
        assert "marquées comme lues" in page.press("Tout marquer comme lu")
        assert "non lu" not in next(one for one in page.labels() if one.startswith("**leo**"))


def test_rows_and_card_show_predictions_with_their_evidence(house: House) -> None:
    house.studio.say("leo", "/human")
    house.studio.say("ana", "bonsoir")
    with house.studio.scope() as scope:
        creator = house.studio.world.creator_id
        leo = house.studio.thread("leo").fan_id
        scores.replace_scores(scope, creator, "leads", [ScoreDraft(leo, grade="A")])
        value = ScoreDraft(leo, "XTS", chance=0.5, value_minor=900, low_minor=100, high_minor=2000)
        scores.replace_scores(scope, creator, "repeat", [value])
        lacking = NotEnoughData(12, 200, "leads")
        lead = storage.waiting_prediction(creator, PredictionTask.LEADS, "", lacking, scope.now)
        storage.store_predictions(scope, [creator], [PredictionTask.LEADS], [lead])
    with house.look(Role.OWNER, chat=house.talk()) as page:
        row = next(label for label in page.labels() if label.startswith("**leo**"))
        assert "prospect A · 900 (test) attendus" in row.replace("\\", "").replace("\xa0", " ")
        text = page.again().replace("\xa0", " ").replace("\u202f", " ")
        assert "note A" in text
        assert "900 (test) (100 (test) à 2 000 (test))" in text
        assert "Données insuffisantes : 12 sur 200" in text
        page.choose("Note du prospect", "A")
        assert rows(page) == ["leo"]
        page.choose("Note du prospect", "B")
        assert rows(page) == []
    with house.look(chat=house.talk()) as page:  # a chatter sees grades, no amounts
        assert "prospect A" in next(one for one in page.labels() if one.startswith("**leo**"))
        assert "900" not in page.again()
        assert "Valeur attendue" not in page.find("Trier par", "selectbox").options


def test_fan_names_cannot_leave_the_style_of_a_row() -> None:
    assert list_panel.css_text('";}<') == "\\22 \\3b \\7d \\3c "


def test_members_see_who_views_and_who_replies(house: House) -> None:
    house.studio.say("leo", "/human")
    talk = house.talk()
    with house.look(chat=talk) as page, house.look(Role.MANAGER) as other:
        text = other.again()
        assert "Chatter N. consulte" in next(one for one in other.labels() if "leo" in one)
        assert "est en train de répondre" not in text
        page.press("Reprendre")
        page.type("Votre message à leo", "Je commence")
        assert "Chatter N. est en train de répondre" in other.tick()
        page.type("Votre message à leo", "")
        text = other.tick()
        assert "Chatter N. consulte" in text
        house.studio.world.pass_time(61)
        assert "Chatter N." not in other.again().split("Attribuées à d’autres")[-1]


def test_member_of_other_creators_neither_finds_nor_sees_presence(house: House) -> None:
    house.studio.say("leo", "canary-words")
    with house.studio.scope() as scope:
        agencies.add_creator(
            scope, slug="mia", name="Mia", kind="human", zone="Europe/Paris", languages=["fr"]
        )
        scope.run("""UPDATE members SET creators = '["mia"]' WHERE id = :m""", m=house.me())
    with house.look(Role.MANAGER, chat=house.talk()), house.look() as page:
        text = page.again()
        assert "canary" not in text
        assert "Manager N." not in text
        assert page.labels("text_input") == []  # nothing to search in


def test_snooze_is_shown_and_comes_back_at_the_chosen_time(house: House) -> None:
    house.studio.say("leo", "bonjour")
    talk = house.talk()
    with house.studio.scope() as scope:
        member_actions.snooze_conversation(scope, talk, scope.now + timedelta(hours=2))
    with house.look(chat=talk) as page:
        text = page.again()
        assert "En veille jusqu’à" in text
        assert "en veille jusqu’à" in next(one for one in page.labels() if "leo" in one)
        house.studio.world.pass_time(2 * 3600 + 60)
        text = page.again()
        assert text.index("À traiter") < text.index("veille terminée")
        assert "La veille s’est terminée" in text
        page.press("Réactiver")
        assert "veille terminée" not in page.again()


def test_snooze_of_a_week_ends_on_monday_morning() -> None:
    monday = datetime(2026, 3, 2, 8, tzinfo=UTC)
    for days in range(7):
        ends = actions.snooze_end("week", monday + timedelta(days=days))
        assert (ends.date(), ends.hour) == ((monday + timedelta(days=7)).date(), 9)


def test_label_shows_the_searched_part_of_a_long_message() -> None:
    said = f"{'mot ' * 30}mer bleue {'fin ' * 9}"
    assert "mer bleue" in list_panel._excerpt(said, "mer")
    assert list_panel._excerpt(said, "").startswith("mot mot")
    assert len(list_panel._excerpt(said, "absent")) <= list_panel.SAID

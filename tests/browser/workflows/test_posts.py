"""Posts, by mouse and keyboard: from draft to publication, threads, an uncertain delivery, a paused
account."""

from datetime import date

import pytest

from channels.accounts import queries as channel_reads
from channels.accounts.states import ChannelState
from schedules.posts.states import DeliveryState
from tests.browser.chromium import Visitor
from tests.browser.installation import RunningAgency
from tests.browser.test_every_page import picture
from tests.conftest import wait_until

WORDS = "Le port, ce matin : personne encore."
DELIVERIES = (
    "SELECT d.id FROM deliveries d JOIN posts p ON p.tenant_id = d.tenant_id AND p.id = d.post_id"
    " WHERE d.tenant_id = :tenant AND p.body = :words"
)


def written(visitor: Visitor, words: str = WORDS) -> None:
    """Write a post for the account "main" on the page."""
    visitor.button("Nouvelle publication").wait_for()
    visitor.rest()
    visitor.page.keyboard.press("n")
    visitor.shows("Sélectionnez au moins un compte")
    visitor.rest()
    visitor.tab_to("main")
    visitor.page.keyboard.press("Enter")
    visitor.rest()
    visitor.tab_to("Texte")
    visitor.page.keyboard.type(words)
    visitor.shows("Prêt à publier sur main")


def test_post_is_written_approved_and_published(lea: RunningAgency) -> None:
    desk = lea.desk
    with lea.visitor("/calendar", desk.author) as anne:
        written(anne)
        assert anne.page.get_by_role("button", name="Choisir des fichiers").count() == 1
        anne.page.get_by_label("Texte", exact=True).click()
        anne.page.keyboard.press("Control+Enter")
        anne.shows("en attente de validation par Marc")
        assert "approvals" not in anne.page.url
    ((delivery,),) = lea.rows(DELIVERIES, words=WORDS)
    assert desk.state(delivery) is DeliveryState.DRAFT
    with lea.visitor("/approvals") as marc:
        marc.shows(WORDS)
        marc.page.keyboard.press("a")
        marc.shows("Validé.")
        marc.rest()
        marc.page.get_by_text("Étalonnage des classements").click()
        marc.page.locator("details[open]").wait_for()
        marc.page.get_by_role("button", name="Annuler").wait_for(state="detached")
        marc.rest()
        assert marc.page.locator("details[open]").count() == 1, (
            "the open section closed with the undo offer"
        )
    assert desk.state(delivery) is DeliveryState.SCHEDULED
    assert desk.texts() == []
    lea.bots.pass_time(seconds=(desk.entry(delivery).due_at - desk.now()).total_seconds() + 1)
    wait_until(lambda: desk.state(delivery) is DeliveryState.PUBLISHED, 60)
    assert desk.texts() == [WORDS]
    with lea.visitor(f"/calendar?post={desk.entry(delivery).post_id}") as marc:
        marc.shows("Publié")


def test_double_click_creates_one_post(lea: RunningAgency) -> None:
    with lea.visitor("/calendar", lea.desk.author) as anne:
        written(anne, "Une fois.")
        anne.button("Soumettre pour validation").dblclick()
        anne.shows("en attente de validation par Marc")
        anne.rest()
    assert len(lea.rows(DELIVERIES, words="Une fois.")) == 1


def test_uncertain_delivery_is_resolved_by_a_member(lea: RunningAgency) -> None:
    desk = lea.desk
    desk.connect("doute", nolook=True)
    desk.fault("reset_before", channel="doute")
    lost = desk.delivery("Partie ou pas ?", channel="doute", after=1)
    wait_until(lambda: desk.state(lost) is DeliveryState.UNCERTAIN, 60)
    with lea.visitor("/") as marc:
        marc.page.get_by_text("Examiner et décider").click()
        marc.shows("Pas en ligne : renvoyer")
        marc.rest()
        picture(marc, "doubt_home_1280", 1280, 900)
    with lea.visitor(f"/calendar?post={desk.entry(lost).post_id}") as marc:
        marc.page.get_by_label("URL de la publication").fill(
            f"{lea.installation.sandbox.url}/t/main/p1"
        )
        marc.page.keyboard.press("Tab")
        marc.press("Elle est en ligne : l’associer")
        marc.shows("Cette publication appartient à un autre compte")
        assert desk.state(lost) is DeliveryState.UNCERTAIN
        picture(marc, "doubt_post_390", 390, 900)
    with lea.visitor("/approvals") as marc:
        marc.shows("Partie ou pas ?")
        marc.press("Pas en ligne : renvoyer…")
        marc.shows("elle apparaîtra deux fois")
        assert marc.button("J’ai vérifié : renvoyer").is_disabled()
        assert desk.texts("doute") == []
        marc.rest()
        picture(marc, "doubt_sure_1280", 1280, 900)
        marc.press("J’ai vérifié : renvoyer")
        wait_until(lambda: desk.state(lost) is DeliveryState.PUBLISHED, 60)
    assert desk.texts("doute") == ["Partie ou pas ?"]
    with lea.visitor(f"/calendar?post={desk.entry(lost).post_id}") as marc:
        marc.press("Retirer du compte")
        marc.shows("La publication est retirée de")
        marc.rest()
        picture(marc, "taken_away_1280", 1280, 900)
        marc.press("Oui, retirer")
        wait_until(lambda: desk.state(lost) is DeliveryState.REMOVED, 60)
        marc.shows("Republier")


def test_account_is_paused_and_resumed(lea: RunningAgency) -> None:
    def state() -> ChannelState:
        with lea.desk.scope() as scope:
            return channel_reads.get_channel(scope, lea.desk.channels["main"]).state

    with lea.visitor("/channels") as marc:
        marc.press("Mettre en pause")
        marc.shows("main mis en pause")
        assert state() is ChannelState.PAUSED
        marc.press("Reprendre")
        marc.shows("main a repris.")
    assert state() is ChannelState.ACTIVE


def test_thread_is_written_approved_and_published_in_order(
    lea: RunningAgency,
) -> None:
    desk = lea.desk
    with lea.visitor("/calendar", desk.author) as anne:
        written(anne, "Bonsoir à tous.")
        anne.press("Ajouter au fil")
        anne.shows("Partie 2")
        anne.rest()
        anne.page.get_by_label("Partie 2", exact=True).click()
        anne.page.keyboard.type("La boutique est ouverte.")
        anne.press("Ajouter un premier commentaire")
        anne.shows("Premier commentaire")
        anne.rest()
        anne.page.get_by_label("Premier commentaire", exact=True).first.click()
        anne.page.keyboard.type("Merci")
        anne.shows("5 / 4096 caractères")  # while the field has the focus
        anne.page.keyboard.type(" à tous !")
        anne.shows("14 / 4096 caractères")
        assert anne.run("document.activeElement.value") == "Merci à tous !", "the cursor moved"
        for width in (1280, 390):
            anne.size(width)
            anne.rest()
            assert anne.overflow <= 0, width
            picture(anne, f"thread_{width}", width, 900)
        anne.size(1280)
        anne.press("Soumettre pour validation")
        anne.shows("en attente de validation par Marc")
    ((delivery,),) = lea.rows(DELIVERIES, words="Bonsoir à tous.")
    with lea.visitor("/approvals") as marc:
        marc.shows("La boutique est ouverte.")
        marc.shows("Merci à tous !")
        marc.page.keyboard.press("a")
        marc.shows("Validé.")
    lea.bots.pass_time(seconds=(desk.entry(delivery).due_at - desk.now()).total_seconds() + 1)
    wait_until(lambda: desk.state(delivery) is DeliveryState.PUBLISHED, 60)
    texts = desk.texts()
    assert texts[texts.index("Bonsoir à tous.") :] == [
        "Bonsoir à tous.",
        "La boutique est ouverte.",
        "Merci à tous !",
    ]
    with lea.visitor(f"/calendar?post={desk.entry(delivery).post_id}") as marc:
        marc.shows("Parties publiées : 3 sur 3")
        picture(marc, "thread_story_1280", 1280, 900)


IN_SIGHT = """() => [...document.querySelectorAll('[data-testid="stAlert"]')].some((one) => {
  const {top, bottom} = one.getBoundingClientRect();
  return one.textContent.includes("dépasse le retard autorisé") && top >= 0 && bottom <= innerHeight;
})"""


@pytest.mark.parametrize(("width", "height"), [(1280, 500), (390, 700)])
def test_refusal_is_shown_in_the_visible_area(lea: RunningAgency, width: int, height: int) -> None:
    desk = lea.desk
    post_id = desk.entry(desk.delivery("Loin en bas", after=7200)).post_id
    with lea.visitor(f"/calendar?post={post_id}") as marc:
        marc.size(width, height)
        marc.pick("Date", date(2020, 2, 1))
        marc.press("Reprogrammer")
        marc.shows("dépasse le retard autorisé")
        marc.rest()
        marc.button("Reprogrammer").scroll_into_view_if_needed()
        marc.until("() => document.querySelector('[data-testid=\"stMain\"]').scrollTop > 200")
        marc.until(IN_SIGHT)
        assert (
            marc.page.get_by_role("alert").filter(has_text="dépasse le retard autorisé").count()
            == 1
        ), "announced once"
        assert marc.overflow <= 0

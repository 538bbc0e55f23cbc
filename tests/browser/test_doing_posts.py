"""Posts, by mouse and keyboard: from the first letter to the network, two people, a doubt, a pause."""

from channels import reads as channel_reads
from channels.states import ChannelState
from schedules.states import DeliveryState as S
from tests.browser.living import Living
from tests.browser.visitors import Visitor
from tests.conftest import wait_until

WORDS = "Le port, ce matin : personne encore."
DELIVERIES = (
    "SELECT d.id FROM deliveries d JOIN posts p ON p.tenant_id = d.tenant_id AND p.id = d.post_id"
    " WHERE d.tenant_id = :tenant AND p.body = :words"
)


def written(visitor: Visitor, words: str = WORDS) -> None:
    """A post on the page, for the account called main."""
    visitor.page.keyboard.press("n")
    visitor.shows("Choisissez au moins un compte")
    visitor.rest()
    visitor.page.get_by_label("Texte", exact=True).click()
    visitor.page.keyboard.type(words)
    visitor.press("main")
    visitor.shows("Rien ne s’y oppose sur main")


def test_from_the_first_letter_to_the_network(lea: Living) -> None:
    desk = lea.desk
    with lea.visitor("/calendar", desk.author) as anne:
        written(anne)
        assert anne.page.get_by_role("button", name="Choisir des photos").count() == 1
        anne.page.get_by_label("Texte", exact=True).click()
        anne.page.keyboard.press("Control+Enter")
        anne.shows("Cela attend l’accord de : Marc")
        assert "approvals" not in anne.page.url
    ((delivery,),) = lea.rows(DELIVERIES, words=WORDS)
    assert desk.state(delivery) is S.DRAFT
    with lea.visitor("/approvals") as marc:
        marc.shows(WORDS)
        marc.page.keyboard.press("a")
        marc.shows("Validé.")
    assert desk.state(delivery) is S.SCHEDULED
    assert desk.texts() == []
    lea.bots.pass_time(seconds=(desk.entry(delivery).due_at - desk.now()).total_seconds() + 1)
    wait_until(lambda: desk.state(delivery) is S.PUBLISHED, 60)
    assert desk.texts() == [WORDS]
    with lea.visitor(f"/calendar?post={desk.entry(delivery).post_id}") as marc:
        marc.shows("Publié")


def test_two_presses_write_one_post(lea: Living) -> None:
    with lea.visitor("/calendar", lea.desk.author) as anne:
        written(anne, "Une fois.")
        anne.button("Planifier").dblclick()
        anne.shows("Cela attend l’accord de : Marc")
        anne.rest()
    assert len(lea.rows(DELIVERIES, words="Une fois.")) == 1


def test_a_doubt_is_settled_by_a_person(lea: Living) -> None:
    desk = lea.desk
    desk.connect("doute", nolook=True)
    desk.fault("reset_before", channel="doute")
    lost = desk.delivery("Partie ou pas ?", channel="doute", after=1)
    wait_until(lambda: desk.state(lost) is S.UNCERTAIN, 60)
    with lea.visitor("/approvals") as marc:
        marc.shows("Partie ou pas ?")
        marc.press("N’a pas été publié")
        marc.shows("une seule fois")
        wait_until(lambda: desk.state(lost) is S.PUBLISHED, 60)
    assert desk.texts("doute") == ["Partie ou pas ?"]


def test_an_account_rests_and_goes_on(lea: Living) -> None:
    def state() -> ChannelState:
        with lea.desk.scope() as scope:
            return channel_reads.channel(scope, lea.desk.channels["main"]).state

    with lea.visitor("/channels") as marc:
        marc.press("Mettre en pause")
        marc.shows("main est en pause : rien ne part, tout attend.")
        assert state() is ChannelState.PAUSED
        marc.press("Reprendre")
        marc.shows("main reprend.")
    assert state() is ChannelState.ACTIVE

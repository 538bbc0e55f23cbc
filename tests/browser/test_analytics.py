"""Analytics in a real browser: from all creators to one, its channel and its posts; an annotation, a
goal and a saved view; the live view."""

from datetime import timedelta

import pytest

from foundation.ops.wall_time import local_day
from insights.rollups.history_import import PastDay, import_past_days
from insights.rollups.queries import DayWork
from subscribers.conversations.states import Sentiment
from tenants.agencies import agencies
from tests.browser.chromium import Chromium, Visitor
from tests.browser.page_checks import page_faults
from tests.browser.test_dashboard import enter
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.analytics.test_content import read_metric
from tests.insights.builders import store_comments

MAIN = '[data-testid="stMain"] .gr'
ROWS = ".gr-rows tbody tr"


@pytest.fixture
def selling(lumiere: Agency) -> Agency:
    """Return an agency with two creators, sales, followers and posts with readings."""
    with lumiere.scope() as scope:
        zoe = agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="human", zone=ZONE, languages=["fr"]
        )
        today = local_day(scope.now, ZONE)
        import_past_days(scope, [PastDay(zoe, today, DayWork(views=5), ())])
    for back in range(0, 20, 2):
        lumiere.sold(back, 1000 + 300 * back)
    for title, views in (("Le matin", 1200), ("Le soir", 800)):
        post = lumiere.post(title, state="published", url="https://x.test/1", minutes=-90)
        for age, share in ((1, 4), (24, 2), (168, 1)):
            read_metric(lumiere, post, age, views=views // share, likes=views // 10 // share)
        with lumiere.scope() as scope:
            assert lumiere.channel_id is not None
            comments = [(scope.now, Sentiment.POSITIVE), (scope.now, Sentiment.NEGATIVE)]
            store_comments(scope, lumiere.channel_id, comments, delivery_id=post)
    for back, number in ((5, 1000), (0, 1190)):
        lumiere.followed(back, number)
    return lumiere


def open_analytics(visitor: Visitor, door: Door, who: Agency, query: str = "") -> None:
    enter(visitor, door, who)
    visitor.go(f"{door.url}/insights?{query}")
    visitor.rest()


def test_member_drills_down_from_creators_to_a_post(
    chromium: Chromium, door: Door, selling: Agency
) -> None:
    with chromium.visitor(1440) as visitor:
        open_analytics(visitor, door, selling)
        visitor.shows("Ventes nettes par jour")
        visitor.page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg").first.wait_for()  # fmt: skip
        assert page_faults(visitor, MAIN) == []
        visitor.page.locator(f"{ROWS} button", has_text="Mia").click()
        visitor.shows("Nouveaux abonnés")
        visitor.page.locator(f"{ROWS} button", has_text="Sandbox").click()
        visitor.shows("24 heures après chaque publication (2 mesurées)")
        assert "view=content" in visitor.page.url
        assert "channel=" in visitor.page.url
        visitor.rest()
        grid = visitor.page.locator("[data-testid=stDataFrame]").first
        grid.click(position={"x": 18, "y": 68})
        visitor.shows("Statistiques par âge")
        visitor.shows("Tonalité des commentaires")
        visitor.shows("2 sur 30 commentaires classés")
        visitor.shows("Aucune commande sur ce compte")
        assert visitor.complaints == []
        assert visitor.hosts == {door.url.removeprefix("http://")}


def test_member_annotates_sets_a_goal_and_saves_the_view(
    chromium: Chromium, door: Door, selling: Agency
) -> None:
    with chromium.visitor(1440) as visitor:
        address = f"{door.url}/insights?creator=mia&period=days_7"
        open_analytics(visitor, door, selling, "creator=mia&period=days_7")
        visitor.shows("Aucun objectif pour ce mois")
        visitor.press("Annotations")
        visitor.type("Texte", "Nouveau prix")
        visitor.press("Ajouter une annotation")
        visitor.shows("L’annotation a été ajoutée")
        visitor.go(address)
        visitor.rest()
        visitor.press("Fixer un objectif")
        visitor.type("Valeur à atteindre", "abc")
        visitor.press("Enregistrer l’objectif")
        visitor.shows("Indiquez un objectif supérieur à 0")
        visitor.type("Valeur à atteindre", "10")
        visitor.press("Enregistrer l’objectif")
        visitor.shows("L’objectif de Mia a été enregistré")
        visitor.shows("Atteint")
        visitor.go(address)
        visitor.rest()
        visitor.press("Vues enregistrées")
        visitor.type("Nom de la vue", "Lundi")
        visitor.press("Enregistrer cette vue")
        visitor.shows("La vue Lundi a été enregistrée")
        visitor.go(f"{door.url}/insights")
        visitor.rest()
        visitor.press("Vues enregistrées")
        visitor.press("Lundi")
        visitor.shows("Tous les créateurs")
        visitor.until("() => location.search.includes('creator=mia')")
        visitor.until("() => location.search.includes('period=days_7')")
        assert visitor.complaints == []


def test_views_fit_a_phone(chromium: Chromium, door: Door, selling: Agency) -> None:
    with chromium.visitor(390) as visitor:
        open_analytics(visitor, door, selling)
        for view in ("content", "channels", "live"):
            visitor.go(f"{door.url}/insights?view={view}")
            visitor.rest()
            assert visitor.overflow <= 0, view
            assert page_faults(visitor, MAIN) == [], view


def test_live_view_refreshes_itself(chromium: Chromium, door: Door, selling: Agency) -> None:
    with chromium.visitor(1440) as visitor:
        open_analytics(visitor, door, selling, "view=live")
        visitor.shows("Choisissez une publication ou un pack")
        with selling.scope() as scope:
            newest = scope.run(
                "SELECT id FROM deliveries WHERE tenant_id = :t ORDER BY due_at DESC, id LIMIT 1",
                t=selling.tenant_id,
            ).scalar()
        visitor.go(f"{door.url}/insights?view=live&launch=post:{newest}")
        visitor.shows("Actualisation toutes les deux secondes")
        before = visitor.text().count("4321")
        read_metric(selling, newest, 900, views=4321)
        visitor.shows("4\u202f321", 20.0)
        assert before == 0
        assert visitor.complaints == []


def test_period_of_two_dates_is_kept_in_the_address(
    chromium: Chromium, door: Door, selling: Agency
) -> None:
    with selling.scope() as scope:
        last = local_day(scope.now, ZONE)
    first = last - timedelta(days=2)
    with chromium.visitor(1440) as visitor:
        query = f"creator=mia&period=custom&from={first}&to={last}"
        open_analytics(visitor, door, selling, query)
        visitor.shows("26,00")  # 10 + 16: sales of the first and the last day
        assert f"from={first}" in visitor.page.url

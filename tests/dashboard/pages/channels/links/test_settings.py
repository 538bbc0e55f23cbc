"""Links in posts: the link policy of a creator, the choices of a post, and the clicks of short
links."""

from channels.links import short_links
from gate.contract.units import Subject
from schedules.posts import deliveries, link_tracking
from schedules.posts.deliveries import deliveries_of_post
from schedules.posts.link_tracking import LinkChoices, LinkPolicy
from schedules.posts.states import DeliveryState
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_page import connected, posts, written
from tests.dashboard.streamlit_client import stream

FAR = "https://boutique.example/une?page=2"


def rule(who: Agency) -> LinkPolicy:
    with who.scope() as scope:
        return link_tracking.link_policy_of_creator(scope, who.creator_id)


def test_link_policy_applies_to_new_posts(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/channels", view="links")
        assert "S’applique aux liens des nouvelles publications" in text
        page.check("Raccourcir les liens")
        page.type("utm_source", " {platform} ")
        page.type("utm_content", "{secret}")
        assert "Seules ces variables sont disponibles" in page.press("Enregistrer")
        assert rule(lumiere).is_idle
        page.type("utm_content", "")
        assert "Enregistré." in page.press("Enregistrer")
    made = rule(lumiere)
    assert (made.source, made.content) == ("{platform}", "")
    assert made.base.startswith("http")


def test_preview_shows_short_links(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with lumiere.scope() as scope:
        link_tracking.set_link_policy(
            scope, lumiere.creator_id, LinkPolicy("https://court.example", "{platform}")
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", new=1)
        page.type("Texte", "Bonjour")
        page.choose("Comptes", "Sandbox")
        assert "Campagne" not in page.labels("text_input")
        text = page.type("Texte", f"Voir {FAR} et https://reste.example/")
        assert text.count("https://court.example/l/") == 2
        text = page.choose("Liens à laisser tels quels", "https://reste.example/")
        assert text.count("https://court.example/l/") == 1
        page.type("Campagne", "printemps")
        page.press("Soumettre pour validation")
    (post,) = posts(lumiere)
    assert post.links == LinkChoices("printemps", ("https://reste.example/",))


def test_without_policy_links_are_unchanged(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", words=f"Voir {FAR}")
        assert "Liens à laisser tels quels" not in page.labels("pills")
        page.press("Soumettre pour validation")
    with lumiere.scope() as scope:
        assert deliveries.get_post(scope, posts(lumiere)[0].id).links == {}


def test_clicks_are_shown_on_the_post_page(door: Door, lumiere: Agency) -> None:
    channel_id = connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", words=f"Voir {FAR}")
        page.press("Soumettre pour validation")
    (post,) = posts(lumiere)
    with lumiere.scope() as scope:
        (row,) = deliveries_of_post(scope, post.id)
        assert row.state == DeliveryState.DRAFT
        subject = Subject("delivery", row.id)
        short_links.store_links(
            scope, channel_id, subject, {FAR: FAR}, creator_id=lumiere.creator_id
        )
        slug = short_links.make_link_slug(scope.tenant_id, subject, FAR)
    found = short_links.find_link(lumiere.open, slug)
    assert found is not None
    with lumiere.scope() as scope:
        short_links.count_click(scope, found[1].id, people=3, machines=1)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/calendar", post=str(post.id))
    assert "3 clics sur le lien court" in text
    assert "1 aperçu ou robot" in text

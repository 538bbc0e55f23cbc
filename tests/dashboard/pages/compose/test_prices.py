"""Prices in the composer: offered where posts are sold, validated, shown, saved and changed."""

from uuid import UUID

from foundation.money import Money
from foundation.storage.object_store import FileStore
from gate.contract.units import Rating
from schedules.posts.channel_overrides import ChannelOverride
from studio.ingest import pipeline
from studio.library import assets
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_page import connected, posts, written
from tests.dashboard.streamlit_client import stream
from tests.gate.answers import rate_and_answer
from tests.generators.builders import a_picture, encoded


def photo(door: Door, who: Agency) -> UUID:
    """Add a rated picture to the library."""
    prepared = pipeline.prepare_upload(
        encoded(a_picture(seed=11), "JPEG"), name="a.jpg", alt="la mer"
    )
    store = FileStore(door.log.parent / "objects")
    asset = pipeline.ingest_asset(
        door.tenant, store, tenant_id=who.tenant_id, creator_id=who.creator_id, prepared=prepared
    )
    with who.scope() as scope:
        rate_and_answer(
            scope, assets.get_asset(scope, asset).sha256, Rating.G, source="classifier@1"
        )
    return asset


def test_price_is_offered_where_posts_are_sold(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    connected(lumiere, "Fanvue", "fanvue", "fanvue.post")
    connected(lumiere, "Canal", "telegram", "telegram.public_channel")
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        assert "Prix sur" not in page.choose("Comptes", "Sandbox")
        page.choose("Comptes", "Fanvue", "Canal")
        said = page.type("Prix sur Fanvue", "12,50")
        assert "Verrouillé jusqu’au paiement : 12,50\xa0$US" in said
        assert "Ajoutez-en une, ou retirez le prix." in said  # the post has nothing to sell yet
        assert "solde du canal" not in said
        assert "solde du canal" in page.type("Prix sur Canal", "50")
        assert "entre 1 et 25000 Étoiles" in page.type("Prix sur Canal", "beaucoup")
        assert "Ce prix n’est pas valide" in page.press("Soumettre pour validation")
        page.type("Prix sur Canal", "50")
        assert "Une publication payante doit contenir" in page.press("Soumettre pour validation")
    assert posts(lumiere) == []


def test_price_is_saved_shown_and_changed_with_the_post(door: Door, lumiere: Agency) -> None:
    fanvue, asset = connected(lumiere, "Fanvue", "fanvue", "fanvue.post"), photo(door, lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", new=1, asset=asset, creator="mia")
        page.type("Texte", "Bonjour")
        page.choose("Comptes", "Fanvue")
        page.type("Prix sur Fanvue", "12")
        page.press("Soumettre pour validation")
    (post,) = posts(lumiere)
    assert post.others == (ChannelOverride(str(fanvue), price=Money(1200, "USD")),)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Verrouillé jusqu’au paiement : 12,00\xa0$US" in page.open("/calendar", post=post.id)
        page.press("Modifier")
        page.type("Texte", "Bonsoir")
        page.press("Enregistrer")
    (post,) = posts(lumiere)
    assert (post.body, post.others) == (
        "Bonsoir",
        (ChannelOverride(str(fanvue), price=Money(1200, "USD")),),
    )
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post.id)
        page.press("Modifier")
        page.type("Prix sur Fanvue", "")
        page.press("Enregistrer")
    (post,) = posts(lumiere)
    assert post.others == ()


def test_accounts_with_the_same_name_show_their_platform(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    connected(lumiere, "@lea", "fanvue", "fanvue.post")
    connected(lumiere, "@lea", "telegram", "telegram.public_channel")
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        page.choose("Comptes", "@lea · Fanvue")
        assert "solde du canal" not in page.type("Prix sur @lea · Fanvue", "12,50")

"""Quick actions of the library: one press on an image, without a selection."""

from gate.contract.units import Rating
from studio.library.states import ShelfState
from studio.packs import packs
from studio.recipes import examples
from studio.recipes.queries import list_recipes
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.studio.test_page import word
from tests.dashboard.streamlit_client import stream


def test_image_is_packed_and_archived_from_its_menu(door: Door, lumiere: Agency) -> None:
    asset = picture(door, lumiere, rating=Rating.G)
    menu = word("studio.tile_actions")
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/studio")
        assert f"/calendar?new=1&amp;creator=mia&amp;asset={asset}" in text
        for _ in range(2):
            if word("studio.tile_pack") in "\n".join(page.find(menu, "menu_button").options):
                page.menu(menu, word("studio.tile_pack"))
        with lumiere.scope() as scope:
            (pack,) = packs.list_packs(scope, [lumiere.creator_id])
            assert len(packs.get_pack(scope, pack.id).media) == 1
        text = page.menu(menu, word("studio.put_away"))
        assert word("studio.shelved_away_one", count=1) in text
    with lumiere.scope() as scope:
        row = scope.run("SELECT shelf FROM creations WHERE asset_id = :a", a=asset).one()
    assert ShelfState(row.shelf) is ShelfState.RETIRED


def test_example_becomes_a_template_of_the_creator(door: Door, lumiere: Agency) -> None:
    second = examples.list_examples("fr")[1]
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        text = page.press(word("studio.example_use"), nth=1)
        assert word("studio.recipe_begun", name=second.name) in text
        assert word("studio.example_known") in text
    with lumiere.scope() as scope:
        (known,) = list_recipes(scope, lumiere.creator_id)
    assert known.spec == second


def test_rating_from_the_menu_opens_the_image(door: Door, lumiere: Agency) -> None:
    picture(door, lumiere, seed=2, rating=Rating.G)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        text = page.menu(word("studio.tile_actions"), word("studio.rate"))
        assert word("studio.rate_as") in text

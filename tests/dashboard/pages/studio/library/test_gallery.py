"""Search of the library: text, tags, pages and collections of permitted creators."""

import re

from dashboard.pages.studio.library.tile_actions import SELECTION_PREFIX
from schedules.posts import deliveries
from studio.library import assets as library
from studio.library import collections
from studio.library import queries as studio_reads
from studio.packs import packs
from studio.recipes import specs
from studio.runs import runner
from studio.runs.queries import list_runs
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.studio.test_page import pick, word, work
from tests.dashboard.streamlit_client import stream
from tests.studio.builders import build_spec


def tiles(text: str) -> set[str]:
    return set(re.findall(r"/files/([0-9a-f-]{36})/thumb", text))


def test_search_and_tags_filter_pictures(door: Door, lumiere: Agency) -> None:
    sea, forest = picture(door, lumiere), picture(door, lumiere, seed=2)
    with lumiere.scope() as scope:
        library.set_alt_text(scope, forest, "une forêt <b>d’automne</b>")
    with stream(door.url, door.cookie(lumiere)) as page:
        assert tiles(page.open("/studio")) == {str(sea), str(forest)}
        assert tiles(page.type(word("studio.search"), "FORET autom")) == {str(forest)}
        assert word("studio.none_so") in page.type(word("studio.search"), "100%' OR 1=1")
        page.type(word("studio.search"), "")
        pick(page)
        page.type(word("studio.tags_new"), "Été, bord de mer")
        assert word("studio.tags_kept") in page.press(word("studio.tags_put"))
        page.type(word("studio.tags_new"), 'a"')
        assert word("studio.tags_kept") not in page.press(word("studio.tags_put"))
        assert tiles(page.choose(word("studio.tags"), "Été")) == {str(forest)}
        page.choose(word("studio.tags_there"), "Été", "bord de mer")
        assert word("studio.tags_kept") in page.press(word("studio.tags_off"))
        assert tiles(page.again()) == {str(sea), str(forest)}, "an unused tag no longer filters"


def test_pages_turn_and_restart_with_a_new_search(door: Door, lumiere: Agency) -> None:
    assets = [picture(door, lumiere, seed=seed) for seed in range(1, 27)]
    with lumiere.scope() as scope:
        library.set_alt_text(scope, assets[0], "la première")
    with stream(door.url, door.cookie(lumiere)) as page:
        first = tiles(page.open("/studio"))
        assert (len(first), word("studio.newer") in page.labels()) == (24, False)
        second = tiles(page.press(word("studio.older")))
        assert second == {str(one) for one in assets[:2]}
        assert word("studio.older") not in page.labels()
        assert tiles(page.press(word("studio.newer"))) == first
        page.press(word("studio.older"))
        assert tiles(page.type(word("studio.search"), "premiere")) == {str(assets[0])}
        assert len(tiles(page.type(word("studio.search"), "mer"))) == 24, (
            "a new search starts on the first page"
        )


def test_collection_is_arranged_sold_as_a_pack_and_deleted(door: Door, lumiere: Agency) -> None:
    assets = [picture(door, lumiere, seed=seed) for seed in (1, 2, 3)]
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        pick(page, 0)
        pick(page, 1)
        page.type(word("studio.collection.name"), "Été")
        assert word("studio.collection.added") in page.press(word("studio.collection.add"))
        text = page.choose(word("studio.collection"), "Été")
        assert tiles(text) == {str(assets[2]), str(assets[1])}
        page.check(*[one.label for one in page.widgets if SELECTION_PREFIX in one.id][:1], on=False)
        page.press(word("studio.collection.first"))
        page.press(word("studio.collection.cover"))
        page.type(word("studio.pack_title"), "Une saison")
        with lumiere.scope() as scope:
            (found,) = collections.list_collections(scope, lumiere.creator_id)
        assert (found.assets, found.cover) == ((assets[1], assets[2]), assets[1])
        page.type(word("studio.collection.name"), "Saison")
        page.press(word("studio.collection.rename"))
        assert word("studio.pack_made", title="Une saison") in page.press(
            word("studio.collection.pack")
        )
        assert word("studio.collection.deleted") in page.press(word("studio.collection.delete"))
        assert tiles(page.again()) == {str(one) for one in assets}
    with lumiere.scope() as scope:
        assert collections.list_collections(scope, lumiere.creator_id) == []
        (made,) = packs.list_active_packs(scope, lumiere.creator_id)
    assert (made.title, len(made.media)) == ("Une saison", 2)


def test_picture_shows_its_posts_and_is_generated_again(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        recipe_id = specs.save_recipe(scope, lumiere.creator_id, build_spec(variants=2))
        runner.start_run(
            scope, creator_id=lumiere.creator_id, recipe_id=recipe_id, seed=5, key="first"
        )
    work(door, lumiere)
    with lumiere.scope() as scope:
        newest = studio_reads.list_asset_cards(scope, lumiere.creator_id)[0].asset_id
        author, first = lumiere.act_as(Role.MANAGER), list_runs(scope, lumiere.creator_id)[0]
        post = {
            "title": "Un matin",
            "body": "x",
            "media": [newest],
            "origin": "test",
            "origin_key": "one",
        }
        post_id = deliveries.create_post(
            scope, creator_id=lumiere.creator_id, author=author, **post
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        text = pick(page)
        assert f'<a href="/calendar?post={post_id}" target="_self">Un matin</a>' in text
        assert "96 × 64, image/" in text
        assert word("studio.started", count=2) in page.press_twice(word("studio.again"))
    with lumiere.scope() as scope:
        again, *before = list_runs(scope, lumiere.creator_id)
    assert before == [first]
    assert (again.seed, again.version, again.total) == (5, 1, 2)


def test_system_page_shows_used_storage(door: Door, lumiere: Agency) -> None:
    picture(door, lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert word("system.storage_used", used=1) in page.open("/settings", section="storage")

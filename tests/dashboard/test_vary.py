"""Studio: variations of a picture are offered where an engine begins from pictures, and asked for with a recipe."""

from collections.abc import Iterator

import pytest

from foundation.database import OpenScope
from gate.units import Rating
from studio import recipes
from tests.conftest import Cluster
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door, serving
from tests.dashboard.streams import stream
from tests.dashboard.test_files import picture
from tests.dashboard.test_studio import pick, word
from tests.studio.builders import spec


@pytest.fixture(scope="module")
def able(cluster: Cluster, tenant: OpenScope, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A dashboard whose engine begins from pictures: the demonstration model, which no page starts."""
    folders = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GREENROOM_GENERATORS__DIFFUSION_FOLDER", "demo")
        with serving(cluster.url("greenroom_pages", "house"), *folders) as (url, log):
            yield Door(url, log, tenant)


def test_nothing_is_offered_where_the_engine_only_draws(door: Door, lumiere: Agency) -> None:
    picture(door, lumiere, seed=1, rating=Rating.G)
    with lumiere.scope() as scope:
        recipes.save(scope, lumiere.creator_id, spec())
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        pick(page)
        assert word("vary.ask") not in page.labels()


def test_variations_are_asked_for_once(able: Door, lumiere: Agency) -> None:
    asset = picture(able, lumiere, seed=1, rating=Rating.G)
    with lumiere.scope() as scope:
        recipe = recipes.save(scope, lumiere.creator_id, spec())
    with stream(able.url, able.cookie(lumiere)) as page:
        page.open("/studio")
        assert word("vary.how") in pick(page)
        assert word("studio.started", count=3) in page.press_twice(word("vary.ask"))
    with lumiere.scope() as scope:
        rows = scope.run(
            "SELECT recipe_id, from_asset, anew, total FROM jobs WHERE tenant_id = :t", t=lumiere.tenant_id
        )
        assert [tuple(row) for row in rows] == [(recipe, asset, 50, 3)]

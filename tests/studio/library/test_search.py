"""Library search: by words and properties, page by page; input is never a pattern; private to the
agency."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.ids import uuid7
from gate.contract.units import Rating
from studio.library import assets, search
from studio.library.search import LibraryQuery
from studio.library.states import ShelfState
from studio.packs import packs
from tests.gate.answers import rate_and_answer
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import CreatorStudio, Engine, create_studio
from workers.wiring import Services

MANY = 2_000

_ASSETS = """
WITH made AS (SELECT gen_random_uuid() AS id, n FROM generate_series(1, :many) n),
assets AS (INSERT INTO assets (tenant_id, id, creator_id, origin, ai, engine, model, label, source)
  SELECT :tenant, id, :creator, 'upload', 'none', 'camera', '', '', 'ingest' FROM made),
renditions AS (INSERT INTO renditions
  (tenant_id, id, asset_id, sha256, mime, size, width, height, profile, state)
  SELECT :tenant, gen_random_uuid(), id, encode(sha256(CAST(id AS text)::bytea), 'hex'),
  'image/jpeg', 1, 1, 1, 'post',
    'made' FROM made),
rated AS (INSERT INTO content_ratings (tenant_id, id, sha256, rating, source, reason)
  SELECT :tenant, gen_random_uuid(), encode(sha256(CAST(id AS text)::bytea), 'hex'),
    CASE WHEN n % 1000 = 0 THEN 'N' ELSE 'G' END, 'rule:test', NULL FROM made)
SELECT count(*) FROM made
"""
_CREATIONS = """
INSERT INTO creations (tenant_id, id, creator_id, asset_id, source_key, sha256, engine, model,
label, prompt,
  parameters, alt, shelf, created_at)
SELECT :tenant, gen_random_uuid(), :creator, id, CAST(id AS text), encode(sha256(CAST(id AS
text)::bytea), 'hex'),
  'camera', '', '', 'a long prompt about light, hour and weather, number ' || row_number() OVER
  (ORDER BY id), '{}',
  'Été à la plage', 'new', house_now() - interval '1 second' * (row_number() OVER (ORDER BY id) / 3)
FROM assets WHERE tenant_id = :tenant
"""


def filled(nova: CreatorStudio, many: int) -> None:
    """Fill a library with so many assets, three at each instant."""
    with nova.scope(), nova.services.tenant(nova.tenant_id, "system:test", role="gate") as scope:
        scope.run(_ASSETS, tenant=nova.tenant_id, creator=nova.creator_id, many=many)
    with nova.scope() as scope:
        scope.run(_CREATIONS, tenant=nova.tenant_id, creator=nova.creator_id)


def found(
    nova: CreatorStudio,
    query: LibraryQuery | None = None,
    *,
    used: tuple[UUID, ...] = (),
    **asked: Any,
) -> set[UUID]:
    with nova.scope() as scope:
        page = search.search_library(
            scope, nova.creator_id, query or LibraryQuery(**asked), used=used
        )
        return {card.asset_id for card in page.cards}


def upload(nova: CreatorStudio, seed: int, alt: str) -> UUID:
    asset = nova.upload(encoded(a_picture(seed=seed), "JPEG"))
    with nova.scope() as scope:
        assets.set_alt_text(scope, asset, alt)
    return asset


def test_search_finds_parts_of_text_regardless_of_case_and_accents(nova: CreatorStudio) -> None:
    sea, cafe = upload(nova, 1, "Été à la PLAGE"), upload(nova, 2, "un café, 100% noir_sur_blanc")
    for words, wanted in (
        ("ete", {sea}),
        ("ÉTÉ plage", {sea}),
        ("plage cafe", set()),
        ("CAFÉ", {cafe}),
        ("cafe\u0301", {cafe}),
        ("100%", {cafe}),
        ("%", {cafe}),
        ("_", {cafe}),
        ("\\", set()),
        ("'; DROP TABLE creations --", set()),
        ("& | ! <->", set()),
        ("\x00 \u202e", {sea, cafe}),
        ("", {sea, cafe}),
        ("plage " * 1_000, {sea}),
    ):
        assert found(nova, words=words) == wanted, words


@given(words=st.text(max_size=300))
@settings(max_examples=40, deadline=None)
def test_any_input_is_searched_without_an_error(services: Services, words: str) -> None:
    with services.tenant(uuid7(), "system:test") as scope:
        assert search.search_library(scope, uuid7(), LibraryQuery(words=words)).cards == []


def test_properties_of_a_picture_can_be_filtered(nova: CreatorStudio) -> None:
    first, second = upload(nova, 1, "one"), upload(nova, 2, "two")
    job = nova.start(variants=1)
    nova.work(job, Engine)
    (drawn,) = found(nova, origin="generated")
    with nova.scope() as scope:
        assets.set_shelf_state(scope, second, ShelfState.RETIRED)
        rate_and_answer(scope, assets.get_asset(scope, first).sha256, Rating.S, source="rule:test")
        pack = packs.create_pack(
            scope, creator_id=nova.creator_id, slug="p", title="P", description="", assets=[first]
        )
        scope.run(
            "UPDATE creations SET taken_at = '2026-02-01T12:00Z' WHERE asset_id = :id", id=first
        )
        offered = search.search_facets(scope, nova.creator_id)
    day = datetime(2026, 2, 1, tzinfo=UTC)
    assert (offered.total, set(offered.made_with), offered.recipes) == (
        3,
        {("camera", ""), ("placeholder", "scenes-1")},
        ["morning"],
    )
    for asked, wanted in (
        (LibraryQuery(recipe="morning"), {drawn}),
        (LibraryQuery(recipe="evening"), set()),
        (LibraryQuery(engine="placeholder", model="scenes-1"), {drawn}),
        (LibraryQuery(rating="S"), {first}),
        (LibraryQuery(shelf="away"), {second}),
        (LibraryQuery(shelf="all", origin="upload"), {first, second}),
        (LibraryQuery(use="packed"), {first}),
        (LibraryQuery(use="sold"), set()),
        (LibraryQuery(since=day, until=day + timedelta(days=1)), {first}),
        (LibraryQuery(until=day), set()),
    ):
        assert found(nova, asked) == wanted, asked
    assert found(nova, use="used", used=(first,)) == {first}
    assert found(nova, use="unused", used=(first,)) == {drawn}
    with nova.scope() as scope:
        packs.freeze_pack(scope, pack)
        rate_and_answer(scope, assets.get_asset(scope, drawn).sha256, Rating.X, source="rule:test")
    assert found(nova, use="sold") == {first}
    assert found(nova) == {first}, "prohibited pictures are not found"


def test_pages_are_stable_while_pictures_are_added(
    nova: CreatorStudio,
) -> None:
    filled(nova, 250)
    seen: list[UUID] = []
    after, pages = None, 0
    while pages == 0 or after is not None:
        with nova.scope() as scope:
            page = search.search_library(
                scope, nova.creator_id, LibraryQuery(), after=after, limit=40
            )
        seen, after, pages = [*seen, *(card.asset_id for card in page.cards)], page.after, pages + 1
        upload(nova, 100 + pages, "new")
    assert (len(seen), len(set(seen)), pages) == (250, 250, 7)


def test_another_agency_finds_no_pictures(nova: CreatorStudio, services: Services) -> None:
    upload(nova, 1, "secret")
    other = create_studio(services)
    with other.scope() as scope:
        assert (
            search.search_library(
                scope, nova.creator_id, LibraryQuery(words="secret", shelf="all")
            ).cards
            == []
        )
        assert search.search_facets(scope, nova.creator_id).total == 0


def test_filters_work_in_a_library_of_thousands(nova: CreatorStudio) -> None:
    filled(nova, MANY)
    with nova.scope() as scope:
        used = tuple(
            scope.run(
                "SELECT asset_id FROM creations WHERE tenant_id = :t LIMIT 600", t=scope.tenant_id
            ).scalars()
        )
        for query, many in (
            (LibraryQuery(), 48),
            (LibraryQuery(words="ETE number"), 48),
            (LibraryQuery(words="nowhere"), 0),
            (LibraryQuery(use="unused"), 48),
            (LibraryQuery(rating="N"), MANY // 1_000),
        ):
            assert (
                len(search.search_library(scope, nova.creator_id, query, used=used, limit=48).cards)
                == many
            ), query

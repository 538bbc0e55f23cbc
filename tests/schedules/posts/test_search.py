"""Search of posts: by the beginning of words, within the creators asked for and the tenant."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from foundation.db.database import OpenScope
from foundation.ids import uuid7
from schedules.posts.search import search_posts
from schedules.posts.states import DeliveryState
from tests.dashboard.builders import Agency, create_agency


@pytest.fixture(scope="module")
def agency(tenant: OpenScope) -> Agency:
    made = create_agency(tenant)
    made.post("L’Été à la mer")
    made.post("Un café, s'il vous plaît", state="published", minutes=-10)
    return made


def found(agency: Agency, typed: str) -> list[str]:
    with agency.scope() as scope:
        return [one.text for one in search_posts(scope, [agency.creator_id], typed)]


def test_posts_are_found_without_case_and_accents_newest_first(agency: Agency) -> None:
    assert found(agency, "ete mer") == ["L’Été à la mer"]
    assert found(agency, "CAFÉ") == ["Un café, s'il vous plaît"]
    assert found(agency, "er") == found(agency, "") == found(agency, "x") == []
    with agency.scope() as scope:
        (one,) = search_posts(scope, [agency.creator_id], "café")
    assert (one.state, one.channels, one.creator_id) == (
        DeliveryState.PUBLISHED,
        1,
        agency.creator_id,
    )


def test_posts_of_other_creators_and_tenants_are_not_found(
    agency: Agency, tenant: OpenScope
) -> None:
    with agency.scope() as scope:
        assert search_posts(scope, [uuid7()], "ete") == []
        assert search_posts(scope, [], "ete") == []
    other = create_agency(tenant)
    with other.scope() as scope:
        assert search_posts(scope, [agency.creator_id, other.creator_id], "ete") == []


def test_search_uses_the_index_of_words(agency: Agency) -> None:
    """A rare word among 20,000 posts: a scan of all posts took seconds, the index 10 ms."""
    with agency.scope() as scope:
        columns = "tenant_id, creator_id, created_at, updated_at, media, parts, overrides, links"
        columns += ", author, digest, version, text_ai, priority, until_midnight"
        scope.run(
            f"INSERT INTO posts (id, title, body, origin, origin_key, {columns})"
            " SELECT gen_random_uuid(), '', 'masse ' || n, 'bulk', n::text,"
            f" {columns} FROM posts, generate_series(1, 20000) n"
            " WHERE tenant_id = :t AND id = :id",
            t=agency.tenant_id,
            id=agency.posts[0],
        )
        scope.run("SET LOCAL statement_timeout = '1s'")
        (one,) = search_posts(scope, [agency.creator_id], "masse 19999")
        assert one.text == "masse 19999"
        assert len(search_posts(scope, [agency.creator_id], "masse")) == 6
        scope.session.rollback()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some.text(some.characters(exclude_categories=()), max_size=60))
def test_hostile_words_never_fail(agency: Agency, typed: str) -> None:
    assert set(found(agency, typed)) <= {"L’Été à la mer", "Un café, s'il vous plaît"}
    found(agency, f"' & | ! ( : * <-> \\ {typed}")

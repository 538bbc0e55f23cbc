"""Tags: equal regardless of accents, set on all pictures or none, limited, private."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import BadInput, NotFound
from studio.library import search, tags
from studio.library.search import LibraryQuery
from tests.studio.builders import CreatorStudio, create_studio
from tests.studio.library.test_search import found, upload
from workers.wiring import Services


def test_tag_is_added_to_many_searched_and_removed(nova: CreatorStudio) -> None:
    first, second, third = (upload(nova, seed, "x") for seed in (1, 2, 3))
    with nova.scope() as scope:
        tags.add_tags(scope, nova.creator_id, [first, second], ["Été  2026", "plage"])
        tags.add_tags(scope, nova.creator_id, [second, third], ["ete 2026", "ÉTÉ 2026"])
        offered = search.search_facets(scope, nova.creator_id)
    assert [(key, many) for key, _, many in offered.tags] == [("ete 2026", 3), ("plage", 2)]
    assert found(nova, tags=("ete 2026",)) == {first, second, third}
    assert found(nova, tags=("ete 2026", "plage")) == {first, second}
    assert found(nova, words="été plag") == {first, second}, "search words match tags"
    with nova.scope() as scope:
        tags.remove_tags(scope, nova.creator_id, [first], ["PLAGE", "never there"])
        (card,) = search.search_library(scope, nova.creator_id, LibraryQuery(tags=("plage",))).cards
    assert (card.asset_id, card.tags["ete 2026"]) == (second, "Été 2026")


@pytest.mark.parametrize(
    "tag", ["", " ", "a" * 41, 'a"b', "a,b", "a\\b", "a\x00b", "\u0301", "ﷺ" * 10]
)
def test_invalid_tag_is_refused(nova: CreatorStudio, tag: str) -> None:
    asset = upload(nova, 1, "x")
    with pytest.raises(BadInput, match=r"tag\.invalid"), nova.scope() as scope:
        tags.add_tags(scope, nova.creator_id, [asset], ["fine", tag])
    assert found(nova, tags=("fine",)) == set()


def test_too_many_tags_on_a_picture_are_refused(nova: CreatorStudio) -> None:
    asset = upload(nova, 1, "x")
    with nova.scope() as scope:
        tags.add_tags(scope, nova.creator_id, [asset], [str(one) for one in range(tags.MAX_TAGS)])
    with pytest.raises(BadInput, match=r"tag\.too_many"), nova.scope() as scope:
        tags.add_tags(scope, nova.creator_id, [asset], ["one more"])
    with pytest.raises(BadInput, match=r"tag\.too_many"), nova.scope() as scope:
        tags.add_tags(
            scope, nova.creator_id, [asset], [str(one) for one in range(tags.MAX_TAGS + 1)]
        )
    assert found(nova, tags=("one more",)) == set()


def test_another_agency_cannot_tag_a_picture(nova: CreatorStudio, services: Services) -> None:
    mine, other = upload(nova, 1, "x"), create_studio(services)
    theirs = upload(other, 9, "x")
    for whose in (nova.creator_id, other.creator_id):
        with pytest.raises(NotFound), other.scope() as scope:
            tags.add_tags(scope, whose, [theirs, mine], ["seen"])
        with pytest.raises(NotFound), other.scope() as scope:
            tags.remove_tags(scope, whose, [mine], ["seen"])
    assert found(nova, tags=("seen",)) == found(other, tags=("seen",)) == set()


@given(tag=st.text(max_size=60))
def test_accepted_tag_is_unchanged_by_a_second_parse(tag: str) -> None:
    try:
        ((key, written),) = tags.parse_tags([tag]).items()
    except BadInput:
        return
    assert tags.parse_tags([written]) == {key: written}
    assert tags.fold_tag(key) == key

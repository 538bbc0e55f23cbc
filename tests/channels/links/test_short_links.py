"""Short links: deterministic, created once, permanent targets, counted without tracking."""

from datetime import date
from uuid import UUID

import pytest

from channels.links import short_links
from channels.links.short_links import LinkClicks
from foundation.errors import BadInput, Conflict
from foundation.ids import uuid7
from gate.contract.units import Rating, Subject
from gate.text.text_rating import rate_texts
from tests.channels.builders import World

TODAY = date(2026, 12, 1)

HERE = Subject("delivery", UUID(int=7))
FAR = "https://example.org/a?b=c#d"


def slug(lea: World, target: str = FAR, subject: Subject = HERE) -> str:
    return short_links.make_link_slug(lea.tenant_id, subject, target)


def test_slug_leads_to_its_target_once_stored(lea: World) -> None:
    shown = slug(lea)
    with lea.scope() as scope:
        assert short_links.short_link_target(scope, shown) is None
        short_links.store_links(
            scope,
            lea.channel_id,
            HERE,
            {FAR: "", "http://example.org/": ""},
            creator_id=lea.creator_id,
        )
        short_links.store_links(scope, lea.channel_id, HERE, {FAR: ""}, creator_id=lea.creator_id)
        assert short_links.short_link_target(scope, shown) == FAR
        made = scope.run(
            "SELECT count(*) FROM links WHERE tenant_id = :tenant", tenant=lea.tenant_id
        ).scalar_one()
        assert made == 2
    found = short_links.find_link(lea.tenant, shown)
    assert found is not None
    assert found[0] == lea.tenant_id
    assert found[1].target == FAR


def test_slug_is_unique_per_subject_target_and_agency(lea: World) -> None:
    one = slug(lea)
    assert (
        len({one, slug(lea, subject=Subject("delivery", UUID(int=8))), slug(lea, f"{FAR}e")}) == 3
    )
    assert short_links.make_link_slug(uuid7(), HERE, FAR) != one
    assert len(one) == short_links.SLUG_LENGTH
    assert not set(one) & set("aeiouy0123456789")


def test_slug_contains_no_term_of_four_letters() -> None:
    """With L and P, one slug in 1,250 put its post on hold."""
    letters = _all_sequences(short_links.SLUG_LETTERS, 4)
    slugs = [
        letters[start : start + short_links.SLUG_LENGTH]
        for start in range(0, len(letters) - 3, short_links.SLUG_LENGTH - 3)
    ]
    for first in range(0, len(slugs), 40):
        some = slugs[first : first + 40]
        shown = " ".join(f"https://go.example.org/l/{slug}" for slug in some)
        assert rate_texts([shown], today=TODAY).rating is Rating.G, shown


def _all_sequences(letters: str, length: int) -> str:
    """Return a text with every sequence of `length` letters, a De Bruijn sequence
    (https://en.wikipedia.org/wiki/Lyndon_word#Generation)."""
    found: list[int] = []
    word = [-1]
    while word:
        word[-1] += 1
        if length % len(word) == 0:
            found += word
        word = [word[position % len(word)] for position in range(length)]
        while word and word[-1] == len(letters) - 1:
            word.pop()
    text = "".join(letters[number] for number in found)
    return text + text[: length - 1]


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.org",
        "https://a.org/\r\nset-cookie: x",
        "ftp://a.org",
        "https://a.org/" + "a" * 2048,
        "https://exämple.org/",
        "",
    ],
)
def test_only_plain_web_addresses_are_accepted(lea: World, target: str) -> None:
    with lea.scope() as scope, pytest.raises(BadInput):
        short_links.store_links(
            scope, lea.channel_id, HERE, {target: ""}, creator_id=lea.creator_id
        )


def test_slug_never_leads_elsewhere(lea: World) -> None:
    with lea.scope() as scope:
        scope.run(
            "INSERT INTO links (tenant_id, id, slug, target, channel_id, subject_kind)"
            " VALUES (:tenant, :id, :slug, 'https://other.example/', :channel, '')",
            tenant=lea.tenant_id,
            id=uuid7(),
            slug=slug(lea),
            channel=lea.channel_id,
        )
    with lea.scope() as scope, pytest.raises(Conflict):
        short_links.store_links(scope, lea.channel_id, HERE, {FAR: ""}, creator_id=lea.creator_id)


@pytest.mark.parametrize(
    "typed", ["", "b" * 12, "b" * 14, "B" * 13, "a" * 13, "bcfghjlmnpqr'", "../../etc/pa"]
)
def test_invalid_slug_never_reaches_the_database(lea: World, typed: str) -> None:
    def nobody(*_: object, **__: object) -> object:
        raise AssertionError("asked")

    # a stand-in that must not open a scope
    assert short_links.find_link(nobody, typed) is None  # type: ignore[arg-type]  # see above


def test_clicks_are_summed_by_subject(lea: World) -> None:
    with lea.scope() as scope:
        short_links.store_links(
            scope,
            lea.channel_id,
            HERE,
            {FAR: "", "https://example.org/b": ""},
            creator_id=lea.creator_id,
        )
    for target, times in ((FAR, 2), ("https://example.org/b", 1)):
        found = short_links.find_link(lea.tenant, slug(lea, target))
        assert found is not None
        for _ in range(times):
            with lea.scope() as scope:
                short_links.count_click(scope, found[1].id, people=1)
        with lea.scope() as scope:
            short_links.count_click(scope, found[1].id, machines=4)
    with lea.scope() as scope:
        other = Subject("delivery", UUID(int=9))
        assert short_links.clicks_of(scope, [HERE, other]) == {HERE: LinkClicks(3, 8)}


def test_closed_link_leads_nowhere(lea: World) -> None:
    with lea.scope() as scope:
        short_links.store_links(scope, lea.channel_id, HERE, {FAR: ""}, creator_id=lea.creator_id)
        short_links.close_links(scope, HERE)
        assert short_links.short_link_target(scope, slug(lea)) is None
    found = short_links.find_link(lea.tenant, slug(lea))
    assert found is not None
    assert found[1].target is None

"""Text similarity: the comparison of fingerprints, and the index used by imports."""

import random
from datetime import UTC, datetime, timedelta
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as some

from foundation.i18n.translation import load_catalogue
from foundation.ids import uuid7
from schedules.imports.account_history import AccountTexts
from schedules.posts.channel_overrides import PostContent
from schedules.posts.text_similarity import (
    SIMILARITY_WINDOW,
    SimilarityKind,
    compare_fingerprints,
    fingerprint_content,
    fingerprint_text,
    hamming_distance,
    index_marks,
    normalize_text,
    search_marks,
)
from schedules.posts.thread_parts import ThreadPart

SENTENCES = sorted(one for one in load_catalogue("fr").values() if len(one) > 30 and "{" not in one)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PICTURES = [UUID(int=number) for number in range(1, 6)]
texts = some.text(max_size=400)


@some.composite
def posts(draw: some.DrawFn) -> str:
    """Return a realistic post: some sentences of the catalogue."""
    chosen = draw(some.lists(some.sampled_from(SENTENCES), min_size=4, max_size=12, unique=True))
    return " ".join(chosen)


@given(texts)
def test_normalization_is_idempotent(text: str) -> None:
    assert normalize_text(normalize_text(text)) == normalize_text(text)


@given(texts, some.sampled_from(["  ", "\n", "\t ", "\u00a0"]))
def test_case_and_whitespace_do_not_change_fingerprint(text: str, blank: str) -> None:
    turned = text.replace("ı", "")  # the capital of "ı" is the capital of "i"
    assert normalize_text(turned.swapcase().casefold()) == normalize_text(turned.casefold())
    assert normalize_text(text.replace(" ", blank)) == normalize_text(text)
    assert fingerprint_text(f" {text}{blank}") == fingerprint_text(text)


@given(texts, texts, some.sets(some.sampled_from(PICTURES)), some.sets(some.sampled_from(PICTURES)))
def test_comparison_is_symmetric(one: str, other: str, shown: set[UUID], there: set[UUID]) -> None:
    ours, theirs = fingerprint_text(one), fingerprint_text(other)
    assert compare_fingerprints(ours, theirs) == compare_fingerprints(theirs, ours)
    assert hamming_distance(ours.letters or 0, theirs.letters or 0) == hamming_distance(
        theirs.letters or 0, ours.letters or 0
    )
    pictured = fingerprint_text(one, shown)
    assert (compare_fingerprints(pictured, pictured) is None) == (
        not normalize_text(one) and not shown
    )
    assert compare_fingerprints(fingerprint_text("", shown), fingerprint_text("", there)) == (
        SimilarityKind.PICTURES if shown and shown <= there else None
    )


@given(posts(), some.data())
def test_index_finds_every_similar_text(text: str, data: some.DataObject) -> None:
    """The index finds everything that the comparison matches: where three of sixty-four bits
    differ, one group of sixteen is equal."""
    words = text.split()
    place = data.draw(some.integers(0, len(words) - 1))
    edited = " ".join(
        [*words[:place], data.draw(some.sampled_from(["", "vraiment", "★"])), *words[place + 1 :]]
    )
    ours, theirs = fingerprint_text(edited, PICTURES[:1]), fingerprint_text(text, PICTURES[:2])
    assume(compare_fingerprints(ours, theirs) is not None)
    assert {one.mark for one in search_marks(ours)} & {one.mark for one in index_marks(theirs)}


@given(posts(), some.sampled_from(["!", " ❤️", " https://example.test/a?utm=1", "…", " ✨✨"]))
def test_added_emoji_or_link_makes_text_nearly_equal(text: str, more: str) -> None:
    assert (
        compare_fingerprints(fingerprint_text(text + more), fingerprint_text(text))
        is SimilarityKind.NEARLY
    )


def test_small_edits_are_similar_and_other_posts_are_not() -> None:
    drawn = random.Random(7)
    short = [
        one for one in SENTENCES if len(one) < 200
    ]  # two posts that share a longer sentence are similar by it alone
    written = [" ".join(drawn.sample(short, 6)) for _ in range(200)]
    prints = [fingerprint_text(one) for one in written]

    def edited(text: str) -> str:
        place = drawn.randrange(len(text))
        return text[:place] + drawn.choice("aeiost") + text[place + 1 :]

    found = sum(
        compare_fingerprints(fingerprint_text(edited(text)), one) is not None
        for text, one in zip(written, prints, strict=True)
    )
    assert found >= 0.95 * len(written)
    pairs = [(one, other) for place, one in enumerate(prints) for other in prints[:place]]
    assert not [pair for pair in pairs if compare_fingerprints(*pair) is not None]


def test_long_texts_of_one_language_are_not_similar() -> None:
    """Texts with digits are excluded, because digits alone tell most texts apart. A comparison of
    words alone would match one pair in twenty."""
    drawn = random.Random(8)
    plain = [one for one in SENTENCES if not any(map(str.isdigit, one))]
    long = [fingerprint_text(" ".join(drawn.sample(plain, 120))) for _ in range(120)]
    pairs = list(combinations(long, 2))
    assert sum(compare_fingerprints(*pair) is not None for pair in pairs) <= len(pairs) / 200


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Bonne nuit", "Bonne nuit !"),
        (
            "Le pack de douze photos est à 12 € jusqu’à dimanche soir, pas plus",
            "Le pack de douze photos est à 13 € jusqu’à dimanche soir, pas plus",
        ),
        ("", " \n"),
    ],
)
def test_short_or_differently_numbered_texts_are_not_similar(one: str, other: str) -> None:
    assert compare_fingerprints(fingerprint_text(one), fingerprint_text(other)) is None


def test_first_comment_is_ignored_and_thread_parts_count() -> None:
    said = PostContent("", "bonjour", (), ())
    commented = PostContent("", "bonjour", (), (ThreadPart("lien", comment=True),))
    thread = PostContent("", "bonjour", (), (ThreadPart("suite", (PICTURES[0],)),))
    assert fingerprint_content(said) == fingerprint_content(commented)
    assert compare_fingerprints(fingerprint_content(said), fingerprint_content(thread)) is None
    assert fingerprint_content(thread).pictures == frozenset(PICTURES[:1])


def test_new_photo_beside_old_one_is_no_duplicate() -> None:
    card, new = PICTURES[0], PICTURES[1]
    assert (
        compare_fingerprints(fingerprint_text("un", (new, card)), fingerprint_text("deux", (card,)))
        is None
    )
    assert (
        compare_fingerprints(fingerprint_text("un", (card,)), fingerprint_text("deux", (new, card)))
        is SimilarityKind.PICTURES
    )


@given(
    some.lists(some.tuples(some.integers(0, 90), some.sampled_from("abc")), max_size=12),
    some.integers(0, 90),
    some.booleans(),
)
def test_account_texts_find_nearest_duplicate(
    before: list[tuple[int, str]], day: int, once: bool
) -> None:
    """The result equals that of a linear search."""
    said = AccountTexts(once=once)
    for at, text in before:
        said.add_text(NOW + timedelta(days=at), fingerprint_text(text))
    there = [at for at, text in before if text == "a"]
    found = said.find_duplicate(NOW + timedelta(days=day), fingerprint_text("a"))
    near = [at for at in there if abs(at - day) <= SIMILARITY_WINDOW.days]
    assert (found is not None) == bool(there if once else near)
    if found is not None:
        assert abs((found.at - NOW).days - day) == min(abs(at - day) for at in there)
        assert found.refused == once


def test_equal_photo_ids_give_equal_fingerprint() -> None:
    assert fingerprint_text("x", (one := uuid7(),)) == fingerprint_text("x", (one,))

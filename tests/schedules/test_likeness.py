"""Which posts say the same: the rule alone, and the index that files are held against."""

import random
from datetime import UTC, datetime, timedelta
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as some

from foundation.ids import uuid7
from foundation.words import catalogue
from schedules.likeness import WINDOW, Kind, alike, distance, marks, normal, of_content, print_of, sought
from schedules.overrides import Content
from schedules.said import Said
from schedules.threads import Piece

SENTENCES = sorted(one for one in catalogue("fr").values() if len(one) > 30 and "{" not in one)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PICTURES = [UUID(int=number) for number in range(1, 6)]
texts = some.text(max_size=400)


@some.composite
def posts(draw: some.DrawFn) -> str:
    """A post as people write them: sentences of ours, some hundred letters."""
    chosen = draw(some.lists(some.sampled_from(SENTENCES), min_size=4, max_size=12, unique=True))
    return " ".join(chosen)


@given(texts)
def test_normalising_is_done_once(text: str) -> None:
    assert normal(normal(text)) == normal(text)


@given(texts, some.sampled_from(["  ", "\n", "\t ", "\u00a0"]))
def test_case_blanks_and_letter_forms_make_no_other_text(text: str, blank: str) -> None:
    turned = text.replace("ı", "")  # alone of all letters, its capital is another one's
    assert normal(turned.swapcase().casefold()) == normal(turned.casefold())
    assert normal(text.replace(" ", blank)) == normal(text)
    assert print_of(f" {text}{blank}") == print_of(text)


@given(texts, texts, some.sets(some.sampled_from(PICTURES)), some.sets(some.sampled_from(PICTURES)))
def test_words_are_alike_both_ways(one: str, other: str, shown: set[UUID], there: set[UUID]) -> None:
    ours, theirs = print_of(one), print_of(other)
    assert alike(ours, theirs) == alike(theirs, ours)
    assert distance(ours.letters or 0, theirs.letters or 0) == distance(theirs.letters or 0, ours.letters or 0)
    pictured = print_of(one, shown)
    assert (alike(pictured, pictured) is None) == (not normal(one) and not shown)
    assert alike(print_of("", shown), print_of("", there)) == (Kind.PICTURES if shown and shown <= there else None)


@given(posts(), some.data())
def test_what_is_alike_is_always_found_by_a_mark(text: str, data: some.DataObject) -> None:
    """The index never loses what the rule knows: sixteen of sixty-four bits are whole where three differ."""
    words = text.split()
    place = data.draw(some.integers(0, len(words) - 1))
    edited = " ".join([*words[:place], data.draw(some.sampled_from(["", "vraiment", "★"])), *words[place + 1 :]])
    ours, theirs = print_of(edited, PICTURES[:1]), print_of(text, PICTURES[:2])
    assume(alike(ours, theirs) is not None)
    assert {one.mark for one in sought(ours)} & {one.mark for one in marks(theirs)}


@given(posts(), some.sampled_from(["!", " ❤️", " https://example.test/a?utm=1", "…", " ✨✨"]))
def test_signs_and_links_make_nearly_the_same(text: str, more: str) -> None:
    assert alike(print_of(text + more), print_of(text)) is Kind.NEARLY


def test_small_edits_are_found_and_other_posts_are_not() -> None:
    drawn = random.Random(7)
    short = [one for one in SENTENCES if len(one) < 200]  # two posts that share a longer one are alike by it alone
    written = [" ".join(drawn.sample(short, 6)) for _ in range(200)]
    prints = [print_of(one) for one in written]

    def edited(text: str) -> str:
        place = drawn.randrange(len(text))
        return text[:place] + drawn.choice("aeiost") + text[place + 1 :]

    found = sum(alike(print_of(edited(text)), one) is not None for text, one in zip(written, prints, strict=True))
    assert found >= 0.95 * len(written)
    pairs = [(one, other) for place, one in enumerate(prints) for other in prints[:place]]
    assert not [pair for pair in pairs if alike(*pair) is not None]


def test_long_texts_of_one_language_stay_different() -> None:
    """Numbers aside, which would tell most of these apart. By words alone one pair in twenty is taken for alike."""
    drawn = random.Random(8)
    plain = [one for one in SENTENCES if not any(map(str.isdigit, one))]
    long = [print_of(" ".join(drawn.sample(plain, 120))) for _ in range(120)]
    pairs = list(combinations(long, 2))
    assert sum(alike(*pair) is not None for pair in pairs) <= len(pairs) / 200


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
def test_short_words_other_numbers_and_nothing_are_not_nearly_the_same(one: str, other: str) -> None:
    assert alike(print_of(one), print_of(other)) is None


def test_a_first_comment_is_not_the_post_and_a_threads_parts_are() -> None:
    said = Content("", "bonjour", (), ())
    commented = Content("", "bonjour", (), (Piece("lien", comment=True),))
    thread = Content("", "bonjour", (), (Piece("suite", (PICTURES[0],)),))
    assert of_content(said) == of_content(commented)
    assert alike(of_content(said), of_content(thread)) is None
    assert of_content(thread).pictures == frozenset(PICTURES[:1])


def test_a_picture_beside_a_new_one_is_no_repeat() -> None:
    card, new = PICTURES[0], PICTURES[1]
    assert alike(print_of("un", (new, card)), print_of("deux", (card,))) is None
    assert alike(print_of("un", (card,)), print_of("deux", (new, card))) is Kind.PICTURES


@given(
    some.lists(some.tuples(some.integers(0, 90), some.sampled_from("abc")), max_size=12),
    some.integers(0, 90),
    some.booleans(),
)
def test_an_account_remembers_what_it_said(before: list[tuple[int, str]], day: int, once: bool) -> None:
    """As a plain search through all of it would say."""
    said = Said(once=once)
    for at, text in before:
        said.add(NOW + timedelta(days=at), print_of(text))
    there = [at for at, text in before if text == "a"]
    found = said.like(NOW + timedelta(days=day), print_of("a"))
    near = [at for at in there if abs(at - day) <= WINDOW.days]
    assert (found is not None) == bool(there if once else near)
    if found is not None:
        assert abs((found.at - NOW).days - day) == min(abs(at - day) for at in there)
        assert found.refused == once


def test_ids_are_not_part_of_a_print() -> None:
    assert print_of("x", (one := uuid7(),)) == print_of("x", (one,))

"""Checks of a small model's text. The echoes are real ones of the embedded model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.text import output_checks

PROMPT = "Mia, travel creator. Picture: a lake in the mountains in the morning. Write one caption."
EXAMPLE = "Cold air, warm coffee and a view that does not need a filter."


@pytest.mark.parametrize(
    "text",
    [
        "Mia, travel creator. Picture: a lake in the mountains in the morning.",
        "A picture of a lake in the mountains, morning caption.",
        EXAMPLE,
        "Cold air, warm coffee, a view that doesn't need a filter!",
    ],
)
def test_echoes_of_prompt_or_example_are_refused(text: str) -> None:
    assert output_checks.checked_text(text, [PROMPT, EXAMPLE]) is None


def test_original_line_passes() -> None:
    line = "Nothing up here but wind, silence and tired legs."
    assert output_checks.checked_text(f'Caption: "{line}" #hiking #lake', [PROMPT, EXAMPLE]) == line


@pytest.mark.parametrize(
    "text", ["", "   ", "#hiking #lake", "1.11.11.11.11", "go go go go go", "la la la, " * 9, "ok"]
)
def test_empty_and_looping_texts_are_refused(text: str) -> None:
    assert output_checks.checked_text(text, []) is None


def test_truncated_last_sentence_is_dropped_unless_alone() -> None:
    assert (
        output_checks.tidy_text("The water was cold. We stayed until the sun was al")
        == "The water was cold."
    )
    assert output_checks.tidy_text("We stayed until the sun was") == "We stayed until the sun was"


@pytest.mark.parametrize(
    "text", ["Légende : Le lac était froid.", "« Le lac était froid. »", "- Le lac était froid."]
)
def test_french_prefixes_and_quotes_are_removed(text: str) -> None:
    assert output_checks.tidy_text(text) == "Le lac était froid."


def test_accents_do_not_hide_an_echo() -> None:
    assert output_checks.is_echo(
        "La forêt, l'été, la lumière dorée", ["la FORET l'ete la lumiere doree du soir"]
    )


@given(st.text(max_size=400), st.lists(st.text(max_size=100), max_size=3))
def test_accepted_text_is_always_short_and_new(text: str, sources: list[str]) -> None:
    line = output_checks.checked_text(text, sources, longest=120)
    if line is not None:
        assert 0 < len(line) <= 120
        assert not output_checks.is_echo(line, sources)
        assert "\n" not in line


@given(st.text(min_size=12, max_size=200))
def test_long_enough_text_echoes_itself(text: str) -> None:
    assert output_checks.is_echo(text, [text]) is (len(output_checks.significant_words(text)) >= 3)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("The river was mine this morning.", None),
        ("The river was mine this morning 🌅 #river #run", None),
        ("La rivière était à moi ce matin, et le soleil aussi.", "language"),
        ("We set up a little table with a mirror and a chair.", "off_topic"),
        ("Caption: the river was mine this morning.", "echo"),
        ("The river was mine this morning because I", "cut"),
        ("The river, the river, the river, " * 3 + "the river.", "repeated"),
        ("The river was mine this morning. " * 9 + "Yes.", "long"),
        ("The quiet river, early, before breakfast.", "repeated"),
    ],
)
def test_unusable_caption_is_found(text: str, fault: str | None) -> None:
    found = output_checks.find_caption_fault(
        text,
        language="en",
        topic="Morning run by the river",
        picture="A woman running along a river at sunrise",
        known=["Early, before breakfast: the quiet river."],
    )
    assert found == fault

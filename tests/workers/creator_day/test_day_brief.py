"""Briefs: read completely or refused with an error that names the problem and its line."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.errors import BadInput
from foundation.i18n.translation import LANGUAGES, Message, render_message
from tests.architecture.tree import ROOT
from workers.creator_day.day_brief import Brief, read_brief
from workers.terminal.yaml_models import MAX_BYTES

GOOD = """\
tone: calm
languages: [en]
recipes:
  - name: walk
    prompt: "{place} at dawn"
    words: {place: [a beach, a street]}
    variants: 2
slots:
  - {at: "10:00", channels: [My page]}
  - {at: 20:00, channels: [My page, Sandbox], picture: walk}
packs:
  - slug: walk-of-the-day
    title: A walk
    picture: walk
    pictures: 2
    price: {amount: 500, currency: XTS}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "brief.yaml"


def refused(file: Path) -> Message:
    """Return why a file is refused; check that the error is translated and contains no library
    text."""
    with pytest.raises(BadInput) as error:
        read_brief(file)
    for language in LANGUAGES:
        assert render_message(error.value.message, language)
    return error.value.message


@pytest.mark.parametrize("name", ["mia", "nova"])
def test_examples_are_valid_briefs(name: str) -> None:
    brief = read_brief(ROOT / "examples" / f"{name}.yaml")
    assert len(brief.slots) == 3


def test_time_needs_no_quotes(file: Path) -> None:
    """YAML 1.1 reads 20:00 as the number 1200."""
    file.write_text(GOOD)
    assert [slot.at for slot in read_brief(file).slots] == ["10:00", "20:00"]
    file.write_text(GOOD.replace('"10:00"', "9:05"))
    assert read_brief(file).slots[0].local_time.isoformat() == "09:05:00"


def test_yaml_references_are_resolved(file: Path) -> None:
    file.write_text(
        GOOD.replace("channels: [My page]", "channels: &all [My page]").replace(
            "[My page, Sandbox]", "*all"
        )
    )
    assert [slot.channels for slot in read_brief(file).slots] == [["My page"]] * 2


WRONG: dict[str, tuple[str, str, str, int | None, str | None]] = {
    # text to replace, replacement, code, line, path
    "unknown key": ("tone: calm", "tone: calm\ntune: calm", "brief.key_unknown", 2, "tune"),
    "unknown key inside": (
        "variants: 2",
        "varyants: 2",
        "brief.key_unknown",
        7,
        "recipes.1.varyants",
    ),
    "missing key": ("tone: calm\n", "", "brief.key_missing", 1, "tone"),
    "missing key inside": ("prompt:", "promt:", "brief.key_missing", 4, "recipes.1.prompt"),
    "number for text": ("tone: calm", "tone: 7", "brief.not_text", 1, "tone"),
    "nothing for text": ("tone: calm", "tone:", "brief.not_text", 1, "tone"),
    "text for number": (
        "amount: 500",
        "amount: much",
        "brief.not_number",
        16,
        "packs.1.price.amount",
    ),
    "a fraction for number": (
        "amount: 500",
        "amount: 4.99",
        "brief.not_number",
        16,
        "packs.1.price.amount",
    ),
    "text for list": ("languages: [en]", "languages: en", "brief.not_list", 2, "languages"),
    "text for keys": (
        "price: {amount: 500, currency: XTS}",
        "price: 5",
        "brief.not_block",
        16,
        "packs.1.price",
    ),
    "no text": ("tone: calm", 'tone: ""', "brief.text_empty", 1, "tone"),
    "long text": (
        "title: A walk",
        f"title: {'x' * 33}",
        "brief.text_too_long",
        13,
        "packs.1.title",
    ),
    "no slots": ("languages: [en]", "languages: []", "brief.list_empty", 2, "languages"),
    "many languages": (
        "languages: [en]",
        "languages: [en, fr, en]",
        "brief.list_too_long",
        2,
        "languages",
    ),
    "another language": (
        "languages: [en]",
        "languages: [de]",
        "brief.not_language",
        2,
        "languages.1",
    ),
    "nothing to pay": ("amount: 500", "amount: 0", "brief.too_small", 16, "packs.1.price.amount"),
    "a fortune": ("amount: 500", "amount: 10000001", "brief.too_great", 16, "packs.1.price.amount"),
    "odd width": ("variants: 2", "width: 701", "brief.not_multiple", 7, "recipes.1.width"),
    "no such hour": ('"10:00"', '"25:00"', "brief.not_time", 9, "slots.1.at"),
    "no such minute": ("at: 20:00", "at: 20:60", "brief.not_time", 10, "slots.2.at"),
    "an hour in words": ('"10:00"', "noon", "brief.not_time", 9, "slots.1.at"),
    "Arabic digits": ('"10:00"', '"١٠:٠٠"', "brief.not_time", 9, "slots.1.at"),
    "minutes since midnight": ('"10:00"', "600", "brief.not_text", 9, "slots.1.at"),
    "no currency": (
        "currency: XTS",
        "currency: coins",
        "brief.not_currency",
        16,
        "packs.1.price.currency",
    ),
    "no slug": (
        "slug: walk-of-the-day",
        "slug: Walk of the day",
        "brief.not_slug",
        12,
        "packs.1.slug",
    ),
    "above what is read here": (
        "tone: calm",
        "tone: calm\nrating: E",
        "brief.not_rating",
        2,
        "rating",
    ),
    "another answer": (
        "tone: calm",
        "tone: calm\nshown: somebody",
        "brief.not_depiction_answer",
        2,
        "shown",
    ),
    "a list of answers": (
        "tone: calm",
        "tone: calm\nshown: [creator]",
        "brief.not_depiction_answer",
        2,
        "shown",
    ),
    "a picture from nowhere": (
        "picture: walk}",
        "picture: run}",
        "brief.picture_unknown",
        10,
        "slots.2.picture",
    ),
    "a pack from nowhere": (
        "    picture: walk\n",
        "    picture: run\n",
        "brief.picture_unknown",
        14,
        "packs.1.picture",
    ),
    "more than is made": (
        "pictures: 2",
        "pictures: 3",
        "brief.too_few_pictures",
        15,
        "packs.1.pictures",
    ),
    "the same hour twice": ("at: 20:00", 'at: "10:00"', "brief.value_twice", 10, "slots.2.at"),
    "the same account twice": (
        "[My page, Sandbox]",
        "[Sandbox, Sandbox]",
        "brief.value_twice",
        10,
        "slots.2.channels.2",
    ),
    "a recipe called photos": (
        "name: walk",
        "name: photos",
        "brief.value_twice",
        4,
        "recipes.1.name",
    ),
    "a word without list": (
        "{place} at dawn",
        "{place} at {hour}",
        "recipe.word_unknown",
        None,
        None,
    ),
    "half a word": ("{place} at dawn", "{place at dawn", "recipe.word_unknown", None, None),
    "not YAML": ("languages: [en]", "languages: [en", "yaml.not_yaml", 3, None),
    "a tab": ("  - name: walk", "\t- name: walk", "yaml.not_yaml", 4, None),
    "two documents": ("languages: [en]", "---\nlanguages: [en]", "yaml.not_yaml", 2, None),
    "an unknown reference": ("tone: calm", "tone: *other", "yaml.not_yaml", 1, None),
    "a sign of another world": ("tone: calm", "tone: ca\x07lm", "yaml.not_yaml", 1, None),
    "a written sign": ("tone: calm", 'tone: "ca\\0lm"', "yaml.unprintable", 1, None),
    "half a sign": ("tone: calm", 'tone: "ca\\ud83dlm"', "yaml.unprintable", 1, None),
    "a program": (
        "tone: calm",
        "tone: !!python/object/apply:os.system [ls]",
        "yaml.not_plain",
        1,
        None,
    ),
    "a date by force": ("tone: calm", "tone: !!timestamp 2026-13-45", "yaml.not_plain", 1, None),
    "a number by force": ("tone: calm", "tone: !!int x", "yaml.not_plain", 1, None),
    "a key twice": ("languages: [en]", "languages: [en]\ntone: loud", "yaml.key_twice", 3, None),
    "a list as key": ("tone: calm", "? [a, b]\n: calm", "yaml.not_plain", 1, None),
    "a circle": ("tone: calm", "tone: &here [*here]", "yaml.too_deep", None, None),
}


@pytest.mark.parametrize("name", WRONG)
def test_error_names_its_line_and_path(name: str, file: Path) -> None:
    before, after, code, line, where = WRONG[name]
    assert before in GOOD
    file.write_text(GOOD.replace(before, after, 1))
    message = refused(file)
    assert message.code == code
    assert message.params.get("line") == line
    assert message.params.get("where") == where
    if code.startswith("brief."):
        assert message.params["file"] == "brief.yaml"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "brief.empty"),
        (b"# only a word to oneself\n", "brief.empty"),
        (b"---\n...\n", "brief.empty"),
        (b"just a text", "brief.not_block"),
        (b"- a\n- b", "brief.not_block"),
        ("tone: été".encode("latin-1"), "brief.not_utf8"),
        (GOOD.encode("utf-16"), "brief.not_utf8"),
        (b"[" * 20_000, "yaml.too_deep"),
        (b"tone: " + b"9" * 6000, "brief.text_too_long"),
        (b"x" * (MAX_BYTES + 1), "brief.too_large"),
        (bytes(range(256)), "brief.not_utf8"),
        (b"\x7fELF\x02\x01\x01\x00", "yaml.not_yaml"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unusable_file_is_refused_with_its_reason(content: bytes, code: str, file: Path) -> None:
    file.write_bytes(content)
    assert refused(file).code == code


def test_unreadable_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.yaml", tmp_path, Path("/proc/self/mem")):
        assert refused(path).code == "brief.unreadable"


def test_endless_file_is_not_read_completely() -> None:
    assert refused(Path("/dev/zero")).code == "brief.too_large"


def test_reference_bomb_is_refused_at_once(file: Path) -> None:
    """A "billion laughs" attack: nine levels of nine references each."""
    levels = ["a: &l0 [x]"] + [
        f"k{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)
    ]
    file.write_text("\n".join([*levels, GOOD]))
    assert refused(file).code == "brief.key_unknown"


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
KEYS = st.sampled_from(
    [*Brief.model_fields, "at", "channels", "name", "prompt", "price", "x"]
) | st.text(max_size=5)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=20,
)


def judged(path: Path) -> Brief | Message:
    """Return a brief, or an error translated into every language, for any bytes."""
    try:
        return read_brief(path)
    except BadInput as error:
        for language in LANGUAGES:
            render_message(error.message, language)
        return error.message


@given(value=ANYTHING)
@settings(max_examples=150, deadline=None)
def test_any_yaml_is_a_brief_or_an_error(
    value: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(yaml.safe_dump(value, allow_unicode=True), "utf-8", errors="surrogatepass")
    judged(path)


@given(
    raw=st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_a_brief_or_an_error(
    raw: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.yaml"
    path.write_bytes(raw)
    judged(path)


SIGNS = st.sampled_from(
    [*"{}[]:,-&*!?|>'\"%@`#~ \n\t0x9é", "\\0", "!!int ", "<<: ", "*l0", "10:00", "---\n"]
)


@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(GOOD)), st.integers(0, 9), SIGNS), min_size=1, max_size=4
    )
)
@settings(max_examples=200, deadline=None)
def test_typing_error_gives_a_brief_or_an_error(
    edits: list[tuple[int, int, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = GOOD
    for place, gone, sign in edits:
        text = text[:place] + sign + text[place + gone :]
    path = tmp_path_factory.getbasetemp() / "slip.yaml"
    path.write_text(text, "utf-8")
    found = judged(path)
    if isinstance(found, Brief):
        assert all(ord(sign) >= 32 or sign in "\n\t" for sign in found.model_dump_json())


def test_recipes_share_wildcard_lists_of_the_brief(file: Path) -> None:
    file.write_text(GOOD.replace('"{place} at dawn"', '"{place} at dawn, {@outfits}, {@light}"'))
    assert (
        read_brief(file).lists == {}
    )  # the agency may have them, which is checked when a run is requested
    shared = (
        file.read_text()
        + "lists:\n  outfits:\n    words: [a coat, a hat]\n    weights: {a coat: 3}\n"
    )
    file.write_text(shared)
    assert read_brief(file).lists["outfits"].weighted_words == [("a coat", 3), ("a hat", 1)]
    file.write_text(shared.replace("a coat: 3", "a shawl: 3"))
    message = refused(file)
    assert (message.params["where"], message.params["line"]) == (
        "lists.outfits",
        1 + shared.count("\n") - 2,
    )

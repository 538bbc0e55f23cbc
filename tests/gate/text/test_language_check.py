"""Which languages can be read: every sentence of the six passes, one of any other is held, however
small its part."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gate.text import lexicon
from gate.text.language_check import MAX_UNKNOWN_WORDS, LanguageReading, read_language
from gate.text.vocabulary import Vocabulary, pack_vocabulary
from gate.text.word_forms import is_known_word, is_slang_word
from tools.vocabulary_builder import vocabulary_words

HERE = Path(__file__).parent / "ordinary"
WORDS = lexicon.shipped_lexicon().vocabulary
CLEAN = "We went to the market in the morning and came home before the rain."


def texts(part: str, *, ordinary: bool = True) -> list[str]:
    """The texts of a part of the corpus: tune, or check."""
    files = [
        path
        for path in sorted((HERE / part).glob("*.yaml"))
        if (path.stem != "unsupported") == ordinary
    ]
    blocks: list[Mapping[str, str]] = [yaml.safe_load(path.read_text("utf-8")) for path in files]
    return [line for block in blocks for listed in block.values() for line in listed.splitlines()]


def test_ordinary_life_is_read() -> None:
    assert [said for said in texts("tune") if not read_language([said]).supported] == []


def test_other_languages_are_not() -> None:
    assert [said for said in texts("tune", ordinary=False) if read_language([said]).supported] == []


def test_one_sentence_among_many_is_found() -> None:
    frames = (
        lambda said: [f"{CLEAN} {CLEAN} {said}. {CLEAN}"],
        lambda said: [f"{CLEAN}\n{said}\n{CLEAN}"],
        lambda said: [CLEAN, said, CLEAN],
    )
    assert [
        said for said in WHOLE for frame in frames if read_language(frame(said)).supported
    ] == []


def test_a_sentence_is_not_hidden_in_a_longer_one() -> None:
    inside = (
        f"{CLEAN[:-1]} zobacz koniecznie moje nowe zdjęcia wszystko czeka and then we {CLEAN[3:]}"
    )
    assert not read_language([inside]).supported


def test_a_sentence_cut_into_pieces_is_one() -> None:
    assert not read_language(["Kup teraz. " + CLEAN + " Zobacz koniecznie! " + CLEAN]).supported
    assert not read_language(["z o b a c z  k o n i e c z n i e"]).supported


@pytest.mark.parametrize(
    "said",
    [
        "#niewiem @kasia_z https://example.test/dziendobry 😂 12,50 € :slightly_smiling_face: "
        "name@example.test",
        "❤️❤️", "éééééé", "ㅋㅋㅋ", "20:30", "3x 18h 5ft9 1m82 mp3", "¯\\_(ツ)_/¯", "hahahaha", "jajaja", "xoxo",
        "l'été dell'arte it's",
        "Sommerkleiderschrank", "Lieblingsfotografin", "perfettissimo", "gattino", "mandarmelo", "gr8 h3llo",
        "Thanks Zbyszek!", "Agnieszka, how are you today?", "A walk with Wojtek and Grzegorz "
                                                            "through the old town",
        "Ω µ",
    ],
)  # fmt: skip
def test_what_is_no_word_or_is_built_from_words_passes(said: str) -> None:
    assert read_language([said]).supported


@pytest.mark.parametrize(
    "said", ["dziękuję", "N1em0g3 p1z3st4c", "Bardzo Ładna Sukienka Na Lato", "сегодня", "今夜"]
)
def test_one_strange_word_alone_is_all_there_is(said: str) -> None:
    assert not read_language([said]).supported


def test_one_slip_in_a_longer_text_is_forgiven() -> None:
    assert read_language([f"Helloxqz you! {CLEAN}"]).supported
    assert not read_language(["Helloxqz you!"]).supported


def test_names_known_to_both_are_no_words() -> None:
    assert not read_language(["Kasia Przybysz"]).supported
    assert read_language(["kasia przybysz"], names=["Kasia Przybysz"]) == LanguageReading(
        0, supported=True
    )


def test_what_the_lexicon_looks_for_it_can_read() -> None:
    strange = replace(
        lexicon.shipped_lexicon(), terms=(lexicon.fold_term("explicit", "QWRTZPLK-VXNBMF"),)
    )
    assert read_language(["qwrtzplk vxnbmf"], lexicon=strange).supported
    assert not read_language(["qwrtzplk vxnbmf"]).supported


WHOLE = [said for said in texts("tune", ordinary=False) if len(said.split()) >= MAX_UNKNOWN_WORDS]


@given(st.lists(st.sampled_from(texts("tune")), min_size=1, max_size=4), st.sampled_from(WHOLE))
@example(
    ["Festivalsaison ist meine Lieblingssaison"] * 3, "Cześć, co u ciebie słychać?"
)  # counts as fewer than five
@settings(max_examples=60, deadline=None)
def test_nothing_ordinary_hides_a_strange_text(around: list[str], said: str) -> None:
    assert not read_language([*around, said]).supported


def test_the_vocabulary_is_the_pinned_one(tmp_path: Path) -> None:
    assert hashlib.sha256(WORDS.path.read_bytes()).hexdigest() == WORDS.sha256
    assert len(WORDS) / 2**32 < 1 / 6000
    other = tmp_path / "words.bin"
    other.write_bytes(pack_vocabulary(["hello", "you"]))
    with pytest.raises(ValueError, match="not the vocabulary"):
        Vocabulary(other, WORDS.sha256).contains("hello")
    own = Vocabulary(other, hashlib.sha256(other.read_bytes()).hexdigest())
    assert own.contains("hello")
    assert not own.contains("there")


def test_a_vocabulary_of_nothing_knows_nothing(tmp_path: Path) -> None:
    some = pack_vocabulary(["b", "a", "a"])
    assert some == pack_vocabulary(["a", "b"])
    assert len(some) == 8


def test_words_are_ours_when_nobody_else_uses_them_more() -> None:
    ours = {
        "sommer": 4.0,
        "und": 6.0,
        "nie": 4.0,
        "rar": 1.0,
        "café": 4.0,
        "straße": 3.0,
        "tag": 5.0,
        "gern": 3.0,
    }
    found = vocabulary_words([ours], [{"nie": 7.0, "gern": 3.5}], german=ours)
    assert {"sommer", "und", "café", "cafe", "+sommer", "+und", "+tag", "gern"} <= found
    assert not {"nie", "rar", "+nie", "+rar"} & found


def test_slang_is_at_home_everywhere_and_counts_for_no_language() -> None:
    chat = [
        word
        for word in sorted(WORDS.slang)
        if len(word) > 2 and word.isalpha() and is_slang_word(word, WORDS)
    ]
    assert "xptdr" in chat
    assert not is_slang_word("hello", WORDS)
    assert is_known_word("hello", WORDS)
    assert read_language([" ".join(chat[:5])]) == LanguageReading(0, supported=True)

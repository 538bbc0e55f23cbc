"""The language check: texts in the six supported languages pass, a sentence in any other is held,
however short."""

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
    """Return the texts of a part of the corpus, "tune" or "check"."""
    files = [
        path
        for path in sorted((HERE / part).glob("*.yaml"))
        if (path.stem != "unsupported") == ordinary
    ]
    blocks: list[Mapping[str, str]] = [yaml.safe_load(path.read_text("utf-8")) for path in files]
    return [line for block in blocks for listed in block.values() for line in listed.splitlines()]


def test_ordinary_texts_are_supported() -> None:
    assert [said for said in texts("tune") if not read_language([said]).supported] == []


def test_texts_in_other_languages_are_unsupported() -> None:
    assert [said for said in texts("tune", ordinary=False) if read_language([said]).supported] == []


def test_foreign_sentence_among_others_is_found() -> None:
    frames = (
        lambda said: [f"{CLEAN} {CLEAN} {said}. {CLEAN}"],
        lambda said: [f"{CLEAN}\n{said}\n{CLEAN}"],
        lambda said: [CLEAN, said, CLEAN],
    )
    assert [
        said for said in WHOLE for frame in frames if read_language(frame(said)).supported
    ] == []


def test_foreign_sentence_inside_longer_one_is_found() -> None:
    inside = (
        f"{CLEAN[:-1]} zobacz koniecznie moje nowe zdjęcia wszystko czeka and then we {CLEAN[3:]}"
    )
    assert not read_language([inside]).supported


def test_split_foreign_sentence_is_found() -> None:
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
def test_non_words_and_compounds_are_supported(said: str) -> None:
    assert read_language([said]).supported


@pytest.mark.parametrize(
    "said", ["dziękuję", "N1em0g3 p1z3st4c", "Bardzo Ładna Sukienka Na Lato", "сегодня", "今夜"]
)
def test_single_foreign_word_is_unsupported(said: str) -> None:
    assert not read_language([said]).supported


def test_one_unknown_word_in_longer_text_is_tolerated() -> None:
    assert read_language([f"Helloxqz you! {CLEAN}"]).supported
    assert not read_language(["Helloxqz you!"]).supported


def test_names_of_participants_are_ignored() -> None:
    assert not read_language(["Kasia Przybysz"]).supported
    assert read_language(["kasia przybysz"], names=["Kasia Przybysz"]) == LanguageReading(
        0, supported=True
    )


def test_lexicon_terms_are_supported_words() -> None:
    strange = replace(
        lexicon.shipped_lexicon(), terms=(lexicon.fold_term("explicit", "QWRTZPLK-VXNBMF"),)
    )
    assert read_language(["qwrtzplk vxnbmf"], lexicon=strange).supported
    assert not read_language(["qwrtzplk vxnbmf"]).supported


WHOLE = [said for said in texts("tune", ordinary=False) if len(said.split()) >= MAX_UNKNOWN_WORDS]


@given(st.lists(st.sampled_from(texts("tune")), min_size=1, max_size=4), st.sampled_from(WHOLE))
@example(
    ["Festivalsaison ist meine Lieblingssaison"] * 3, "Cześć, co u ciebie słychać?"
)  # counts as fewer than five words
@settings(max_examples=60, deadline=None)
def test_ordinary_text_does_not_hide_foreign_text(around: list[str], said: str) -> None:
    assert not read_language([*around, said]).supported


def test_vocabulary_matches_pinned_digest(tmp_path: Path) -> None:
    assert hashlib.sha256(WORDS.path.read_bytes()).hexdigest() == WORDS.sha256
    assert len(WORDS) / 2**32 < 1 / 6000
    other = tmp_path / "words.bin"
    other.write_bytes(pack_vocabulary(["hello", "you"]))
    with pytest.raises(ValueError, match="not the vocabulary"):
        Vocabulary(other, WORDS.sha256).contains("hello")
    own = Vocabulary(other, hashlib.sha256(other.read_bytes()).hexdigest())
    assert own.contains("hello")
    assert not own.contains("there")


def test_vocabulary_file_is_deterministic(tmp_path: Path) -> None:
    some = pack_vocabulary(["b", "a", "a"])
    assert some == pack_vocabulary(["a", "b"])
    assert len(some) == 8


def test_vocabulary_excludes_words_more_common_elsewhere() -> None:
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


def test_slang_is_known_but_counts_for_no_language() -> None:
    chat = [
        word
        for word in sorted(WORDS.slang)
        if len(word) > 2 and word.isalpha() and is_slang_word(word, WORDS)
    ]
    assert "xptdr" in chat
    assert not is_slang_word("hello", WORDS)
    assert is_known_word("hello", WORDS)
    assert read_language([" ".join(chat[:5])]) == LanguageReading(0, supported=True)

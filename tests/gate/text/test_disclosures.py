"""A mark of AI discloses it where readers see it and no negator of its clause applies to it."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.text_corpus import ordinary_texts
from foundation.i18n.translation import LANGUAGES, Message, render_message
from gate.text.disclosures import (
    FOLD_LINES,
    WORDS_AFTER,
    WORDS_BEFORE,
    AiDisclosure,
    read_disclosure,
)
from gate.text.lexicon import shipped_lexicon

STATED = AiDisclosure(stated=True)
DENIED = AiDisclosure(denied=True)
SILENT = AiDisclosure()

MARKS = {
    "en": ("made with AI", "an AI picture", "#ai"),
    "fr": ("image faite avec une IA", "créée par IA", "intelligence artificielle", "#IA"),
    "es": ("imagen hecha con IA", "inteligencia artificial", "#IA"),
    "de": ("mit KI erstellt", "ein KI-Bild", "künstliche Intelligenz", "#KI"),
    "it": ("immagine fatta con l'IA", "intelligenza artificiale", "#IA"),
    "pt": ("imagem feita com IA", "inteligência artificial", "#IA"),
}
NEGATORS = {
    "en": ("not", "no", "never", "without", "isn't", "isn’t", "wasnt", "zero", "w/o", "none"),
    "fr": ("pas", "sans", "jamais", "aucun", "aucune", "ni", "zéro"),
    "es": ("no", "sin", "nunca", "ningún", "ninguna", "tampoco"),
    "de": ("kein", "keine", "keinem", "nicht", "nie", "ohne"),
    "it": ("non", "senza", "mai", "nessun", "nessuna"),
    "pt": ("não", "sem", "nunca", "nenhum", "nenhuma"),
}
ADVERSATIVES = {"en": "but", "fr": "mais", "es": "pero", "de": "aber", "it": "ma", "pt": "mas"}
HARMLESS = {
    "en": ("not only", "not just", "don't miss", "can't wait"),
    "fr": ("pas seulement", "ne ratez pas"),
    "es": ("no solo", "no te pierdas"),
    "de": ("nicht nur",),
    "it": ("non solo",),
    "pt": ("não só", "não apenas"),
}
FILLER = "xo"
"""A word of no language. Its repetition keeps the distance between a negator and a mark."""

STATED_MARKS = [(language, mark) for language, marks in MARKS.items() for mark in marks]
NEGATED = [
    (language, negator, mark)
    for language, negators in NEGATORS.items()
    for negator, mark in itertools.product(negators, MARKS[language])
]


def nearest_mark_word(mark: str) -> tuple[int, int]:
    """Return the words before and after the mark itself, which is the word for AI."""
    words = re.findall(r"[^\W_]+(?:['’][^\W_]+)*", mark)
    core = [at for at, word in enumerate(words) if re.search(r"(?i)(?:^|['’])(?:ai|ia|ki)$", word)]
    return (core[0], len(words) - 1 - core[0]) if core else (0, 0)


def test_every_supported_language_has_its_words() -> None:
    patterns = shipped_lexicon().disclosures
    assert set(patterns.negators) == set(MARKS) == set(patterns.making)
    assert set(patterns.adversatives) == set(MARKS)


@pytest.mark.parametrize(("language", "mark"), STATED_MARKS)
def test_mark_discloses_ai(language: str, mark: str) -> None:
    assert read_disclosure([mark]) == STATED
    assert read_disclosure([f"Look at this. {mark}, {FILLER}"]) == STATED
    for harmless in HARMLESS[language]:
        assert read_disclosure([f"{harmless} {mark}"]) == STATED, harmless


@pytest.mark.parametrize(("language", "negator", "mark"), NEGATED)
def test_negated_mark_is_denial(language: str, negator: str, mark: str) -> None:
    ahead, behind = nearest_mark_word(mark)
    for words in range(WORDS_BEFORE - ahead):
        text = f"{negator} {FILLER * bool(words)} {'ze ' * max(words - 1, 0)}{mark}"
        assert read_disclosure([text]) == DENIED, text
    if negator not in ("w/o", "isn't", "isn’t", "wasnt"):
        for words in range(WORDS_AFTER - behind):
            text = f"{mark} {'ze ' * words}{negator}"
            assert read_disclosure([text]).denied, text
            assert not read_disclosure([text]).stated, text


@pytest.mark.parametrize(("language", "negator", "mark"), NEGATED)
def test_negator_of_another_clause_denies_nothing(language: str, negator: str, mark: str) -> None:
    ahead, behind = nearest_mark_word(mark)
    for end in (
        ". ",
        ", ",
        "! ",
        " – ",
        " (",
        "\n\n",
        f" {FILLER}\n",
        f" {ADVERSATIVES[language]} ",
    ):
        text = f"{FILLER} {negator} {FILLER}{end}{mark}"
        assert read_disclosure([text]) == STATED, text
    assert read_disclosure([f"{negator} {'ze ' * WORDS_BEFORE}{mark}"]) == STATED
    assert read_disclosure([f"{mark} {'ze ' * WORDS_AFTER}{negator}"]) == STATED
    continued = f"{negator}\n{mark}"
    assert read_disclosure([continued]) == (DENIED if ahead < WORDS_BEFORE else STATED), behind


@pytest.mark.parametrize(
    "denial",
    [
        "no AI", "NO AI", "100% AI-free", "AI free", "non-AI photo", "zero AI", "0% AI", "Made with A.I.? Nope", "AI? No!", "AI: no",
        "KI? Nein.", "#noai", "#NotAI", "#ohneKI", "#sansIA", "#sinIA", "KI-frei", "sans IA", "pas d'IA", "aucune IA", "senza AI",
        "ohne AI erstellt", "nicht mit AI gemacht", "libre de IA", "livre de IA", "nessuna IA", "sem IA", "sin IA", "nada de IA",
        "I'm not an AI", "Made by my friend, no AI at all!", "not #ai", "Foto echt, keine KI", "non è IA", "não é IA", "kein Einsatz von KI",
    ],
)  # fmt: skip
def test_other_denials_are_read(denial: str) -> None:
    assert read_disclosure([denial]) == DENIED
    assert read_disclosure(["Made with AI"], [denial]) == AiDisclosure(stated=True, denied=True)


@pytest.mark.parametrize(
    "text",
    [
        "Ki", "Ia", "Ki und ich", "c ki ?", "pas ki tu crois", "Ia und Ki am See", "I said hi again", "J'ai pris ça ce matin", "Je n’ai rien",
        "je n'ai pas dormi", "Ai-je raison ?", "j'en ai deux", "#aime", "#airport", "#kiss", "#kids", "non ai margini", "is it AI art?",
        "||made with AI||", ">!made with AI!<", "<tg-spoiler>made with AI</tg-spoiler>",
    ],
)  # fmt: skip
def test_other_texts_say_nothing(text: str) -> None:
    assert read_disclosure([text]) == SILENT


def test_word_of_another_language_negates_only_beside() -> None:
    assert read_disclosure(["Imagem feita no computador com IA"]) == STATED
    assert read_disclosure(["Im Mai mit KI gemacht"]) == STATED
    assert read_disclosure(["the sin city series made with AI"]) == STATED


def test_mark_behind_the_fold_counts_only_as_label() -> None:
    lines = "\n".join(["a line"] * FOLD_LINES)
    assert read_disclosure([f"{lines}\nmade with AI"]) == SILENT
    assert read_disclosure([f"{lines}\n\na long last line which says that AI made it"]) == SILENT
    assert read_disclosure([f"{lines}\n\nMade with AI"]) == STATED


LABELS = [
    render_message(Message(code), language)
    for code in ("delivery.made_with_ai", "chat.made_with_ai")
    for language in LANGUAGES
]


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize(
    "ending", ["", "not", "sans", "#noon", "||", "(", "?", "…", "-", "👋", "n't"]
)
def test_own_label_counts_below_any_text(label: str, ending: str) -> None:
    for text in ("Bonjour", "a\n" * 2 * FOLD_LINES, "So happy, no"):
        assert read_disclosure([f"{text} {ending}\n\n{label}"]).stated


@given(st.text(alphabet="ab no|>!<\n.(?'", max_size=80), st.sampled_from(LABELS))
def test_own_label_counts_below_generated_text(text: str, label: str) -> None:
    assert read_disclosure([f"{text}\n\n{label}"]).stated


def test_ordinary_texts_deny_nothing() -> None:
    assert [text for text in ordinary_texts() if read_disclosure([text]).denied] == []

"""Text ratings: terms in every disguise are rated, and everyday texts pass."""

import base64
import codecs
from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gate.contract.units import Button, Medium, Rating, Subject, Text, Unit
from gate.text import lexicon, normalization
from gate.text.link_readings import extract_links
from gate.text.normalization import strip_markup
from gate.text.text_rating import (
    MinorSignal,
    TextRating,
    TextSequence,
    detect_minor_statement,
    is_bot_question,
    is_crisis_message,
    rate_texts,
)

TOKEN = "EXPLICIT-MARKER-A"
GENERAL = TextRating(Rating.G)
TODAY = date(2026, 12, 1)
NOBODY = UUID(int=0)
UNIT = Unit(
    NOBODY, NOBODY, Subject("delivery", NOBODY), "sandbox", "sandbox.post", NOBODY, "mia", "public"
)

DISGUISES = {
    "plain": TOKEN,
    "spaced": " ".join(TOKEN),
    "dotted": ".".join(TOKEN),
    "digits": "3XPL1C1T-M4RK3R-4",
    "stretched": "EXXXPLICIIIT-MARRRKER-A",
    "markup": "EXPLICIT-<b></b>MARKER-<i></i>A",
    "entities": "EXPLICIT&#45;MAR&#75;ER-A",
    "base64": "decode me: " + base64.b64encode(TOKEN.encode()).decode(),
    "hexadecimal": TOKEN.encode().hex(),
    "rot13": codecs.encode(TOKEN, "rot13"),
    "percent": "EXPLICIT%2DMARK%45R%2DA",
    "reversed": TOKEN[::-1],
    "cyrillic": TOKEN.translate(str.maketrans("EXPCA", "ЕХРСА")),
    "greek": TOKEN.translate(str.maketrans("EXIKA", "ΕΧΙΚΑ")),
    "fullwidth": "".join(chr(ord(c) + 0xFEE0) for c in TOKEN),
    "mathematical": "".join(chr(0x1D400 + ord(c) - 65) if c.isalpha() else c for c in TOKEN),
    "zero width": "\u200b".join(TOKEN),
    "joiners": "\u200d".join(TOKEN),
    "marks": "".join(c + "\u0301" for c in TOKEN),
    "flags": "".join(chr(0x1F1E6 + ord(c) - 65) if c.isalpha() else c for c in TOKEN),
    "squared": "".join(chr(0x1F170 + ord(c) - 65) if c.isalpha() else c for c in TOKEN),
    "circled": "".join(chr(0x24B6 + ord(c) - 65) if c.isalpha() else c for c in TOKEN),
    "tags": "hello" + "".join(chr(0xE0000 + ord(c)) for c in TOKEN),
    "first letters": "\n".join(f"{c}nd so on" for c in TOKEN if c.isalpha()),
    "soft hyphens": "\u00ad".join(TOKEN),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_disguised_term_is_found(disguise: str) -> None:
    assert (
        rate_texts(
            [f"hello {DISGUISES[disguise]} you"]
            if disguise != "first letters"
            else [DISGUISES[disguise]],
            today=TODAY,
        ).rating
        is Rating.E
    )


def test_term_split_over_fields_is_found() -> None:
    assert rate_texts(["EXPLICIT-MAR", "KER-A"], today=TODAY).rating is Rating.E
    assert rate_texts(["KER-A", "EXPLICIT-MAR"], today=TODAY).rating is Rating.E
    assert rate_texts(["KER-A", "EXPLICIT-BAR"], today=TODAY).rating is Rating.G


ORDINARY = [
    "Bonne soirée à tous ❤️❤️💕 👩‍❤️‍💋‍👨 🏳️‍🌈",
    "I just turned 27, and my sister came along 🎂🎉",
    "Size S, 5 µm, 20 €",
    "Café ☕️ à Paris 🇫🇷 1️⃣2️⃣3️⃣",
    "Schöne Grüße aus München, bis später!",
    "¿Qué tal? Mañana hay vídeo nuevo…",
    "L’été à la plage, photos demain à 18h",
    "Good morning!!! Sooooo happy today :)",
    "👨‍👩‍👧‍👦 Sunday with the family",
    "Meu aniversário é amanhã, não acredito",
    "Xin chào, tiếng Việt",
    "Привет из отпуска",
]


@pytest.mark.parametrize("caption", ORDINARY)
def test_ordinary_captions_are_general(caption: str) -> None:
    assert rate_texts([caption], today=TODAY) == GENERAL
    assert detect_minor_statement(caption, today=TODAY) is MinorSignal.NONE
    assert not is_crisis_message(caption)


@pytest.mark.parametrize(
    "hidden",
    [
        "a\u202eb\u202c hello",
        "hello \U000e0068\U000e0069",
        "h\u0301\u0302\u0303ello",
        "pаypal me",
        "a\u200bb\u200bc\u200bd\u200b",
    ],
    ids=["direction override", "tags", "stacked", "mixed", "invisible"],
)
def test_hidden_characters_are_obfuscation(hidden: str) -> None:
    assert rate_texts([hidden], today=TODAY).obfuscated


def test_contextual_term_counts_next_to_sexual_term() -> None:
    assert rate_texts(["MINOR-C-A is fine"], today=TODAY) == TextRating(Rating.G, contextual=True)
    assert rate_texts(["MINOR-C-A, SUGGESTIVE-MARKER-A"], today=TODAY).prohibited == "minor"
    assert rate_texts(["MINOR-C-A.", "SUGGESTIVE-MARKER-A"], today=TODAY).prohibited == "minor"
    assert (
        rate_texts(["MINOR-C-A. One. Two. Three. SUGGESTIVE-MARKER-A"], today=TODAY).prohibited
        == ""
    )
    assert rate_texts(["MINOR-P-A"], today=TODAY).rating is Rating.X
    assert rate_texts(["PROHIBITED-MARKER-A"], today=TODAY).prohibited == "category"


def test_earlier_messages_count_only_for_completed_terms() -> None:
    assert rate_texts(["KER-A"], before=["EXPLICIT-MAR"], today=TODAY).rating is Rating.E
    assert rate_texts(["Good night"], before=["EXPLICIT-MARKER-A"], today=TODAY) == GENERAL
    decoys = ["Good morning to you", "the sun is out today"]
    assert (
        rate_texts(["KER-A"], before=["so EXPLICIT", *decoys, "-MAR", *decoys], today=TODAY).rating
        is Rating.E
    )
    assert rate_texts(["KER-A"], before=["so EXPLICIT-MARKER-A", *decoys], today=TODAY) == GENERAL


@given(st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_normalized_views_are_idempotent(text: str) -> None:
    for view in (normalization.fold_case, normalization.fold_lookalikes):
        assert view(view(text)) == view(text)
    folded = normalization.fold_lookalikes(text)
    assert normalization.joined_letters(
        normalization.joined_letters(folded)
    ) == normalization.joined_letters(folded)
    assert normalization.fold_leetspeak(
        normalization.fold_leetspeak(folded)
    ) == normalization.fold_leetspeak(folded)


@given(st.text(max_size=80), st.text(max_size=80))
@example("F1E+", "")
@settings(max_examples=80, deadline=None)
def test_surrounding_text_does_not_hide_term(before: str, after: str) -> None:
    """The surroundings may spell a term themselves, which is rated higher."""
    found = rate_texts([f"{before} {TOKEN} {after}"], today=TODAY)
    assert found.rating.rank >= Rating.E.rank


@pytest.mark.parametrize(
    "said",
    [
        "i want to kill myself", "k i l l myself", "je veux me tuer", "Don’t want to live "
                                                                      "anymore", "ich will sterben",
        "quero morrer", "no quiero vivir", "voglio morire", "SELFHARM-MARKER-A", "suicide", "J'ai "
                                                                                            "envie de mourir",
    ],
)  # fmt: skip
def test_crisis_message_is_detected(said: str) -> None:
    assert is_crisis_message(said)


@pytest.mark.parametrize(
    "said",
    [
        "I want to diet",
        "suicide squad is great",
        "je vais bien",
        "mort de rire",
        "this song kills me",
    ],
)
def test_similar_message_is_no_crisis(said: str) -> None:
    assert not is_crisis_message(said)


@pytest.mark.parametrize(
    "said",
    [
        "I am 15", "im 15", "I'm fifteen", "I’m 16 yo", "j'ai 15 ans", "J’ai quinze ans", "ich bin 15",
        "tengo 16 años", "soy menor de edad",
        "ho quindici anni", "tenho 17 anos", "J'ai dix sept ans", "15 ans et toi ?", "je viens "
                                                                                     "d'avoir 16 ans",
        "g15ans",
        "chuis mineure", "j'suis pas majeur", "bin 15", "ich bin erst fuenfzehn", "noch nicht "
                                                                                  "volljährig",
        "ich bin 15j",
        "tengo diez y seis años", "todavía no soy mayor de edad", "sono una ragazza di 15 "
                                                                  "anni", "non sono maggiorenne",
        "15 anos e tu?", "tenho dezasseis anos", "ho 15anni", "im 1 5", "i'm l5", "1'm 15", "I am XVI", "i'm f1fteen",
        "I’m fif teen", "I'm 15yo", "im 15 male", "I'm 15 still in school", "i am a 15 year old "
                                                                            "girl", "not 18 yet",
        "I'm not even 18", "iam 15", "just turned 16", "1️⃣5️⃣ here", "I'm a minor", "je suis mineure",
        "ich bin minderjährig",
    ],
)  # fmt: skip
def test_minor_statement_is_detected(said: str) -> None:
    assert detect_minor_statement(said, today=TODAY) is MinorSignal.STATED


@pytest.mark.parametrize(
    "said",
    [
        "I am 15 minutes late", "j'ai 15 ans d'expérience", "j'ai 25 ans", "ich bin 15 Minuten zu "
                                                                           "spät", "I am 27",
        "I just turned 27", "I'm 17.5 km away", "my son is 15", "i have 15 dogs", "i turned 18", "I'm 10/10 happy",
        "my daughter is turning 6 tomorrow", "I'm still a kid at heart", "I'm a child of the "
                                                                         "90s", "I'm 8 beers in",
        "I'm a minor inconvenience", "when i turned 16 my dad bought me a car", "at age 12 I "
                                                                                "started dancing",
        "age 15+",
        "my 15 yo girl loves it", "I'm 10 years clean", "I'm 10 for 10 today", "Im 9-5 every day", "I'm 5 foot 4", "15",
        "ich bin 15 Jahre älter als meine Schwester", "ich bin 8 Uhr da", "ich bin 10 Jahre "
                                                                          "verheiratet",
        "15 ans déjà !",
        "soy menor que mi hermano", "no tengo 18 euros", "tengo 15 años en esta empresa", "ho 15 "
                                                                                          "anni "
                                                                                          "in meno di lui",
        "sou menor do que pareço", "não tenho 18 reais", "tenho 15 anos no ramo", "je suis mineur "
                                                                                  "de fond",
        "je suis en 3e position", "j'ai 15 ans de plus que toi", "il a 15 ans et toi ?",
        "I'm 6 feet tall", "je suis majeur", "when I was 15 I loved this band",
    ],
)  # fmt: skip
def test_adult_statement_is_no_minor_statement(said: str) -> None:
    assert detect_minor_statement(said, today=TODAY) is MinorSignal.NONE


@pytest.mark.parametrize(
    "said",
    [
        "15, you?", "me? 15", "f/15", "I'm almost 16", "it's my 15th birthday", "born in 2011", "I'm in high school",
        "im in grade 8", "I'm not of age", "i'll be 18 next year", "j'ai 15", "je suis lycéenne",
        "je suis en troisième",
        "née en 2012", "tengo 15", "cumplo 16 mañana", "estoy en 3 de la ESO", "gehe in die 9. "
                                                                               "Klasse", "ich werde 16",
        "15, und du?", "ho 15", "vado alle medie", "farò 16 anni", "tenho 15", "faço 16 amanhã", "to no 9º ano",
    ],
)  # fmt: skip
def test_hint_of_minor_is_detected(said: str) -> None:
    assert detect_minor_statement(said, today=TODAY) is MinorSignal.HINTED


def test_minor_statement_may_span_messages_or_answer_question() -> None:
    assert (
        detect_minor_statement("15 years old", before=["hi", "i am"], today=TODAY)
        is MinorSignal.STATED
    )
    assert detect_minor_statement("nice", before=["i am 15"], today=TODAY) is MinorSignal.NONE
    assert (
        detect_minor_statement("31 years old", before=["hi", "i am"], today=TODAY)
        is MinorSignal.NONE
    )
    for asked in (
        "How old are you?",
        "t'as quel âge ?",
        "¿cuántos años tienes?",
        "wie alt bist du",
        "quanti anni hai?",
    ):
        assert detect_minor_statement("15 :)", asked=asked, today=TODAY) is MinorSignal.STATED
        assert detect_minor_statement("31", asked=asked, today=TODAY) is MinorSignal.NONE
    assert (
        detect_minor_statement("quinze", asked="quantos anos vc tem?", today=TODAY)
        is MinorSignal.STATED
    )
    assert (
        detect_minor_statement("15", asked="How many do you want?", today=TODAY) is MinorSignal.NONE
    )


def test_school_statement_is_only_a_hint() -> None:
    assert detect_minor_statement("I'm in 9th grade", today=TODAY) is MinorSignal.HINTED
    assert detect_minor_statement("je suis au collège", today=TODAY) is MinorSignal.HINTED


@pytest.mark.parametrize(
    "said",
    [
        "are you real?", "R u a bot", "Is this a real person?", "am I talking to a real "
                                                                "person", "t'es un robot ?",
        "bot?",
        "Es-tu humaine ?", "tu es une vraie personne ?", "bist du echt?", "eres real?", "sei un bot?", "você é real?",
    ],
)  # fmt: skip
def test_bot_question_is_detected(said: str) -> None:
    assert is_bot_question(said)


@pytest.mark.parametrize(
    "said",
    [
        "are you free tonight?",
        "you are so pretty",
        "are you really coming tomorrow?",
        "tu es vraiment belle",
    ],
)
def test_other_question_is_no_bot_question(said: str) -> None:
    assert not is_bot_question(said)


def test_links_are_extracted() -> None:
    assert extract_links(["see https://a.test/x, ok", "my bit.ly/abc", "linktr.ee/me"]) == (
        "https://a.test/x",
        "bit.ly/abc",
        "linktr.ee/me",
    )
    assert extract_links(["love it.it was great", "write to a@b.com", "3.5 com", "e.g. this"]) == ()
    assert extract_links(["exa\u200bmple.com/x"]) == ("example.com/x",)
    shown = [
        "ex\u00adam\ufe0fple.com",
        "ｅｘａｍｐｌｅ．ｃｏｍ",
        "a。com",
        "exämple.com",
        "www.example.at now",
    ]
    assert extract_links(shown) == ("example.com", "a.com", "exämple.com", "www.example.at")
    assert extract_links(["example.xxx meinshop.de! 10.1.2.3:80/x"]) == (
        "example.xxx",
        "meinshop.de",
        "10.1.2.3:80/x",
    )
    assert extract_links(["whatsapp://send"]) == ("whatsapp://send",)
    assert (
        extract_links(
            [
                "v1.2.3 is out",
                "12.11.2026/13.11.2026",
                "Wow.so schön",
                "10.30-12.15",
                "naïve...de rien",
            ]
        )
        == ()
    )


MORE_DISGUISES = {
    "base64 of lines": base64.b64encode(f"so\n{TOKEN}".encode()).decode(),
    "base64 behind a letter": "z" + base64.b64encode(TOKEN.encode()).decode(),
    "base64 of base64": base64.b64encode(base64.b64encode(TOKEN.encode())).decode(),
    "hexadecimal with prefixes": " ".join(f"0x{ord(c):02x}" for c in TOKEN),
    "punycode": "xn--" + f"{TOKEN} é".encode("punycode").decode(),
    "named letters": "".join(
        f":regional_indicator_{c.lower()}:" if c.isalpha() else c for c in TOKEN
    ),
    "musical marks": "\U0001d173".join(TOKEN),
    "Arabic letter marks": "\u061c".join(TOKEN),
    "first letters past bullets": "\n".join(f"• «{c}nd so on»" for c in TOKEN if c.isalpha()),
}


@pytest.mark.parametrize("disguise", MORE_DISGUISES)
def test_rarely_disguised_term_is_found(disguise: str) -> None:
    assert rate_texts([MORE_DISGUISES[disguise]], today=TODAY).rating is Rating.E


def test_emoji_is_matched_by_its_name() -> None:
    known = replace(
        lexicon.shipped_lexicon(),
        terms=(lexicon.fold_term("suggestive", "black universal recycling symbol"),),
    )
    assert rate_texts(["look \u267b\ufe0f"], lexicon=known, today=TODAY).rating is Rating.S
    assert (
        rate_texts(["look :black_universal_recycling_symbol:"], lexicon=known, today=TODAY).rating
        is Rating.S
    )
    assert rate_texts(["look ❤️"], lexicon=known, today=TODAY) == GENERAL


KINDS = (
    "EXPLICIT-MARKER-A",
    "SUGGESTIVE-MARKER-A",
    "MINOR-C-A",
    "MINOR-P-A",
    "PROHIBITED-MARKER-A",
    "NUDITY-MARKER-A",
)
PIECES = st.sampled_from(
    (
        *KINDS,
        *(half for kind in KINDS for half in (kind[:7], kind[7:])),
        "One.",
        "Two?",
        "three",
        "\n",
    )
)
SAYINGS = st.lists(PIECES, min_size=1, max_size=6).map(" ".join)


@given(st.lists(SAYINGS, min_size=1, max_size=3), st.lists(SAYINGS, min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_added_text_never_lowers_rating(said: list[str], more: list[str]) -> None:
    fields = rate_texts(said, today=TODAY), rate_texts([*said, *more], today=TODAY)
    one_text = (
        rate_texts(["\n".join(said)], today=TODAY),
        rate_texts(["\n".join([*said, *more])], today=TODAY),
    )
    for alone, together in (
        fields,
        one_text,
    ):  # fields also count in reverse order, unlike the parts of one text
        assert together.rating.rank >= alone.rating.rank
        assert bool(together.prohibited) >= bool(alone.prohibited)
        assert together.contextual >= alone.contextual
    assert fields[1].rating.rank >= one_text[1].rating.rank


def test_distant_whole_term_does_not_hide_split_one() -> None:
    spread = ["MINOR-C", "-A SUGGESTIVE-MARKER-A"]
    assert rate_texts(spread, today=TODAY).prohibited == "minor"
    assert (
        rate_texts([*spread, "One. Two. Three. Four. MINOR-C-A"], today=TODAY).prohibited == "minor"
    )


@given(
    st.text(min_size=1, max_size=60),
    st.integers(min_value=0),
    st.characters(blacklist_categories=("Cs",)),
)
@settings(max_examples=150, deadline=None)
def test_any_visible_change_changes_digest(body: str, place: int, other: str) -> None:
    at = place % len(body)
    changed = body[:at] + other + body[at + 1 :]
    medium = Medium("a" * 64, "image/jpeg", 1)
    for before, after in (
        (replace(UNIT, texts=(Text("body", body),)), replace(UNIT, texts=(Text("body", changed),))),
        (
            replace(UNIT, media=(replace(medium, alt=body),)),
            replace(UNIT, media=(replace(medium, alt=changed),)),
        ),
        (
            replace(UNIT, buttons=(Button(body, "buy", "1"),)),
            replace(UNIT, buttons=(Button(changed, "buy", "1"),)),
        ),
    ):
        assert (before.digest() == after.digest()) == (body == changed)


@given(st.text(max_size=120))
@settings(max_examples=150, deadline=None)
def test_spaced_words_are_idempotent(text: str) -> None:
    folded = normalization.fold_lookalikes(text)
    assert normalization.spaced_words(
        normalization.spaced_words(folded)
    ) == normalization.spaced_words(folded)


@given(st.text(st.characters(max_codepoint=127, exclude_characters="&<:"), max_size=60))
def test_plain_text_is_unchanged_by_strip_markup(text: str) -> None:
    """The shortcut for plain letters gives the same result as the full path, which one other letter
    at the end triggers."""
    assert strip_markup(text + "é") == text + "é"
    assert strip_markup(text) == text


@given(
    st.permutations(range(24)), st.integers(1, 60), st.sampled_from(["Histoire", "Part", "Photo"])
)
@settings(max_examples=30, deadline=None)
def test_numbers_of_posts_spell_no_term(order: list[int], series: int, name: str) -> None:
    lines = tuple(f"{name} {series}.{number}" for number in order[:12])
    found = rate_texts(
        lines[-1:],
        sequences=(TextSequence(lines[:-1], lines[-1:], newest_first=True),),
        today=TODAY,
    )
    assert found == rate_texts(lines[-1:], today=TODAY)


def test_numbers_of_posts_that_once_spelled_a_term_are_rated_general() -> None:
    earlier = tuple(f"Histoire 11.{number}" for number in (9, 19, 10, 15, 17, 5, 11))
    own = ("Histoire 11.12",)
    found = rate_texts(own, sequences=(TextSequence(earlier, own, newest_first=True),), today=TODAY)
    assert found.rating is Rating.G

"""Template captions: grammatical, on topic, within the limit, and different from one to the next."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from generators.contract.engines import OriginLabel, PostBrief, TextLength
from generators.engines.text import post_phrases
from generators.engines.text.post_templates import list_hashtags, tone_of, write_post_texts
from generators.engines.text.templates import TemplateEngine
from generators.text import output_checks
from tests.generators.builders import a_text_job

TOPICS = {
    "fr": ("Crêpes du dimanche aux myrtilles", "Une pile de crêpes sur une assiette bleue"),
    "en": ("Sunday pancakes with blueberries", "A stack of pancakes on a blue plate"),
}
LENGTHS: tuple[TextLength, ...] = ("short", "medium", "long")
TONES = tuple(post_phrases.TONE_WORDS)
UNELIDED = re.compile(r"\b(?:de|le|la|je|ne|me|te|se|que|ce|si) (?=[aeiouhéèêà])", re.IGNORECASE)
GENDERED = re.compile(r"\bje suis \w+é(e|s)?\b|\b(?:content|ravi|désolé|curieux|heureux)e?\b", re.I)

words = some.text(
    some.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=500
)


def caption(number: int, language: str = "fr", **more: object) -> str:
    topic, picture = TOPICS[language]
    brief = PostBrief(topic, picture, number=number, **more)  # type: ignore[arg-type]  # fields
    return str(write_post_texts(brief, language)["caption"])


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("tone", TONES)
@pytest.mark.parametrize("length", LENGTHS)
def test_ten_consecutive_captions_are_usable_and_differ(
    language: str, tone: str, length: TextLength
) -> None:
    found = [caption(at, language, tone=tone, length=length) for at in range(3, 13)]
    assert len(set(found)) == 10
    topic, picture = TOPICS[language]
    for text in found:
        fault = output_checks.find_caption_fault(
            text, language=language, topic=topic, picture=picture
        )
        assert fault is None, text


@given(
    topic=words,
    picture=some.one_of(some.just(""), words),
    most=some.integers(20, 600),
    length=some.sampled_from(LENGTHS),
    number=some.integers(0, 10_000),
    language=some.sampled_from(["fr", "en"]),
    links=some.booleans(),
)
def test_any_topic_fits_the_limit(
    *,
    topic: str,
    picture: str,
    most: int,
    length: TextLength,
    number: int,
    language: str,
    links: bool,
) -> None:
    brief = PostBrief(topic, picture, length=length, most=most, number=number, links=links)
    texts = write_post_texts(brief, language)
    for name in ("caption", "text"):
        said = str(texts[name])
        assert said.strip()
        assert len(said) <= most
    assert len(str(texts["title"])) <= 80
    assert len(list_hashtags(brief)) <= brief.hashtags


@pytest.mark.parametrize("language", ["fr", "en"])
def test_sentences_are_grammatical_and_neutral(language: str) -> None:
    tones = post_phrases.AFTER_STATEMENT[language].values()
    sentences = [one for tone in tones for one in tone]
    sentences += [*post_phrases.AFTER_QUESTION[language], *post_phrases.CLOSINGS[language]]
    assert all(len(tone) >= 10 for tone in tones)
    for said in sentences:
        assert said[0].isupper()
        assert said[-1] in ".?!"
        assert not re.search(r"\d|€|\$|https?:", said), "no price, promise or link"
        if language == "fr":
            assert not UNELIDED.search(said), said
            assert not GENDERED.search(said), said
            assert not re.search(r"\w[?!:;]", said), "a space before a high mark"


def test_tone_selects_the_sentences() -> None:
    assert tone_of("Espiègle, un peu taquin") == "playful"
    assert tone_of("plain, warm") == "warm"
    assert tone_of("unknown") == "warm"
    assert caption(0, tone="joueur") != caption(0, tone="calme")


def test_alt_text_and_habits_of_the_network_are_used() -> None:
    topic, picture = TOPICS["en"]
    brief = PostBrief(f"{topic} https://shop.example/a #ad", picture, length="long", hashtags=3)
    long = str(write_post_texts(brief, "en")["text"])
    assert "In the picture: a stack of pancakes on a blue plate." in long
    assert "https://shop.example/a" in long
    assert long.endswith("#pancakes #blueberries #stack") or long.count("#") == 3
    quiet = PostBrief(brief.topic, picture, hashtags=0, links=False)
    text = str(write_post_texts(quiet, "en")["text"])
    assert "#" not in text
    assert "https" not in text
    assert "The link is in my profile." in text


def test_question_is_followed_by_a_request_for_answers() -> None:
    brief = PostBrief("Quelle coupe de cheveux essayer ensuite ?")
    assert write_post_texts(brief, "fr")["caption"] == (
        "Quelle coupe de cheveux essayer ensuite ? J'hésite."
    )


def test_engine_labels_its_texts() -> None:
    job = a_text_job(language="fr", brief=PostBrief(*TOPICS["fr"]))
    written = TemplateEngine().write(job)
    assert written.label is OriginLabel.TEMPLATE
    assert written.tokens_out == 0


@pytest.mark.parametrize(
    ("topic", "link"),
    [
        ("New set: https://example.com/a.", "https://example.com/a"),
        ("New set (https://example.com/a)", "https://example.com/a"),
        ("New set **https://example.com/a**", "https://example.com/a"),
        ("New set www.example.com/a, out now", "www.example.com/a"),
        ("新しいhttps://example.com/aをみてね", "https://example.com/a"),
    ],
)
def test_link_of_a_topic_ends_as_readers_see_it(topic: str, link: str) -> None:
    brief = PostBrief(number=1, topic=topic)
    text = str(write_post_texts(brief, "en")["caption"])
    assert text.endswith(f" {link}")
    assert not set("()*") & set(text)
    assert " ." not in text

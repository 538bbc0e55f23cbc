"""Texts of posts from a topic, an alt text, a tone and the habits of a network, without a model.

The topic is a sentence of its own, so that any wording stays grammatical; prepared sentences
follow it. Consecutive numbers give different texts. Pure.
"""

import re
import unicodedata

from foundation.i18n.web_addresses import list_web_addresses, replace_web_addresses
from generators.contract.engines import PostBrief, TextLength
from generators.engines.text.post_phrases import (
    AFTER_QUESTION,
    AFTER_STATEMENT,
    CLOSINGS,
    DEFAULT_TONE,
    DETERMINERS,
    LINK_IN_PROFILE,
    PICTURE_LEADS,
    STOP_WORDS,
    TONE_WORDS,
)
from generators.text import output_checks

MAX_TITLE = 80
MAX_DESCRIPTION = 600
MAX_TAG = 30
_SHORT = 120
"""Maximum number of characters of a short text; a topic alone may already be longer."""

_LINK_PLACE = re.compile(r"[(\[<«“*_~|`]*\s*\ufffc[^\w\s#]*")
"""The place of a removed link, with the punctuation and marks around it."""

_TAG = re.compile(r"(?<!\w)#\w+")
_WORD = re.compile(r"[^\W\d_]{3,}(?:-[^\W\d_]+)*")
_CLAUSE_END = re.compile(r"[.!?…:;]\s|\s[:;–—-]\s")
_SAME_TOPIC = 0.6
"""Share of common words above which the alt text adds nothing to the topic."""


def write_post_texts(brief: PostBrief, language: str) -> dict[str, object]:
    """Return caption, title, description, hashtags and the text of a single version.

    Caption and text fit `brief.most` characters. `hashtags` is missing if no word of the brief
    suits.
    """
    topic, link = _clean_topic(brief)
    tags = list_hashtags(brief)
    texts: dict[str, object] = {
        "caption": _compose(brief, language, topic, link),
        "title": _title_of(topic),
        "description": _compose(brief, language, topic, link, length="long", room=MAX_DESCRIPTION),
    }
    if tags:
        texts["hashtags"] = tags
    texts["text"] = _version(brief, language, topic, link, tags)
    return texts


def list_hashtags(brief: PostBrief) -> list[str]:
    """Return up to `brief.hashtags` words of the topic and the alt text as hashtags; words that
    occur in both come first."""
    topic = _candidate_words(_remove_links(brief.topic))
    picture = _candidate_words(brief.picture)
    both = [word for word in picture if word in topic]
    ranked = dict.fromkeys([*both, *picture, *topic] if brief.picture else topic)
    return [f"#{word}" for word in ranked][: brief.hashtags]


def tone_of(description: str) -> str:
    """Return the tone that a description such as "warm, a little cheeky" names first."""
    for word in _plain(description).split():
        for tone, words in TONE_WORDS.items():
            if word in words:
                return tone
    return DEFAULT_TONE


def _candidate_words(text: str) -> list[str]:
    found = [word.casefold() for word in _WORD.findall(_TAG.sub(" ", text))]
    return [word for word in found if _is_tag(word)]


def _is_tag(word: str) -> bool:
    # A hashtag ends at a hyphen.
    return "-" not in word and len(word) <= MAX_TAG and _plain(word) not in STOP_WORDS


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(one for one in apart if not unicodedata.combining(one))
    return re.sub(r"[^\w]+", " ", bare).strip()


def _clean_topic(brief: PostBrief) -> tuple[str, str]:
    """Return the topic without hashtags, and its link.

    The link is kept apart, because it must not be shortened.
    """
    said = _TAG.sub("", brief.topic or brief.picture)
    link = next(iter(list_web_addresses(said, www=True)), "")
    bare = " ".join(_remove_links(said).split()).strip(" ,;:-–—")
    return bare or brief.picture, link


def _remove_links(text: str) -> str:
    return _LINK_PLACE.sub(" ", replace_web_addresses(text, "\ufffc", www=True))


def _compose(
    brief: PostBrief,
    language: str,
    topic: str,
    link: str,
    *,
    length: TextLength | None = None,
    room: int = 0,
) -> str:
    """Return topic, prepared sentences and link, without what does not fit.

    The sentence after the topic is kept in any case, because it makes consecutive texts differ.
    """
    most = room or brief.most
    ending = f" {link}" if link and brief.links and len(link) < most // 2 else ""
    most -= len(ending)
    after = _sentence_after(brief, language, topic)
    parts = [_as_sentence(_shorten(topic, max(most - len(after) - 1, 1)), language), after]
    for place, sentence in _list_extras(brief, language, topic, length or brief.length):
        longer = [*parts]
        longer.insert(place or len(parts), sentence)
        if sentence not in parts and len(" ".join(longer)) <= most:
            parts = longer
    return _shorten(" ".join(parts), most) + ending


def _list_extras(
    brief: PostBrief, language: str, topic: str, length: TextLength
) -> list[tuple[int, str]]:
    """Return further sentences by priority, each with its place, or 0 for the end.

    Every other text of medium length contains the alt text.
    """
    extras: list[tuple[int, str]] = []
    with_picture = length == "long" or (length == "medium" and brief.number % 2 == 1)
    if with_picture and brief.picture and not _repeats(brief.picture, topic):
        extras.append((1, _picture_sentence(brief.picture, language)))
    if length == "long":
        extras.append((0, _sentence_after(brief, language, topic, step=5)))
    if not brief.links and list_web_addresses(brief.topic, www=True):
        extras.append((0, LINK_IN_PROFILE[language]))
    if length != "short" and not topic.endswith("?"):
        closings = CLOSINGS[language]
        extras.append((0, closings[brief.number % len(closings)]))
    return extras


def _version(brief: PostBrief, language: str, topic: str, link: str, tags: list[str]) -> str:
    """Return the text of a version for one account: as long as usual there, with its hashtags."""
    ending = " ".join(tags)
    room = brief.most - (len(ending) + 1 if ending else 0)
    if room < brief.most // 2:
        ending = ""
        room = brief.most
    if brief.length == "short":
        room = min(room, max(_SHORT, len(topic) + 60))
    return f"{_compose(brief, language, topic, link, room=room)} {ending}".strip()


def _sentence_after(brief: PostBrief, language: str, topic: str, *, step: int = 0) -> str:
    options = (
        AFTER_QUESTION[language]
        if topic.endswith("?")
        else AFTER_STATEMENT[language][tone_of(brief.tone)]
    )
    return options[(brief.number + step) % len(options)]


def _as_sentence(text: str, language: str) -> str:
    """Return the text with a capital letter and a final mark."""
    bare = text.rstrip(" ,;:–—-")
    space = " " if language == "fr" else ""
    bare = re.sub(r"\s*([!?]+)$", rf"{space}\1", bare)
    ended = bare if bare.endswith((".", "!", "?", "…")) else f"{bare}."
    return ended[:1].upper() + ended[1:]


def _picture_sentence(picture: str, language: str) -> str:
    """Return the alt text as a sentence, introduced if it begins with an article."""
    said = " ".join(picture.split())
    first = re.match(r"\w+['’]?", said)
    word = first[0].casefold().replace("’", "'") if first is not None else ""
    if word not in DETERMINERS[language]:
        return _as_sentence(said, language)
    return _as_sentence(
        PICTURE_LEADS[language].format(picture=said[:1].lower() + said[1:]), language
    )


def _repeats(text: str, other: str) -> bool:
    return output_checks.shared_word_ratio(text, other) > _SAME_TOPIC


def _title_of(topic: str) -> str:
    """Return the first clause of the topic, or as many of its words as fit."""
    end = _CLAUSE_END.search(topic)
    clause = topic[: end.start() + 1].strip(" .:;–—-…") if end is not None else topic
    said = clause if len(clause) >= 12 else topic
    shown = _shorten(said, MAX_TITLE).rstrip(" .,;:")
    return shown[:1].upper() + shown[1:]


def _shorten(text: str, most: int) -> str:
    """Return the text, or as many of its words as fit, with an ellipsis."""
    if len(text) <= most:
        return text
    cut = text[: max(most - 1, 0)]
    words = cut.rsplit(" ", 1)[0] if " " in cut else cut
    return f"{words.rstrip(' ,;:–—-')}…"[:most]

"""Checks of a small model's text, which must not echo the prompt or repeat itself. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Literal

from foundation.i18n import language_detection

MAX_SHARED_WORDS = 0.6
"""Maximum share of words in common with the prompt or an example; measured echoes are far above it.
"""

_WORD = re.compile(r"[^\W\d_]{2,}|\d+")
_LEAD = re.compile(
    r"^\s*(?:[-*•>]\s+|(?:caption|légende|legende|answer|réponse|assistant|sure|voici)\s*[:：]\s*)+",
    re.IGNORECASE,
)
_HASHTAG = re.compile(r"(?<!\w)#\w+")
_COMMON = frozenset(
    re.findall(
        r"\w+",
        """the and for with this that you your are was has have from not but all its our out just
        les des une est pas pour dans sur avec qui que vous nous son ses mon mes aux par plus ce \
cette
        an of to in on at it is be my me we le la de du un et en au je tu il elle se sa""",
    )
)


def significant_words(text: str) -> list[str]:
    """Return the words of a text in lower case without accents and without common short words."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(c for c in plain if not unicodedata.combining(c))
    return [word for word in _WORD.findall(bare) if word not in _COMMON]


def shared_word_ratio(text: str, source: str) -> float:
    """Return the share (0 to 1) of the words of `text` that also occur in `source`; 0 for a text
    without words."""
    own = significant_words(text)
    known = set(significant_words(source))
    return sum(word in known for word in own) / len(own) if own else 0.0


def is_echo(text: str, sources: Iterable[str]) -> bool:
    """Return True if the text mostly repeats the prompt or an example."""
    return len(significant_words(text)) >= 3 and any(
        shared_word_ratio(text, source) > MAX_SHARED_WORDS for source in sources
    )


def is_looping(text: str) -> bool:
    """Return True if the text repeats itself: one word four times in a row, or the same three words
    three times."""
    found = _WORD.findall(text.casefold())
    if any(len(set(found[i : i + 4])) == 1 for i in range(len(found) - 3)):
        return True
    triples = [tuple(found[i : i + 3]) for i in range(len(found) - 2)]
    return any(triples.count(triple) >= 3 for triple in set(triples))


def tidy_text(text: str, *, longest: int = 280) -> str:
    """Return the text ready to publish, without surrounding quotes, "Caption:", hashtags, and an
    incomplete last sentence.

    `longest` is in characters. An incomplete last sentence is removed only if it follows a complete
    one. Hashtags are stored separately.
    """
    line = _HASHTAG.sub("", _LEAD.sub("", text.strip().strip("`")))
    line = " ".join(line.split()).strip(" \"'“”«»")
    if len(line) > longest:
        line = line[:longest].rsplit(" ", 1)[0]
    if (
        line
        and line[-1] not in ".!?…"
        and (end := max(line.rfind(mark) for mark in ".!?…")) > len(line) // 3
    ):
        line = line[: end + 1]
    return line.strip()


Fault = Literal["language", "off_topic", "echo", "cut", "long", "repeated"]
_INSTRUCTION = re.compile(
    r"</?idea>|\b(?:json|caption|hashtags?|tone|picture described|légende|ton)\s*[:：]|\bas an ai\b"
    r"|\bYou write\b|\bTu écris\b",
    re.IGNORECASE,
)
_ENDING_TAGS = re.compile(r"(?:\s+#\w+)+\s*$")
_STEM = 5
"""Number of letters by which words count as the same word in another form."""


def find_caption_fault(
    text: str,
    *,
    language: str,
    topic: str,
    picture: str = "",
    most: int = 240,
    known: Iterable[str] = (),
) -> Fault | None:
    """Return the reason why a caption is not usable, or None.

    A usable caption is in its language, has a word of the topic or of the alt text, repeats neither
    instructions nor an earlier text, ends with a complete sentence and fits `most` characters.
    """
    said = _ENDING_TAGS.sub("", text.strip())
    if len(text.strip()) > most:
        return "long"
    if _INSTRUCTION.search(said):
        return "echo"
    if not said or not _is_complete(said):
        return "cut"
    if _is_in_other_language(said, language):
        return "language"
    if _stems(said).isdisjoint(_stems(f"{topic} {picture}")):
        return "off_topic"
    if is_looping(text) or any(_is_repetition(said, other) for other in known):
        return "repeated"
    return None


def _is_in_other_language(text: str, language: str) -> bool:
    known = language_detection.TOLD_APART
    if language not in known:
        return False
    found, likely = language_detection.most_likely_language(text, known)
    return found != language and likely >= language_detection.MIN_CONFIDENCE


def _is_complete(text: str) -> bool:
    """Return True if a text ends with a mark, an emoji or a closing quotation mark."""
    last = text.rstrip()[-1]
    return last in '.!?…»”")' or unicodedata.category(last) in ("So", "Sk", "Mn", "Cf")


def _stems(text: str) -> set[str]:
    return {word[:_STEM] for word in significant_words(text) if len(word) > 2}


def _is_repetition(text: str, other: str) -> bool:
    return shared_word_ratio(text, other) > 0.8 and shared_word_ratio(other, text) > 0.8


def checked_text(text: str, sources: Iterable[str], *, longest: int = 280) -> str | None:
    """Return the tidied text, or None if it is empty, echoes a source or loops. The caller then
    uses a template."""
    line = tidy_text(text, longest=longest)
    if len(significant_words(line)) < 2 or is_looping(text) or is_echo(line, sources):
        return None
    return line

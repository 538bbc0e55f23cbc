"""Caption sets and versions from templates, offered if no model wrote a usable text.

They pass the same checks as a model's texts. If one of them fails, the next template is tried.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from foundation.i18n.translation import LANGUAGES
from generators import registry
from generators.contract.engines import EngineError, OriginLabel, PostBrief, TextJob
from schedules.suggestions.captions.brief import CaptionSetBrief
from schedules.suggestions.captions.networks import NetworkStyle
from schedules.suggestions.captions.prompts import MAX_VERSION_LENGTH, CaptionOffer, CaptionTarget
from schedules.suggestions.shared import text_rules
from schedules.suggestions.shared.text_rules import CountText, TextRules

MAX_CAPTION = 240
_ATTEMPTS = 12
"""Number of templates tried; the sentences repeat after that."""

_SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {
        **{name: {"type": "string"} for name in ("caption", "title", "description", "text")},
        "hashtags": {"type": "array", "items": {"type": "string"}},
    },
}

SET_STYLE = NetworkStyle("medium", 5)
"""Style of a set that is written for no network in particular."""


def write_template_set(
    wish: CaptionSetBrief,
    rules: TextRules,
    style: NetworkStyle,
    *,
    number: int,
    places: Sequence[CaptionTarget] = (),
) -> list[CaptionOffer]:
    """Return caption, title, description and hashtags from templates, or [] if none passes the
    checks.

    `number` counts the sets of the creator, so that consecutive ones differ. There is no alt text,
    because a template does not see the picture.
    """
    most = min([MAX_CAPTION, *(one.most for one in places)])
    counts = {"caption": [one.count for one in places]}
    for texts in _write_texts(wish, style, most, number):
        shown = {
            name: text_rules.clean_field(str(texts[name]))
            for name in ("caption", "title", "description")
        }
        if text_rules.find_violation(shown, rules, counts=counts) is not None:
            continue
        found = texts.get("hashtags")
        tags = " ".join(found) if isinstance(found, list) else ""
        if tags and text_rules.find_hashtag_violation(tags, rules) is None:
            shown["hashtags"] = tags
        label = OriginLabel.TEMPLATE
        return [CaptionOffer(name, text, label=label) for name, text in shown.items()]
    return []


def write_template_version(
    wish: CaptionSetBrief, rules: TextRules, place: CaptionTarget, *, number: int
) -> CaptionOffer | None:
    """Return the version for one account from templates, or None if none passes the checks."""
    most = max(min(place.most, MAX_VERSION_LENGTH), 1)
    counts: Mapping[str, Sequence[CountText]] = {"text": [place.count]}
    for texts in _write_texts(wish, place.style, most, number):
        shown = {"text": text_rules.clean_field(str(texts["text"]))}
        if text_rules.find_violation(shown, rules, counts=counts) is None:
            return CaptionOffer("version", shown["text"], place.id, OriginLabel.TEMPLATE)
    return None


def _write_texts(
    wish: CaptionSetBrief, style: NetworkStyle, most: int, number: int
) -> Iterator[Mapping[str, object]]:
    """Yield texts from consecutive templates; none for a language without templates."""
    if wish.language not in LANGUAGES:
        return
    engine = registry.template_engine()
    brief = PostBrief(
        topic=wish.idea,
        picture=wish.picture,
        tone=style.tone or wish.tone,
        length=style.length,
        hashtags=style.hashtags,
        most=most,
        links=style.links,
    )
    for at in range(number, number + _ATTEMPTS):
        job = TextJob("", (), at, wish.language, schema=_SCHEMA, brief=replace(brief, number=at))
        try:
            yield engine.write(job).answer
        except EngineError:
            return

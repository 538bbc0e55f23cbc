"""Words for a proposed post: a model's where one is there and they are fit, else the brief's own,
as they stand."""

from generators.contract.engines import EngineError, OriginLabel, PromptMessage, TextEngine, TextJob
from generators.text import output_checks
from schedules.suggestions.shared.forbidden_words import find_forbidden_word
from schedules.suggestions.weekly_plans.brief import WeekBrief

MAX_LINE_TEXT = 240
"""Characters of what a model writes; a link comes after it, and both fit the shortest places we
post to."""

_SYSTEM = {
    "fr": (
        "Tu écris un message d'une à trois phrases pour les réseaux sociaux de {creator}. Ton : "
        "{tone}."
        " Tu ne parles que du sujet donné, tu n'inventes ni fait, ni date. Ni hashtag, ni prix, "
        "ni lien."
    ),
    "en": (
        "You write a message of one to three sentences for the social accounts of {creator}. "
        "Tone: {tone}."
        " You speak of the given topic alone and invent neither facts nor dates. No hashtag, no "
        "price, no link."
    ),
}
_TONE = {"fr": "simple, chaleureux", "en": "plain, warm"}
_ASK = {"fr": "Sujet : {topic}\nBut : {goal}", "en": "Topic: {topic}\nGoal: {goal}"}


def brief_text(topic: str, goal: str, link: str) -> str:
    """The brief's own words for a post: the topic as somebody wrote it, and the link; pure."""
    return "\n\n".join(filter(None, (topic or goal, link)))


def write_line_text(
    engine: TextEngine, brief: WeekBrief, creator: str, topic: str, *, seed: int
) -> str | None:
    """What a model writes about a topic, with the link; None where no model is there, or its words
    are not fit.

    Words that a creator never uses make them unfit.
    """
    language = brief.language
    if language not in engine.languages:
        return None
    system = _SYSTEM[language].format(creator=creator, tone=brief.tone or _TONE[language])
    asked = _ASK[language].format(topic=topic or brief.goal, goal=brief.goal)
    job = TextJob(
        system=system,
        turns=(PromptMessage("user", asked),),
        seed=seed,
        language=language,
        max_tokens=120,
    )
    try:
        written = engine.write(job)
    except EngineError:
        return None
    if written.label == OriginLabel.TEMPLATE:
        return None
    text = output_checks.checked_text(written.text, [system], longest=MAX_LINE_TEXT)
    if text is None or find_forbidden_word(text, brief.forbidden) is not None:
        return None
    return brief_text(text, "", brief.link)

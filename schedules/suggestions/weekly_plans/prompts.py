"""Prompts of weekly plans: request the text of a post, with the text of the brief as fallback."""

from gate.surfaces.model_texts import TextJudge
from generators.contract.engines import EngineError, OriginLabel, PromptMessage, TextEngine, TextJob
from generators.text import output_checks
from schedules.suggestions.shared import text_generation
from schedules.suggestions.shared.forbidden_words import find_forbidden_word
from schedules.suggestions.shared.results import ResultLesson, find_unknown_figure
from schedules.suggestions.shared.text_rules import allowed_tone
from schedules.suggestions.weekly_plans.brief import WeekBrief

MAX_LINE_TEXT = 240
"""Maximum number of characters in a generated text; together with the link it fits the shortest
limit of the supported platforms."""

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
_LIKED = {"fr": "Ce que le public a préféré : {named}", "en": "What readers preferred: {named}"}
_MOST_LIKED = 3
"""Maximum number of hashtags and labels of successful posts in a prompt."""


def brief_text(topic: str, goal: str, link: str) -> str:
    """Return the topic or the goal of the brief, with the link; pure."""
    return "\n\n".join(filter(None, (topic or goal, link)))


def write_line_text(
    engine: TextEngine, brief: WeekBrief, creator: str, topic: str, *, seed: int, judge: TextJudge
) -> str | None:
    """Return a generated text about a topic, with the link.

    Returns None if no model is available or may be asked, or if its text is unusable, for example
    because of forbidden words or a figure that neither the brief nor a name in the request
    contains.
    """
    language = brief.language
    if language not in engine.languages or not judge.judge_texts([topic, brief.goal]).is_allowed:
        return None
    tone = allowed_tone(judge, brief.tone) or _TONE[language]
    system = _SYSTEM[language].format(creator=creator, tone=tone)
    asked = _ASK[language].format(topic=topic or brief.goal, goal=brief.goal)
    liked = _list_liked(brief, judge)
    if liked:
        named = ", ".join(text_generation.quote_material(one.name) for one in liked)
        asked = f"{asked}\n{_LIKED[language].format(named=named)}"
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
    if not judge.judge_texts([text]).is_allowed:
        return None
    known = (topic, brief.goal, creator, *(one.name for one in liked))
    if find_unknown_figure(text, known) is not None:
        return None
    return brief_text(text, "", brief.link)


def _list_liked(brief: WeekBrief, judge: TextJudge) -> list[ResultLesson]:
    """Return hashtags and labels whose posts did better than usual."""
    lessons = brief.results.lessons if brief.results is not None else ()
    return [
        one
        for one in lessons
        if one.kind in ("tag", "label")
        and judge.judge_texts([one.name]).is_allowed
        and find_forbidden_word(one.name, brief.forbidden) is None
    ][:_MOST_LIKED]

"""The brief of an idea request: the creator's persona and the measured results of earlier posts.
Pure."""

from dataclasses import dataclass, replace
from uuid import UUID

from foundation.errors import BadInput
from gate.surfaces.model_texts import TextJudge
from schedules.suggestions.shared import text_rules
from schedules.suggestions.shared.forbidden_words import find_forbidden_word
from schedules.suggestions.shared.languages import WRITABLE_LANGUAGES
from schedules.suggestions.shared.results import InspiringPost, MeasuredResults

IDEAS_PER_REQUEST = 5
"""Number of ideas in one batch."""

MAX_INSPIRING_LENGTH = 200
"""Maximum number of characters quoted from an earlier post in a prompt."""

MAX_PERSONA_LENGTH = 400
"""Maximum number of characters of a persona description in a prompt."""


@dataclass(frozen=True)
class IdeaBrief:
    """A request for ideas. `about`, `tone` and the words to avoid (`forbidden`) come from the
    persona."""

    creator_id: UUID
    language: str
    results: MeasuredResults
    about: str = ""
    tone: str = ""
    forbidden: tuple[str, ...] = ()

    def bounded_for_model(self, judge: TextJudge) -> "IdeaBrief":
        """Return the brief with truncated texts, without texts that no model is given or that
        contain forbidden words.

        Raises BadInput for an unsupported language.
        """
        if self.language not in WRITABLE_LANGUAGES:
            raise BadInput("kit.language_unknown")
        best = tuple(
            one
            for one in map(_truncate_post, self.results.best)
            if self._is_showable(one.words, judge)
        )
        lessons = tuple(one for one in self.results.lessons if self._is_showable(one.name, judge))
        shown = replace(self.results, best=best[:IDEAS_PER_REQUEST], lessons=lessons)
        about = text_rules.clean_field(self.about)[:MAX_PERSONA_LENGTH]
        return replace(
            self,
            results=shown,
            about=about if self._is_showable(about, judge) else "",
            tone=text_rules.allowed_tone(judge, self.tone),
        )

    def _is_showable(self, words: str, judge: TextJudge) -> bool:
        return (
            judge.judge_texts([words]).is_allowed
            and find_forbidden_word(words, self.forbidden) is None
        )


def _truncate_post(one: InspiringPost) -> InspiringPost:
    return replace(one, words=text_rules.clean_line(one.words)[:MAX_INSPIRING_LENGTH])

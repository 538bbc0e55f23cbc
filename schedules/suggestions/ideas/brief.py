"""What ideas for posts are asked from: a creator's manner, and her own results as they were
computed. Pure."""

from dataclasses import dataclass, replace
from uuid import UUID

from foundation.errors import BadInput
from schedules.posts.live_posts import PostFormat
from schedules.suggestions.shared import minor_terms, text_rules
from schedules.suggestions.shared.forbidden_words import find_forbidden_word
from schedules.suggestions.shared.languages import WRITABLE_LANGUAGES

IDEAS_PER_REQUEST = 5
"""Ideas of one round."""

MAX_INSPIRING_LENGTH = 200
"""Characters of an earlier post that a question shows."""

MAX_PERSONA_LENGTH = 400
"""Characters of a persona's card that a question shows."""


@dataclass(frozen=True)
class InspiringPost:
    """A post that did well: `value` interactions when it was as old as the results say, where
    `usual` is the middle of its account. Both were measured. `day` is ISO, on the creator's
    clock."""

    post_id: UUID
    words: str
    form: PostFormat
    account: str
    day: str
    value: int
    usual: int


@dataclass(frozen=True)
class ResultLesson:
    """Of `posts` posts of one kind (`name` of a `kind`: form, hours or tag) so many did `better`
    than their account usually does; that chance alone brings it about is unlikely."""

    kind: str
    name: str
    posts: int
    better: int


@dataclass(frozen=True)
class MeasuredResults:
    """What was measured: of `posts` posts, all at an age of `age_hours`; while some are `lacking`,
    nothing is said."""

    posts: int
    age_hours: int
    lacking: int
    lessons: tuple[ResultLesson, ...] = ()
    best: tuple[InspiringPost, ...] = ()


@dataclass(frozen=True)
class IdeaBrief:
    """What somebody asks for. `about` and `tone` are her persona's, `forbidden` the words it never
    uses."""

    creator_id: UUID
    language: str
    results: MeasuredResults
    about: str = ""
    tone: str = ""
    forbidden: tuple[str, ...] = ()

    def bounded_for_model(self) -> "IdeaBrief":
        """What a model may be shown of it: bounded, and no post that speaks of somebody young or in
        words she never uses. Raises BadInput for a language that nothing is written in."""
        if self.language not in WRITABLE_LANGUAGES:
            raise BadInput("kit.language_unknown")
        best = tuple(
            one for one in map(_truncate_post, self.results.best) if self._is_showable(one.words)
        )
        lessons = tuple(one for one in self.results.lessons if self._is_showable(one.name))
        shown = replace(self.results, best=best[:IDEAS_PER_REQUEST], lessons=lessons)
        about = text_rules.clean_field(self.about)[:MAX_PERSONA_LENGTH]
        return replace(self, results=shown, about=about if self._is_showable(about) else "")

    def _is_showable(self, words: str) -> bool:
        return (
            not minor_terms.is_about_minor([words])
            and find_forbidden_word(words, self.forbidden) is None
        )


def _truncate_post(one: InspiringPost) -> InspiringPost:
    return replace(one, words=text_rules.clean_line(one.words)[:MAX_INSPIRING_LENGTH])

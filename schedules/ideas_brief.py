"""What ideas for posts are asked from: a creator's manner, and her own results as they were computed. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from foundation.errors import BadInput
from schedules import kits_checks, kits_minors
from schedules.kits_brief import LANGUAGES
from schedules.outside import Form
from schedules.weeks_brief import forbidden

COUNT = 5
"""Ideas of one round."""

LONGEST_PAST = 200
"""Characters of an earlier post that a question shows."""

LONGEST_ABOUT = 400
"""Characters of a persona's card that a question shows."""


@dataclass(frozen=True)
class Past:
    """A post that did well: `value` interactions when it was as old as the results say, where `usual` is the middle of
    its account. Both were measured. `day` is ISO, on the creator's clock."""

    post_id: UUID
    words: str
    form: Form
    account: str
    day: str
    value: int
    usual: int


@dataclass(frozen=True)
class Lesson:
    """Of `posts` posts of one kind (`name` of a `kind`: form, hours or tag) so many did `better` than their account
    usually does; that chance alone brings it about is unlikely."""

    kind: str
    name: str
    posts: int
    better: int


@dataclass(frozen=True)
class Results:
    """What was measured: of `posts` posts, all at an age of `age_hours`; while some are `lacking`, nothing is said."""

    posts: int
    age_hours: int
    lacking: int
    lessons: tuple[Lesson, ...] = ()
    best: tuple[Past, ...] = ()


@dataclass(frozen=True)
class Brief:
    """What somebody asks for. `about` and `tone` are her persona's, `forbidden` the words it never uses."""

    creator_id: UUID
    language: str
    results: Results
    about: str = ""
    tone: str = ""
    forbidden: tuple[str, ...] = ()

    def fit(self) -> "Brief":
        """What a model may be shown of it: bounded, and no post that speaks of somebody young or in words she never
        uses. Raises BadInput for a language that nothing is written in."""
        if self.language not in LANGUAGES:
            raise BadInput("kit.language_unknown")
        best = tuple(one for one in map(_short, self.results.best) if self._showable(one.words))
        lessons = tuple(one for one in self.results.lessons if self._showable(one.name))
        shown = replace(self.results, best=best[:COUNT], lessons=lessons)
        about = kits_checks.clean(self.about)[:LONGEST_ABOUT]
        return replace(self, results=shown, about=about if self._showable(about) else "")

    def _showable(self, words: str) -> bool:
        return not kits_minors.speaks_of([words]) and forbidden(words, self.forbidden) is None


def _short(one: Past) -> Past:
    return replace(one, words=" ".join(kits_checks.clean(one.words).split())[:LONGEST_PAST])


def stored(brief: Brief) -> dict[str, Any]:
    """As the database keeps it."""
    kept: dict[str, Any] = {name: getattr(brief, name) for name in ("language", "about", "tone")}
    kept |= {"forbidden": list(brief.forbidden), "results": asdict(brief.results)}
    for one in kept["results"]["best"]:
        one["post_id"] = str(one["post_id"])
    return kept


def read(creator_id: UUID, kept: Mapping[str, Any]) -> Brief:
    """What `stored` wrote."""
    results = kept["results"]
    best = (Past(**{**one, "post_id": UUID(one["post_id"]), "form": Form(one["form"])}) for one in results["best"])
    lessons = tuple(Lesson(**one) for one in results["lessons"])
    return Brief(
        creator_id,
        kept["language"],
        Results(results["posts"], results["age_hours"], results["lacking"], lessons, tuple(best)),
        kept["about"],
        kept["tone"],
        tuple(kept["forbidden"]),
    )

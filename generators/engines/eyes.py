"""A classifier behind HTTP, whoever wrote it. The protocol is in docs/classifiers.md; the answer is not believed."""

import base64
import json
import re
from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from foundation.http import HttpClient, Reply, Request
from foundation.settings import GeneratorsSettings
from gate.units import Rating
from generators.classifying import Classifier, Seen, View
from generators.contract import AnswerUnusable, EngineMissing, EngineUnreachable

NAME = "classifier"
LOOK_SECONDS = 15.0
ASK_SECONDS = 2.0
MOST_BYTES = 256 * 1024
"""Of an answer. One is a few hundred bytes; what is longer is no answer."""

MOST_READ = 4_000
"""Letters read in one picture that are kept; a page of print has about half of that."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")

T = TypeVar("T", bound=BaseModel)
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
_Version = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]


class _Said(BaseModel):
    """What is said of one view."""

    model_config = ConfigDict(frozen=True, strict=True)
    rating: Literal["G", "S", "N", "E", "X"]
    prohibited: Literal["", "minor", "category"] = ""
    people: int | None = Field(default=None, ge=0, le=500)
    words: list[str] = Field(default_factory=list, max_length=100)


class _About(BaseModel):
    """Who speaks."""

    model_config = ConfigDict(frozen=True, strict=True)
    name: _Name
    version: _Version


class _Answer(_About):
    """What is said of all views, in their order."""

    views: list[_Said]


def offer(settings: GeneratorsSettings) -> Classifier | None:
    """The classifier that the settings name, None without one."""
    if not settings.classifier_url:
        return None
    known = frozenset(name.strip() for name in settings.classifier_versions.split(",") if name.strip())
    return Eyes(settings.classifier_url, known)


class Eyes:
    """One classifier server. Only answers of a known `name@version` count: people have tried that one."""

    def __init__(self, url: str, known: frozenset[str], *, seconds: float = LOOK_SECONDS) -> None:
        self._url, self._known, self._seconds = url.rstrip("/"), known, seconds
        self._http = HttpClient(max_connections=4)

    def look(self, views: tuple[View, ...]) -> Seen:
        """What the views show. Raises EngineUnreachable (down, slow, busy), EngineMissing (a version nobody named),
        AnswerUnusable."""
        asked = [{"name": view.name, "mime": view.mime, "data": base64.b64encode(view.data).decode()} for view in views]
        body = json.dumps({"views": asked}).encode()
        headers = {"content-type": "application/json"}
        answer = _read(_Answer, self._ask(Request("POST", f"{self._url}/v1/look", headers, body, self._seconds)))
        if len(answer.views) != len(views):
            raise AnswerUnusable("engine.classifier_nonsense")
        if f"{answer.name}@{answer.version}" not in self._known:
            raise EngineMissing("engine.classifier_unknown", version=f"{answer.name}@{answer.version}")
        return _together(_source(answer), answer.views)

    def about(self) -> str:
        """Who answers there, known or not. Raises EngineUnreachable, AnswerUnusable."""
        return _source(_read(_About, self._ask(Request("GET", f"{self._url}/v1/about", deadline=ASK_SECONDS))))

    def knows(self, source: str) -> bool:
        """Whether what this source says counts."""
        return source.removeprefix(f"{NAME}:") in self._known

    def _ask(self, request: Request) -> bytes:
        reply = self._http.exchange(request)
        if not isinstance(reply, Reply):
            raise EngineUnreachable("engine.server_down", engine=NAME, url=self._url)
        if reply.status != 200:
            raise EngineUnreachable("engine.server_refused", engine=NAME, status=reply.status)
        if len(reply.body) > MOST_BYTES:
            raise AnswerUnusable("engine.classifier_nonsense")
        return reply.body


def _read(shape: type[T], body: bytes) -> T:
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        raise AnswerUnusable("engine.classifier_nonsense") from error


def _source(about: _About) -> str:
    return f"{NAME}:{about.name}@{about.version}"


def _together(source: str, said: Sequence[_Said]) -> Seen:
    """The highest of all views, the most people in one, every word once."""
    worst = max((Rating(one.rating) for one in said), key=lambda rating: rating.rank)
    kinds = {one.prohibited or "category" for one in said if one.rating == "X"}
    counted = [one.people for one in said if one.people is not None]
    words = dict.fromkeys(_UNPRINTABLE.sub(" ", word).strip() for one in said for word in one.words)
    kept, room = [], MOST_READ
    for word in filter(None, words):
        kept.append(word[:room])
        room -= len(kept[-1])
        if room <= 0:
            break
    return Seen(
        source,
        worst,
        "minor" if "minor" in kinds else "category" if kinds else "",
        max(counted, default=None),
        tuple(kept),
    )

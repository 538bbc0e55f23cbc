"""A film's cover on YouTube: the picture beside it, set while nobody sees the film yet. Pure.

Set twice, it is set once; a new one takes the place of the last. Only channels whose owner gave a telephone number may
have covers of their own, and Shorts show none. It costs 50 units of an application's day.
Source: https://developers.google.com/youtube/v3/docs/thumbnails/set
"""

from datetime import timedelta

from connectors import answers as http
from connectors.contract import Answer, FileRef, Response, Send, StepKind, WireStep
from connectors.outcomes import Outcome, Rejected, Retry
from connectors.youtube_account import FORBIDDEN, meaning, reason
from foundation.words import Message
from gate.units import Medium, Unit

COVER = "stage:cover:"
"""How the step is called; the film's number follows: another upload of it is another film, without a cover."""

MIMES = ("image/jpeg", "image/png")
MOST_BYTES = 2 * 1024 * 1024
TOO_MANY_FOR = timedelta(hours=1)
"""A channel that set too many lately is told no time: they say nowhere how long it lasts."""


def film_of(unit: Unit) -> Medium | None:
    """The film of a unit."""
    return next((one for one in unit.media if one.mime not in MIMES), None)


def cover_of(unit: Unit) -> Medium | None:
    """The picture beside it; None where YouTube takes one from the film."""
    return next((one for one in unit.media if one.mime in MIMES), None)


def unfit(unit: Unit) -> Message | None:
    """Why there are more than one film and one cover beside it, or that is no cover."""
    covers = [one for one in unit.media if one.mime in MIMES]
    if len(covers) > 1 or len(unit.media) - len(covers) > 1:
        return Message("youtube.cover_alone")
    heavy = next((one for one in covers if one.size > MOST_BYTES), None)
    return Message("youtube.cover_heavy", {"size": heavy.size, "most": MOST_BYTES}) if heavy is not None else None


def next_turn(unit: Unit, number: str, answers: tuple[Answer, ...]) -> Send | None:
    """The request that gives the film `number` its cover; None where it has it, or none is wanted."""
    cover, name = cover_of(unit), f"{COVER}{number}"
    if cover is None or any(one.step == name and isinstance(one, Response) and one.ok for one in answers):
        return None
    path = f"/upload/youtube/v3/thumbnails/set?videoId={http.segment(number)}&uploadType=media"
    file = FileRef(cover.sha256, cover.mime)
    return Send(WireStep(name, StepKind.STAGE, "POST", path, file=file, deadline=60.0))


def refused(answer: Answer) -> Outcome:
    """Why a film has no cover: nobody sees it yet, so the whole post waits for somebody."""
    word = reason(answer)
    if word == "videoNotFound":
        return http.staged_anew()
    if word == "uploadRateExceeded":
        return Retry(TOO_MANY_FOR, "account", Message("connectors.rate_limited"))
    if word == FORBIDDEN:
        return Rejected(Message("youtube.cover_forbidden"), permanent=False)
    return meaning(answer, creates=False)

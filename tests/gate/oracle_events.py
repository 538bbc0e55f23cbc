"""What can happen to what may be shown, as values; and what somebody wishes to send."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PersonAdded:
    """Somebody became known: real or invented. `papers`: of age before everything here; declared,
    licensed, seen."""

    person: str
    real: bool
    papers: bool


@dataclass(frozen=True)
class ConsentGranted:
    """A real person allows being shown and published there, up to a rating; `what` is depict or
    publish."""

    person: str
    what: str
    platforms: tuple[str, ...]
    most: str


@dataclass(frozen=True)
class ConsentRevoked:
    """Every permission of a kind is over; a later one is a new one."""

    person: str
    what: str


@dataclass(frozen=True)
class PictureMade:
    """A picture: how many people a detector `counted`, whether its date is `proven`, the `source`
    it was made from."""

    picture: str
    shows: tuple[str, ...] = ()
    counted: int | None = None
    proven: bool = True
    source: str = ""


@dataclass(frozen=True)
class PictureRated:
    picture: str
    rating: str


@dataclass(frozen=True)
class ReviewGiven:
    """Somebody said yes or no: to a picture, or to a whole post by its name."""

    about: str
    who: str
    yes: bool


@dataclass(frozen=True)
class PictureFrozen:
    picture: str
    until_told: bool = True


@dataclass(frozen=True)
class PictureBlocked:
    """On the blocklist: for good."""

    picture: str


@dataclass(frozen=True)
class StopSwitched:
    feature: str
    on: bool


@dataclass(frozen=True)
class ViewerAgeChanged:
    """What is known of the reader: proven, hearsay (a level nobody accepts), reset, suspected,
    blocked."""

    known: str


@dataclass(frozen=True)
class SendRequest:
    """A post or a message: `words` is the rating of its words, X for what is never allowed."""

    name: str
    place: str
    pictures: tuple[str, ...] = ()
    words: str = "G"


Event = (
    PersonAdded
    | ConsentGranted
    | ConsentRevoked
    | PictureMade
    | PictureRated
    | ReviewGiven
    | PictureFrozen
    | PictureBlocked
    | StopSwitched
    | ViewerAgeChanged
)

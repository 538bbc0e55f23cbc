"""Events that affect permission to publish, and requests to send."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PersonAdded:
    """A person is added, real or synthetic. `papers`: of age before all events, or declared,
    licensed and reviewed."""

    person: str
    real: bool
    papers: bool


@dataclass(frozen=True)
class ConsentGranted:
    """A real person consents for platforms, up to a rating; `what` is depict or publish."""

    person: str
    what: str
    platforms: tuple[str, ...]
    most: str


@dataclass(frozen=True)
class ConsentRevoked:
    """All consents of one kind are revoked; a later consent is a new one."""

    person: str
    what: str


@dataclass(frozen=True)
class PictureMade:
    """A picture with the number of people a detector `counted`, a date that may be `proven`, and
    its `source`."""

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
    """A review of a picture, or of a whole post by its name."""

    about: str
    who: str
    yes: bool


@dataclass(frozen=True)
class PictureFrozen:
    picture: str
    until_told: bool = True


@dataclass(frozen=True)
class PictureBlocked:
    """The picture is on the blocklist permanently."""

    picture: str


@dataclass(frozen=True)
class StopSwitched:
    feature: str
    on: bool


@dataclass(frozen=True)
class ViewerAgeChanged:
    """The state of the viewer: proven, hearsay (an insufficient level), reset, suspected or
    blocked."""

    known: str


@dataclass(frozen=True)
class SendRequest:
    """A post or a message; `words` is the rating of its text, X for prohibited text."""

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

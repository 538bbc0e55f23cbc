"""The contract of the bundled checks: small models that contradict careless members.

Unlike a classifier, they never rate. A finding that contradicts a member needs a second member.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from PIL import Image


@dataclass(frozen=True)
class CheckFinding:
    """The finding of a model, as name@version, in a picture or in the frames of a video.

    `explicit` and `face` are the highest likelihoods of explicit content and of a face in percent.
    Both are None if the model could not finish.
    """

    model: str
    explicit: int | None = None
    face: int | None = None


class PictureChecks(Protocol):
    """The installed models. Thread-safe; calls may be repeated."""

    def check_views(self, views: Iterable[Image.Image]) -> tuple[CheckFinding, ...]:
        """Check views of one picture or video, and return one finding for each installed model.
        Never raises for a picture."""
        ...

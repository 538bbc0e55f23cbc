"""The contract of video engines: a picture as input, a video as output, progress by a callback.

Errors are those of `generators/contract/engines.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from foundation.i18n.translation import Message
from generators.contract.engines import JobTooLarge, OriginLabel, Progress, ignore_progress

MIN_SECONDS = 1
MAX_SECONDS = 10
MIN_STEPS = 1
MAX_STEPS = 100
MIN_MOTION = 1
MAX_MOTION = 100
MAX_SIDE = 1280
"""Maximum length in pixels of a video's longer edge."""


@dataclass(frozen=True)
class VideoJob:
    """One video to make from a `picture` (an encoded file). Edges are in pixels, even, from 64 to
    `MAX_SIDE`.

    `seconds` is approximate, because a model has a fixed frame rate and makes frames in groups.
    `prompt` describes the action, and `motion` is its amount from 1 to 100. A model that does not
    support one of them raises EngineMissing before it starts.
    """

    picture: bytes = field(repr=False)
    seed: int
    model: str
    width: int
    height: int
    seconds: float = 3.0
    prompt: str = ""
    motion: int | None = None
    steps: int = 25

    def __post_init__(self) -> None:
        if any(edge % 2 or not 64 <= edge <= MAX_SIDE for edge in (self.width, self.height)):
            raise JobTooLarge("engine.film_size", width=self.width, height=self.height)
        if not MIN_SECONDS <= self.seconds <= MAX_SECONDS:
            raise JobTooLarge("engine.film_seconds", least=MIN_SECONDS, most=MAX_SECONDS)
        if not 0 <= self.seed < 2**63:
            raise ValueError("a seed is a whole number from 0 to 2^63 - 1")
        if not MIN_STEPS <= self.steps <= MAX_STEPS:
            raise ValueError("so many steps make no film")
        if self.motion is not None and not MIN_MOTION <= self.motion <= MAX_MOTION:
            raise ValueError("a motion is from 1 to 100")


@dataclass(frozen=True)
class GeneratedVideo:
    """An MP4 video without sound and its origin. `parameters` reproduce it on the same build."""

    data: bytes = field(repr=False)
    width: int
    height: int
    seconds: float
    engine: str
    model: str
    label: OriginLabel
    seed: int
    prompt: str
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)


class VideoEngine(Protocol):
    """An engine that animates pictures, built once per process and used by one job at a time."""

    name: str

    def device_message(self) -> Message:
        """Return a message about the device and its precision; may load packages. Raises
        EngineError if no model can run."""
        ...

    def animate(self, job: VideoJob, progress: Progress = ignore_progress) -> GeneratedVideo:
        """Make the video. Raises EngineError. An exception of `progress` stops it and is raised
        again."""
        ...

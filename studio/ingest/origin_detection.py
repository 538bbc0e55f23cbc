"""Origin detection: a camera, or an engine recognized by content credentials, metadata or an
embedded prompt."""

from dataclasses import dataclass, field

from generators.contract.engines import OriginLabel
from generators.provenance import content_credentials, embedded_claims
from generators.provenance.embedded_claims import MADE_BY_MODELS, LeftMetadata
from generators.provenance.generator_metadata import GeneratorMetadata

CAMERA_ENGINE = "camera"
UNKNOWN_ENGINE = "unnamed"
UNCONFIRMED_ENGINE = "unconfirmed"
DECLARABLE_ENGINES = (CAMERA_ENGINE, UNCONFIRMED_ENGINE)
"""Engines of files that a member may declare as generated."""


@dataclass(frozen=True)
class DetectedOrigin:
    """The origin of a file.

    `engine` is "camera" for a photograph, "unnamed" for generated content of an unknown engine, and
    "unconfirmed" if an unknown program made the file, which counts as generated until a member
    answers.
    `label` is the label in its content credentials, and `left` is any other generation metadata.
    """

    engine: str = CAMERA_ENGINE
    label: str = ""
    left: LeftMetadata = field(default_factory=LeftMetadata)

    @property
    def is_ai(self) -> str:
        """The AI level as in `Unit`."""
        return "none" if self.engine == CAMERA_ENGINE else "generated"


def detect_origin(
    data: bytes, mime: str, metadata: GeneratorMetadata, *, said: bool
) -> DetectedOrigin:
    """Return the origin of a file.

    `metadata` is what the file states about its generator, and `said` is True if the uploader
    declares it as generated. Invalid credentials and unverified claims count too, because they are
    not added to photographs.
    """
    mark = content_credentials.verify_media(data, mime)
    label = mark.label if mark.label in set(OriginLabel) else ""
    if mark.source in MADE_BY_MODELS:
        return DetectedOrigin(_engine_from_mark(mark.engine), label, metadata.left)
    if metadata.states_generator or said:
        return DetectedOrigin(UNKNOWN_ENGINE, label, metadata.left)
    if metadata.unknown_program:
        return DetectedOrigin(
            UNCONFIRMED_ENGINE, label, LeftMetadata(model=metadata.unknown_program)
        )
    return DetectedOrigin(label=label, left=metadata.left)


def _engine_from_mark(said: str) -> str:
    """Return the engine named in content credentials.

    Our own names for sources that are not models are not accepted from a file.
    """
    engine = embedded_claims.clean_name(said)
    ours = (
        engine in DECLARABLE_ENGINES
        or content_credentials.source_type_of(engine) not in MADE_BY_MODELS
    )
    return UNKNOWN_ENGINE if ours or not engine else engine

"""Origin detection: a camera, or an engine recognized by content credentials, metadata or an
embedded prompt."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from generators.contract.engines import OriginLabel
from generators.provenance import content_credentials, embedded_claims
from generators.provenance.embedded_claims import MADE_BY_MODELS, LeftMetadata

CAMERA_ENGINE = "camera"
UNKNOWN_ENGINE = "unnamed"


@dataclass(frozen=True)
class DetectedOrigin:
    """The origin of a file.

    `engine` is "camera" for a photograph and "unnamed" for generated content of an unknown engine.
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
    data: bytes, mime: str, lineage: Mapping[str, str], claim: str, *, said: bool
) -> DetectedOrigin:
    """Return the origin of a file.

    `claim` is the source type in its metadata, `lineage` is metadata written by generators, and
    `said` is True if the uploader declares it as generated. Invalid credentials and unverified
    claims count too, because they are not added to photographs.
    """
    mark = content_credentials.verify_media(data, mime)
    label = mark.label if mark.label in set(OriginLabel) else ""
    left = embedded_claims.left_metadata(lineage)
    if mark.source in MADE_BY_MODELS:
        return DetectedOrigin(_engine_from_mark(mark.engine), label, left)
    return DetectedOrigin(
        UNKNOWN_ENGINE if lineage or claim or said else CAMERA_ENGINE, label, left
    )


def _engine_from_mark(said: str) -> str:
    """Return the engine named in content credentials.

    Our own names for sources that are not models are not accepted from a file.
    """
    engine = embedded_claims.clean_name(said)
    ours = (
        engine == CAMERA_ENGINE or content_credentials.source_type_of(engine) not in MADE_BY_MODELS
    )
    return UNKNOWN_ENGINE if ours or not engine else engine

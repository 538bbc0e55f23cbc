"""Who made a file that was handed in: a camera, or an engine that its mark, its metadata or a left
prompt betrays."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from generators.contract.engines import OriginLabel
from generators.provenance import content_credentials, embedded_claims
from generators.provenance.embedded_claims import MADE_BY_MODELS, LeftMetadata

CAMERA_ENGINE = "camera"
UNKNOWN_ENGINE = "unnamed"


@dataclass(frozen=True)
class DetectedOrigin:
    """The engine, "camera" of a photograph, "unnamed" of a machine's work that does not say whose;
    the label that its mark bears; and what was asked of it, where that was left."""

    engine: str = CAMERA_ENGINE
    label: str = ""
    left: LeftMetadata = field(default_factory=LeftMetadata)

    @property
    def is_ai(self) -> str:
        """As in the unit."""
        return "none" if self.engine == CAMERA_ENGINE else "generated"


def detect_origin(
    data: bytes, mime: str, lineage: Mapping[str, str], claim: str, *, said: bool
) -> DetectedOrigin:
    """Whose work a file is. `claim` is the source type its metadata names; `lineage` what programs
    wrote into it; `said` that whoever handed it in calls it a model's.

    A mark that no longer verifies still says so, and so does a word of anybody: nobody adds one to
    a photograph.
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
    """The engine that a model's mark names; a name of ours for what is no model's work is none,
    whoever wrote it."""
    engine = embedded_claims.clean_name(said)
    ours = (
        engine == CAMERA_ENGINE or content_credentials.source_type_of(engine) not in MADE_BY_MODELS
    )
    return UNKNOWN_ENGINE if ours or not engine else engine

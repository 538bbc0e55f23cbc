"""Who made a file that was handed in: a camera, or an engine that its mark, its metadata or a left prompt betrays."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from generators import claims, provenance
from generators.claims import MADE_BY_MODELS, Left
from generators.contract import Label

CAMERA, UNNAMED = "camera", "unnamed"


@dataclass(frozen=True)
class Maker:
    """The engine, "camera" of a photograph, "unnamed" of a machine's work that does not say whose; the label that its
    mark bears; and what was asked of it, where that was left."""

    engine: str = CAMERA
    label: str = ""
    left: Left = field(default_factory=Left)

    @property
    def ai(self) -> str:
        """As in the unit."""
        return "none" if self.engine == CAMERA else "generated"


def maker(data: bytes, mime: str, lineage: Mapping[str, str], claim: str, *, said: bool) -> Maker:
    """Whose work a file is. `claim` is the source type its metadata names; `lineage` what programs wrote into it;
    `said` that whoever handed it in calls it a model's.

    A mark that no longer verifies still says so, and so does a word of anybody: nobody adds one to a photograph.
    """
    mark = provenance.verify(data, mime)
    label = mark.label if mark.label in set(Label) else ""
    left = claims.left(lineage)
    if mark.source in MADE_BY_MODELS:
        return Maker(_named(mark.engine), label, left)
    return Maker(UNNAMED if lineage or claim or said else CAMERA, label, left)


def _named(said: str) -> str:
    """The engine that a model's mark names; a name of ours for what is no model's work is none, whoever wrote it."""
    engine = claims.name(said)
    ours = engine == CAMERA or provenance.source_of(engine) not in MADE_BY_MODELS
    return UNNAMED if ours or not engine else engine

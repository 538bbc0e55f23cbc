"""What engines of others take beside words, and which of their services makes a picture: data,
asked of nobody.

Stability sells each way of making a picture as a service of its own, with its own price: `sd3` or
`ultra` begin from a picture, `inpaint` makes a part anew, `style` keeps the look of one.
https://platform.stability.ai/docs/api-reference
"""

from collections.abc import Set as AbstractSet

from generators.contract.engines import EngineMissing, ImageJob

STABILITY_ENGINE = "stability"
REPLICATE_ENGINE = "replicate"
HOSTED_ENGINES = (REPLICATE_ENGINE, STABILITY_ENGINE)

ENGINE_NAMES = {REPLICATE_ENGINE: "Replicate", STABILITY_ENGINE: "Stability AI"}
"""How people know them, in any language."""

PICTURE_INPUTS = frozenset({"init", "mask", "references", "pose"})
"""What of `ImageJob.asks` is a picture, and leaves the house."""

_TAKES = {
    STABILITY_ENGINE: frozenset({"init", "mask", "references"}),
    REPLICATE_ENGINE: frozenset(
        {"init", "mask", "references"}
    ),  # if its model does: its schema is read when it is asked
}
INPAINT_SERVICE = "inpaint"
STYLE_SERVICE = "style"
IMAGE_TO_IMAGE_SERVICE = "sd3"
_FROM_PICTURES = ("sd3", "ultra")
_MOST_REFERENCES = {STABILITY_ENGINE: 1}
"""Pictures of a look that one request takes; what is not named here takes what its model's schema
says."""


def supported_inputs(engine: str) -> frozenset[str]:
    """What an engine of somebody else's can be asked beside words; nothing of one that is not known
    here."""
    return _TAKES.get(engine, frozenset())


def priced_service(engine: str, model: str, asks: AbstractSet[str]) -> str:
    """The model, or the service, that makes what is asked of an engine with this model, and whose
    price it has."""
    if engine != STABILITY_ENGINE:
        return model
    if "mask" in asks:
        return INPAINT_SERVICE
    if "references" in asks:
        return STYLE_SERVICE
    return model if "init" not in asks or model in _FROM_PICTURES else IMAGE_TO_IMAGE_SERVICE


def check_inputs_combine(engine: str, job: ImageJob) -> None:
    """Raise EngineMissing for pictures that an engine does not take in one request."""
    if engine == STABILITY_ENGINE and job.init and job.references:
        raise EngineMissing("engine.cannot_together", engine=engine)
    check_reference_count(engine, len(job.references))


def check_reference_count(engine: str, references: int) -> None:
    """Raise EngineMissing for more pictures of a look than one request takes: none is left out
    silently."""
    most = _MOST_REFERENCES.get(engine, references)
    if references > most:
        raise EngineMissing("engine.few_references", engine=engine, most=most)

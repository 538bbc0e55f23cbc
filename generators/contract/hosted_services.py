"""Inputs that hosted engines support, and the service that makes a picture. Contains data only and
sends no requests.

Stability sells each kind of generation as a service with a separate price: `sd3` or `ultra` from an
initial picture, `inpaint` for a masked part, `style` for the style of a reference.
https://platform.stability.ai/docs/api-reference
"""

from collections.abc import Set as AbstractSet

from generators.contract.engines import EngineMissing, ImageJob

STABILITY_ENGINE = "stability"
REPLICATE_ENGINE = "replicate"
HOSTED_ENGINES = (REPLICATE_ENGINE, STABILITY_ENGINE)

ENGINE_NAMES = {REPLICATE_ENGINE: "Replicate", STABILITY_ENGINE: "Stability AI"}
"""Display names of the engines, the same in every language."""

PICTURE_INPUTS = frozenset({"init", "mask", "references", "pose"})
"""The inputs of `ImageJob.needed_inputs` that are pictures and are sent to the service."""

_TAKES = {
    STABILITY_ENGINE: frozenset({"init", "mask", "references"}),
    REPLICATE_ENGINE: frozenset(
        {"init", "mask", "references"}
    ),  # only if the model's schema, fetched at run time, has such inputs
}
INPAINT_SERVICE = "inpaint"
STYLE_SERVICE = "style"
IMAGE_TO_IMAGE_SERVICE = "sd3"
_FROM_PICTURES = ("sd3", "ultra")
_MOST_REFERENCES = {STABILITY_ENGINE: 1}
"""Maximum number of reference pictures in one request; for other engines the model's schema
decides."""


def supported_inputs(engine: str) -> frozenset[str]:
    """Return the inputs that a hosted engine supports besides the prompt, or none for an unknown
    engine."""
    return _TAKES.get(engine, frozenset())


def priced_service(engine: str, model: str, asks: AbstractSet[str]) -> str:
    """Return the model or service that makes a picture with these inputs, whose price applies."""
    if engine != STABILITY_ENGINE:
        return model
    if "mask" in asks:
        return INPAINT_SERVICE
    if "references" in asks:
        return STYLE_SERVICE
    return model if "init" not in asks or model in _FROM_PICTURES else IMAGE_TO_IMAGE_SERVICE


def check_inputs_combine(engine: str, job: ImageJob) -> None:
    """Raise EngineMissing for pictures that the engine does not accept in one request."""
    if engine == STABILITY_ENGINE and job.init and job.references:
        raise EngineMissing("engine.cannot_together", engine=engine)
    check_reference_count(engine, len(job.references))


def check_reference_count(engine: str, references: int) -> None:
    """Raise EngineMissing for too many reference pictures; none is dropped silently."""
    most = _MOST_REFERENCES.get(engine, references)
    if references > most:
        raise EngineMissing("engine.few_references", engine=engine, most=most)

"""Picture inputs of Replicate models, found in their schema, and their values from a job.

Models name their inputs freely; the names here are common among image models. An input for one
picture is a string of the format `uri`, and an input for several pictures is a list of such
strings: https://replicate.com/docs/reference/http#models.versions.get
"""

import re
from typing import Any

from generators.contract import hosted_services
from generators.contract.engines import EngineMissing, ImageJob
from generators.engines.images import outgoing_pictures
from generators.engines.images.model_inputs import ModelInputs, clamp_to_input

NAMES = {
    "init": ("image", "init_image", "input_image", "source_image", "start_image"),
    "mask": ("mask", "mask_image", "image_mask", "inpaint_mask"),
    "references": (
        "reference_images",
        "image_references",
        "image_input",
        "input_images",
        "reference_image",
        "ip_adapter_image",
        "image_prompt",
        "style_image",
        "subject_image",
        "face_image",
        "main_face_image",
    ),
}
"""Possible input names for each kind of picture; the first that a model has is used."""

STRENGTHS = ("prompt_strength", "strength", "denoising_strength", "denoise")
"""Inputs for the share of a picture that is repainted, from 0 to 1."""

WEIGHTS = (
    "ip_adapter_scale",
    "ip_adapter_weight",
    "reference_strength",
    "image_prompt_strength",
    "style_strength",
)
"""Inputs for the weight of a style reference."""

_BLACK = re.compile(
    r"black[^.;]{0,40}(inpaint|discard|regenerat|change|fill|replac)", re.IGNORECASE
)
_KEPT = re.compile(r"black[^.;]{0,40}(preserv|keep|kept|unchanged)", re.IGNORECASE)


def picture_parameters(job: ImageJob, offered: ModelInputs) -> dict[str, str | int | float]:
    """Return the strengths and weights of the job's pictures within the model's limits, without
    those that have no input."""
    wanted: dict[str, float] = {}
    if job.init:
        wanted |= dict.fromkeys(STRENGTHS, job.strength)
    if job.references:
        wanted |= dict.fromkeys(WEIGHTS, job.reference_weight)
    return {
        name: clamp_to_input(round(value, 3), offered[name])
        for name, value in wanted.items()
        if name in offered
    }


def picture_inputs(job: ImageJob, offered: ModelInputs, *, engine: str) -> dict[str, Any]:
    """Return the pictures of a job by input name, as data URIs.

    Raises EngineMissing for a picture without an input and for too many references, and the errors
    of `outgoing_pictures.prepare_picture`.
    """
    asks = job.needed_inputs & hosted_services.PICTURE_INPUTS
    if not asks:
        return {}
    named = {need: _picture_input_name(need, offered, engine) for need in sorted(asks)}
    most = outgoing_pictures.INLINE_BYTES // (bool(job.init) + bool(job.mask) + len(job.references))
    found: dict[str, Any] = {}
    if job.init:
        first = outgoing_pictures.prepare_picture(job.init, engine=engine, most=most)
        found[named["init"]] = outgoing_pictures.data_uri(first.data, "image/jpeg")
        if job.mask:
            black = _wants_black(offered[named["mask"]])
            found[named["mask"]] = outgoing_pictures.data_uri(
                outgoing_pictures.prepare_mask(job.mask, first.size, black=black), "image/png"
            )
    if job.references:
        looks = [
            outgoing_pictures.prepare_picture(one, engine=engine, most=most)
            for one in job.references
        ]
        told = [outgoing_pictures.data_uri(one.data, "image/jpeg") for one in looks]
        several = _picture_multiplicity(offered[named["references"]]) == "several"
        if not several and len(told) > 1:
            raise EngineMissing("engine.few_references", engine=engine, most=1)
        found[named["references"]] = told if several else told[0]
    return found


def _picture_input_name(need: str, offered: ModelInputs, engine: str) -> str:
    found = next((name for name in NAMES[need] if _picture_multiplicity(offered.get(name, {}))), "")
    if not found:
        raise EngineMissing(f"engine.model_cannot_{need}", engine=engine)
    return found


def _picture_multiplicity(one: Any) -> str:
    """Return "one" or "several" for an input that takes pictures, else ""."""
    for each in (one, *(one.get("anyOf") or ())):
        if each.get("type") == "string" and each.get("format") == "uri":
            return "one"
        items = each.get("items")
        if each.get("type") == "array" and isinstance(items, dict) and items.get("format") == "uri":
            return "several"
    return ""


def _wants_black(one: Any) -> bool:
    """Return True if the model's description says that black areas are repainted; most models
    repaint white areas."""
    said = str(one.get("description") or "")
    return bool(_BLACK.search(said)) and not _KEPT.search(said)

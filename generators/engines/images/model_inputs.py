"""Inputs of hosted models, read from their schema. Values for which a model has no input are left
out.

Models name their inputs freely; the names here are common among image models. A schema of Replicate
is OpenAPI, at `openapi_schema` of a version:
https://replicate.com/docs/reference/http#models.versions.get
"""

from collections.abc import Mapping
from typing import Any

from generators.contract.engines import EngineMissing, ImageJob

MAX_SEED = 2**31 - 1
STEP = 8

ModelInputs = Mapping[str, Any]
"""The JSON schemas of inputs, by name."""


def parse_model_inputs(schema: Any, *, model: str) -> ModelInputs:
    """Return the inputs of a schema with their choices. Raises EngineMissing if the schema is not
    that of a text-to-image model."""
    try:
        parts = schema["components"]["schemas"]
        found = {
            name: _resolve_schema(one, parts) for name, one in parts["Input"]["properties"].items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise EngineMissing("engine.model_unfit", engine="replicate", model=model) from error
    if "prompt" not in found:
        raise EngineMissing("engine.model_unfit", engine="replicate", model=model)
    return found


def input_values(
    job: ImageJob, offered: ModelInputs, *, engine: str, model: str
) -> dict[str, str | int | float]:
    """Return the values of a job under the model's input names and within its limits, with the
    closest size that the model offers.

    Raises EngineMissing for a negative prompt that the model does not support.
    """
    if job.negative and "negative_prompt" not in offered:
        raise EngineMissing("engine.cannot_negative", engine=engine, model=model)
    wanted: dict[str, str | int | float] = {
        "prompt": job.prompt,
        "negative_prompt": job.negative,
        "seed": job.seed % (int(_input_limit(offered, "seed", "maximum", MAX_SEED)) + 1),
        "num_inference_steps": job.steps,
        "steps": job.steps,
        "guidance_scale": job.guidance,
        "guidance": job.guidance,
        "num_outputs": 1,
        "output_format": "png",
        **_fit_size(job, offered),
    }
    return {
        name: clamp_to_input(value, offered[name])
        for name, value in wanted.items()
        if _is_accepted_value(offered, name, value)
    }


def _resolve_schema(one: Any, parts: Any) -> dict[str, Any]:
    """Return an input's schema with its choices, which are stored separately: `{"allOf": [{"$ref":
    "#/components/schemas/<name>"}]}`."""
    whole = dict(one)
    for named in one.get("allOf") or ():
        whole = {**parts[str(named["$ref"]).rpartition("/")[2]], **whole}
    return whole


def _is_accepted_value(offered: ModelInputs, name: str, value: str | float) -> bool:
    choices = offered.get(name, {}).get("enum")
    return name in offered and (not choices or value in choices)


def _fit_size(job: ImageJob, offered: ModelInputs) -> dict[str, str | int]:
    """Return width and height scaled to the model's limits, or the closest of its aspect ratios."""
    shapes = [str(one) for one in offered.get("aspect_ratio", {}).get("enum") or ()]
    if "width" in offered and "height" in offered and (not shapes or "custom" in shapes):
        edges = {"width": job.width, "height": job.height}
        part = min(
            1.0,
            *(_input_limit(offered, name, "maximum", edge) / edge for name, edge in edges.items()),
        )
        return {
            "aspect_ratio": "custom",
            **{name: int(edge * part) // STEP * STEP for name, edge in edges.items()},
        }
    known = {one: ratio for one in shapes if (ratio := _parse_aspect_ratio(one))}
    if not known:
        return {}
    wanted = job.width / job.height
    return {
        "aspect_ratio": min(known, key=lambda one: max(known[one] / wanted, wanted / known[one]))
    }


def _parse_aspect_ratio(shape: str) -> float:
    wide, _, high = shape.partition(":")
    return (
        int(wide) / int(high)
        if wide.isdecimal() and high.isdecimal() and int(wide) and int(high)
        else 0.0
    )


def _input_limit(offered: ModelInputs, name: str, edge: str, otherwise: float) -> float:
    found = offered.get(name, {}).get(edge)
    return float(found) if isinstance(found, int | float) else otherwise


def clamp_to_input(value: str | float, one: Mapping[str, Any]) -> str | int | float:
    """Return a number within the limits of its input; strings are unchanged."""
    if isinstance(value, str):
        return value
    low = one.get("minimum")
    high = one.get("maximum")
    value = max(value, low) if isinstance(low, int | float) else value
    value = min(value, high) if isinstance(high, int | float) else value
    return int(value) if one.get("type") == "integer" else value

"""Unsigned claims about the origin of a file: the IPTC source type, and metadata of generators.

The claims are unverified. A file can therefore count as the work of a machine because of them, but
never as a photograph. No XML is parsed.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

MADE_BY_MODELS = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia")
"""IPTC source types of works made by a trained model. Source:
https://cv.iptc.org/newscodes/digitalsourcetype/"""

MAX_PROMPT_LENGTH = 2000
MAX_MODEL_LENGTH = 200
_PROPERTY = b"DigitalSourceType"
_NEAR = 160
_MOST = 64
_TYPES = re.compile(
    rb"(?<![A-Za-z])(compositeWithTrainedAlgorithmicMedia|trainedAlgorithmicMedia)(?![A-Za-z])"
)
_STEPS = re.compile(r"(?:^|\n)Steps: [0-9]{1,6}\b")
_SEED = re.compile(r"\bSeed: ([0-9]{1,19})\b")
_MODEL = re.compile(r"\bModel: ([^,\n]{1,200})")
_NEGATIVE = "\nNegative prompt:"
_PROMPT_KEYS = ("positive_prompt", "prompt", "positiveprompt", "c")
_MODEL_KEYS = ("model", "model_name", "base_model", "use_stable_diffusion_model")
_SIGNS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class LeftMetadata:
    """A generator's metadata. Fields that cannot be read are empty."""

    prompt: str = ""
    model: str = ""
    seed: int | None = None


def declared_source_type(*parts: bytes) -> str:
    """Return the source type of a trained model declared in XMP in any of these bytes, or "".

    XMP is stored as plain text in JPEG, PNG, WebP, HEIC, AVIF and MP4, so the bytes are searched
    directly.
    """
    for data in parts:
        for place in _find_property_offsets(data):
            found = _TYPES.search(data[place : place + len(_PROPERTY) + _NEAR].replace(b"\0", b""))
            if found:
                return found[1].decode()
    return ""


def _find_property_offsets(data: bytes) -> Iterator[int]:
    place = data.find(_PROPERTY)
    for _ in range(_MOST):
        if place < 0:
            return
        yield place
        place = data.find(_PROPERTY, place + 1)


def a1111_parameters(comment: str) -> str:
    """Return the comment if it contains parameters in the format of A1111 and similar programs,
    else ""."""
    return comment if _STEPS.search(comment) and _SEED.search(comment) else ""


def clean_text(text: str) -> str:
    """Return a text without characters that cannot be stored or displayed."""
    return _SIGNS.sub("", text)


def left_metadata(lineage: Mapping[str, str]) -> LeftMetadata:
    """Return the prompt, model and seed from metadata of A1111 (`parameters`), ComfyUI (`prompt`, a
    graph) or another program (`settings`, JSON). Never raises an error."""
    written = lineage.get("parameters", "")
    told = lineage.get("settings", "") or written
    settings = _of_settings(told) if told.lstrip()[:1] == "{" else None
    model = clean_name(lineage.get("software", ""))
    if settings is not None:
        return settings if settings.model else replace(settings, model=model)
    if written:
        return _of_parameters(written)
    asked = lineage.get("prompt", "")
    return _of_graph(asked) or LeftMetadata(
        _normalize_prompt("" if asked.lstrip()[:1] in ("{", "[") else asked), model
    )


def _of_parameters(text: str) -> LeftMetadata:
    found = _STEPS.search(text)
    said, rest = (text[: found.start()], text[found.start() :]) if found else (text, "")
    seed = _SEED.search(rest)
    model = _MODEL.search(rest)
    return LeftMetadata(
        _normalize_prompt(said.partition(_NEGATIVE)[0]),
        clean_name(model[1]) if model else "",
        _parse_seed(seed[1] if seed else None),
    )


def _of_settings(text: str) -> LeftMetadata | None:
    """Parse the JSON settings of InvokeAI, NovelAI, SwarmUI and others. Return None for anything
    else."""
    try:
        told, _ = json.JSONDecoder().raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    inner = told.get("sui_image_params")
    settings: dict[str, Any] = inner if isinstance(inner, dict) else told
    named = {key.lower(): one for key, one in settings.items()}
    model = next((named[key] for key in _MODEL_KEYS if key in named), "")
    if isinstance(model, dict):
        model = model.get("name") or model.get("model_name") or ""
    asked = next((named[key] for key in _PROMPT_KEYS if _is_text(named.get(key))), "")
    return LeftMetadata(
        _normalize_prompt(asked),
        clean_name(model) if _is_text(model) else "",
        _parse_seed(named.get("seed")),
    )


def _of_graph(text: str) -> LeftMetadata | None:
    """Parse a ComfyUI graph by its first sampler with a readable prompt. Return None if it is not a
    graph."""
    try:
        graph = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(graph, dict):
        return None
    nodes = {
        key: one["inputs"]
        for key, one in graph.items()
        if isinstance(one, dict) and _is_map(one.get("inputs"))
    }
    model = next(
        (
            one[key]
            for one in nodes.values()
            for key in ("ckpt_name", "unet_name")
            if _is_text(one.get(key))
        ),
        "",
    )
    for inputs in nodes.values():
        seed = _parse_seed(inputs.get("seed", inputs.get("noise_seed")))
        if seed is not None and "positive" in inputs:
            return LeftMetadata(
                _normalize_prompt(_resolve_node_text(nodes, inputs["positive"])),
                clean_name(model),
                seed,
            )
    seeds = (_parse_seed(one.get("seed", one.get("noise_seed"))) for one in nodes.values())
    return LeftMetadata(
        model=clean_name(model), seed=next((seed for seed in seeds if seed is not None), None)
    )


def _resolve_node_text(nodes: Mapping[str, Mapping[str, Any]], link: object, deep: int = 8) -> str:
    """Return the text at the end of a link. At most `deep` nodes are followed, because a graph may
    have cycles."""
    if isinstance(link, str):
        return link
    if not (
        isinstance(link, list) and link and isinstance(link[0], str) and link[0] in nodes and deep
    ):
        return ""
    inputs = nodes[link[0]]
    for key in ("text", "text_g", "prompt", "value", "conditioning"):
        found = _resolve_node_text(nodes, inputs.get(key), deep - 1)
        if found:
            return found
    return ""


def _parse_seed(said: object) -> int | None:
    """Return a seed that fits its column, or None. Some programs write the seed as text, or write a
    different value."""
    if isinstance(said, str):
        said = int(said) if re.fullmatch(r"[0-9]{1,19}", said) else None
    return (
        said
        if isinstance(said, int) and not isinstance(said, bool) and 0 <= said <= _LARGEST
        else None
    )


def _is_map(one: object) -> bool:
    return isinstance(one, dict)


def _is_text(one: object) -> bool:
    return isinstance(one, str)


def _normalize_prompt(text: str) -> str:
    return " ".join(clean_text(text).split())[:MAX_PROMPT_LENGTH]


def clean_name(text: str) -> str:
    """Return the name of a model or program on one line, shortened for its column."""
    return " ".join(clean_text(text).split())[:MAX_MODEL_LENGTH]

"""Unsigned claims about the origin of a file: the IPTC source type, and metadata of generators.

The claims are unverified. A file can therefore count as the work of a machine because of them, but
never as a photograph. No XML is parsed.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
_PROMPT_KEYS = ("positive_prompt", "prompt", "positiveprompt", "full_prompt", "c")
_MODEL_KEYS = (
    *("model", "model_name", "base_model", "use_stable_diffusion_model", "sd_model_name"),
    *("model_filename", "model_type", "checkpoint", "model_id"),
)
_MODEL_TAGS = ("model_name", "base_model", "checkpoint")
_GRAPH_MODELS = ("ckpt_name", "unet_name", "model_name")
_SEED_KEYS = ("seed", "noise_seed")
_JOB_SEED = re.compile(r"--seed ([0-9]{1,19})\b")
MAX_STATEMENT = 100_000
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


def source_type_in(text: str) -> str:
    """Return the source type of a trained model that a text contains, or ""."""
    found = _TYPES.search(text[:MAX_STATEMENT].encode(errors="replace"))
    return found[1].decode() if found else ""


def left_metadata(texts: Mapping[str, str], tags: Mapping[str, str] | None = None) -> LeftMetadata:
    """Return the prompt, model and seed from metadata of A1111 (`parameters`), ComfyUI (`prompt` or
    `workflow`), or another program (`settings`, JSON). Never raises an error.

    What one of them lacks is taken from the next, and at last from the file's other `tags`.
    """
    plain = texts.get("prompt", "")
    plain = "" if plain.lstrip()[:1] in ("{", "[") else plain
    tags = tags or {}
    description = tags.get("description", "")
    parts = [
        _of_settings(texts.get("settings", "")),
        _of_settings(texts.get("parameters", "")) or _of_parameters(texts.get("parameters", "")),
        _of_graph(texts.get("prompt", "")),
        _of_graph(texts.get("workflow", "")),
        LeftMetadata(_normalize_prompt(plain), seed=_parse_job_seed(plain)),
        LeftMetadata(
            model=clean_name(next((tags[key] for key in _MODEL_TAGS if key in tags), "")),
            seed=_parse_seed(tags.get("seed", "").strip()),
        ),
        LeftMetadata(model=clean_name(texts.get("software", ""))),
        # Programs that write only their name leave the prompt in the description.
        LeftMetadata(_normalize_prompt(description) if texts and "{" not in description else ""),
    ]
    known = [part for part in parts if part is not None]
    return LeftMetadata(
        next((part.prompt for part in known if part.prompt), ""),
        next((part.model for part in known if part.model), ""),
        next((part.seed for part in known if part.seed is not None), None),
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


def _parse_job_seed(prompt: str) -> int | None:
    """Return the seed in a prompt of Midjourney, which contains its options."""
    found = _JOB_SEED.search(prompt)
    return _parse_seed(found[1]) if found else None


def _of_settings(text: str) -> LeftMetadata | None:
    """Parse the JSON settings of InvokeAI, NovelAI, SwarmUI, Fooocus and others. Return None for
    anything else."""
    settings = _parse_object(text)
    if settings is None:
        return None
    inner = settings.get("sui_image_params")
    settings = inner if isinstance(inner, dict) else settings
    named = {key.lower().replace(" ", "_"): one for key, one in settings.items()}
    model = next((named[key] for key in _MODEL_KEYS if named.get(key)), "")
    if isinstance(model, dict):
        model = model.get("name") or model.get("model_name") or ""
    asked = next((named[key] for key in _PROMPT_KEYS if _is_text(named.get(key))), "")
    seeds = (_parse_seed(named.get(key)) for key in _SEED_KEYS)
    return LeftMetadata(
        _normalize_prompt(asked),
        clean_name(model) if _is_text(model) else "",
        next((seed for seed in seeds if seed is not None), None),
    )


def _parse_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object at the start of a text, or None."""
    try:
        value, _ = json.JSONDecoder().raw_decode(text[text.index("{") :])
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and text.lstrip()[:1] != "[" else None


def _of_graph(text: str) -> LeftMetadata | None:
    """Parse a ComfyUI graph or workflow by its first sampler with a readable prompt. Return None if
    it is neither."""
    graph = _parse_object(text)
    if graph is None:
        return None
    nodes = _nodes_of_workflow(graph) or {
        key: one["inputs"]
        for key, one in graph.items()
        if isinstance(one, dict) and _is_map(one.get("inputs"))
    }
    if not nodes:
        return None
    model = next(
        (one[key] for one in nodes.values() for key in _GRAPH_MODELS if _is_text(one.get(key))), ""
    )
    prompts = (
        _resolve_node_text(nodes, one[key])
        for key in ("positive", "conditioning", "text", "prompt")
        for one in nodes.values()
        if key in one
    )
    seeds = (
        _resolve_node_seed(nodes, one.get(key)) for key in _SEED_KEYS for one in nodes.values()
    )
    return LeftMetadata(
        _normalize_prompt(next(filter(None, prompts), "")),
        clean_name(model),
        next((seed for seed in seeds if seed is not None), None),
    )


def _nodes_of_workflow(workflow: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the inputs of the nodes of a workflow of ComfyUI's editor, whose links are numbered
    and whose values are in the order of their fields."""
    listed = workflow.get("nodes")
    if not isinstance(listed, list):
        return {}
    links = workflow.get("links")
    sources = {
        link[0]: [str(link[1]), link[2]]
        for link in (links if isinstance(links, list) else ())
        if isinstance(link, list) and len(link) > 2 and isinstance(link[0], int)
    }
    nodes = dict[str, dict[str, Any]]()
    for node in listed:
        if not isinstance(node, dict):
            continue
        values = node.get("widgets_values")
        inputs = _name_widget_values(str(node.get("type", "")), values)
        for one in node.get("inputs") or ():
            if isinstance(one, dict) and one.get("link") in sources:
                inputs[str(one.get("name"))] = sources[one["link"]]
        nodes[str(node.get("id"))] = inputs
    return nodes


def _name_widget_values(kind: str, values: object) -> dict[str, Any]:
    """Return a node's values by their names: its text, its seed, or its model."""
    if isinstance(values, dict):
        return dict(values)
    if not isinstance(values, list):
        return {}
    texts = [one for one in values if isinstance(one, str)]
    numbers = [one for one in values if isinstance(one, int) and not isinstance(one, bool)]
    if "sampler" in kind.lower() or "noise" in kind.lower() or "seed" in kind.lower():
        return {"seed": numbers[0]} if numbers else {}
    if "loader" in kind.lower():
        return {"ckpt_name": texts[0]} if texts else {}
    if "text" in kind.lower() or "string" in kind.lower() or "prompt" in kind.lower():
        return {"text": texts[0]} if texts else {}
    return {}


def _resolve_node_seed(
    nodes: Mapping[str, Mapping[str, Any]], link: object, deep: int = 4
) -> int | None:
    """Return the number at the end of a link, which is followed over at most `deep` nodes."""
    if not isinstance(link, list):
        return _parse_seed(link)
    if not (link and isinstance(link[0], str) and link[0] in nodes and deep):
        return None
    found = (
        _resolve_node_seed(nodes, nodes[link[0]].get(key), deep - 1)
        for key in (*_SEED_KEYS, "value", "int")
    )
    return next((seed for seed in found if seed is not None), None)


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

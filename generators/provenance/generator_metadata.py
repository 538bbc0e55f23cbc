"""Metadata that image generators write into files.

Programs write to different fields and in different formats: PNG text chunks, EXIF tags, JPEG
comments, XMP. All fields are read, and their content is recognized by its format. It is unverified:
a file can count as generated because of it, but never as a photograph. Sources:
https://github.com/AUTOMATIC1111/stable-diffusion-webui (modules/images.py),
https://github.com/comfyanonymous/ComfyUI (comfy_extras/nodes_images.py),
https://invoke-ai.github.io/InvokeAI (image metadata),
https://github.com/NovelAI/novelai-image-metadata
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from PIL import ExifTags, Image

from generators.provenance import embedded_claims

MAX_LENGTH = 20_000
"""Maximum number of characters stored of a text."""

_OWN_KEYS = frozenset(
    {"parameters", "prompt", "workflow", "dream", "sd-metadata", "generation_data"}
    | {"invokeai_metadata", "invokeai_graph", "invokeai_workflow", "fooocus_scheme"}
    | {"use_stable_diffusion_model", "swarm", "sui_image_params"}
)
"""Names of PNG chunks that only generators use, in lower case."""

_DESCRIPTION = "description"
_MADE_BY_JOB = "Job ID:"
"""Text by which Midjourney's `_DESCRIPTION`, which contains the prompt, is distinguished from other
descriptions."""

_TEXT_TAGS = (
    ExifTags.Base.UserComment,
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.Artist,
    ExifTags.Base.XPTitle,
    ExifTags.Base.XPComment,
    ExifTags.Base.XPSubject,
    ExifTags.Base.XPKeywords,
)
_PROGRAM_TAGS = (
    ExifTags.Base.Software,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Artist,
)
_PROGRAM_KEYS = frozenset({"software", "source", "title", "generator", "creator", "author", "tool"})
_XMP_PROGRAM = re.compile(
    rb"(?:CreatorTool|photoshop:Credit|AISystemUsed)\s{0,9}[=>]\s{0,9}[\"']?\s{0,9}([^<\"']{1,120})"
)
_PROGRAMS = re.compile(
    r"\b(?:NovelAI|InvokeAI|Invoke AI|ComfyUI|Stable[ -]?Diffusion|SDXL|Midjourney|DALL[·.E-]{0,2}E"
    r"|Fooocus|SwarmUI|StableSwarmUI|Draw Things|DiffusionBee|Mochi Diffusion|Easy Diffusion"
    r"|AUTOMATIC1111|SD\.Next|Adobe Firefly|Made with Google AI|Leonardo\.?AI|Ideogram"
    r"|Bing Image Creator|ChatGPT|GPT-4o|DreamStudio|NightCafe|Tensor\.Art|Civitai|FLUX\.\d)\b",
    re.IGNORECASE,
)
_AI_SYSTEM = b"AISystemUsed"
"""IPTC's field for the system that generated a picture (photo metadata standard 2025.1)."""

_LABEL = re.compile(r"\s*(?P<name>prompt|workflow|parameters|comment)\s*[:=]\s*", re.IGNORECASE)
"""Prefix that ComfyUI writes before its JSON in a generic tag."""

_GRAPH_KEY = re.compile(rb'"class_type\\{0,3}"\s{0,2}:')
_SETTINGS = frozenset(
    {"seed", "steps", "sampler", "sampler_name", "scheduler", "cfg_scale", "cfgscale", "scale"}
    | {"guidance_scale", "guidancescale", "num_inference_steps", "strength", "negative_prompt"}
    | {"negativeprompt", "uc", "model", "model_name", "generation_mode", "width", "height", "loras"}
)
_CHARSETS = (b"UNICODE\0", b"ASCII\0\0\0", b"JIS\0\0\0\0\0", b"\0" * 8)
_SIGNATURES = (b"stealth_pnginfo", b"stealth_pngcomp", b"stealth_rgbinfo", b"stealth_rgbcomp")
_SIGNATURE_BITS = 8 * len(_SIGNATURES[0])


def read_generator_metadata(
    image: Image.Image, exif: Mapping[int, object], user_comment: object, xmp: bytes
) -> dict[str, str]:
    """Return a generator's metadata, or an empty dictionary: A1111's `parameters`, a ComfyUI
    `prompt` or `workflow`, `settings` as JSON, and the name of the `software`."""
    found = dict[str, str]()
    for kind, text in _iterate_texts(image.info, exif, user_comment, xmp):
        found.setdefault(kind, embedded_claims.clean_text(text[:MAX_LENGTH]))
    if not found and _has_hidden_signature(image):
        found["software"] = "stealth metadata"
    return found


def _iterate_texts(
    info: Mapping[Any, object], exif: Mapping[int, object], user_comment: object, xmp: bytes
) -> Iterator[tuple[str, str]]:
    texts = {str(key).lower(): one for key, one in info.items() if isinstance(one, str)}
    for key, text in texts.items():
        if key in _OWN_KEYS:
            plain = key in ("parameters", "prompt", "workflow")
            yield (key if plain else "settings"), text
        elif key == _DESCRIPTION and _MADE_BY_JOB in text:
            yield "prompt", text
        else:
            yield from recognize_text(text)
    places = [info.get("comment"), user_comment, *(exif.get(tag) for tag in _TEXT_TAGS)]
    for place in places:
        for text in decode_exif_text(place):
            yield from recognize_text(text)
    named = [text for key, text in texts.items() if key in _PROGRAM_KEYS]
    named += [text for tag in _PROGRAM_TAGS for text in decode_exif_text(exif.get(tag))]
    named += [one.decode(errors="replace") for one in _XMP_PROGRAM.findall(xmp[:1_000_000])]
    for name in sorted(named, key=len, reverse=True):
        if _PROGRAMS.search(name):
            yield "software", name[: embedded_claims.MAX_MODEL_LENGTH]
    if _AI_SYSTEM in xmp:
        yield "software", "AISystemUsed"


def find_workflow(data: bytes) -> bool:
    """Return True if a video contains a ComfyUI graph, stored as plain text in its boxes."""
    return _GRAPH_KEY.search(data) is not None


def decode_exif_text(value: object) -> list[str]:
    """Return the possible texts of a tag, one for each encoding that programs use.

    EXIF names the character set in the first eight bytes. "UNICODE" should have the byte order of
    the file, but many programs get this wrong, so the caller uses the text that is readable.
    Source: https://www.cipa.jp/std/documents/download_e.html?DC-008-Translation-2023-E
    """
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple) and all(isinstance(one, int) and 0 <= one < 256 for one in value):
        value = bytes(value)
    if not isinstance(value, bytes):
        return []
    body = value[: MAX_LENGTH * 4]
    body = body[8:] if body[:8] in _CHARSETS else body
    return [body.decode(code, errors="replace") for code in ("utf-8", "utf-16-be", "utf-16-le")]


def recognize_text(text: str) -> Iterable[tuple[str, str]]:
    """Return a text as (type, text) pairs if it is a generator's metadata, or nothing for other
    text."""
    label = _LABEL.match(text)
    body = text[label.end() :] if label is not None else text
    if body.lstrip()[:1] == "{":
        return _recognize_json(body, label["name"].lower() if label is not None else "")
    said = embedded_claims.a1111_parameters(text)
    return [("parameters", said)] if said else []


def _recognize_json(text: str, label: str) -> Iterable[tuple[str, str]]:
    try:
        value, _ = json.JSONDecoder().raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return []
    if any(isinstance(one, dict) and "class_type" in one for one in value.values()):
        return [("prompt", text)]
    if isinstance(value.get("nodes"), list) or label in ("prompt", "workflow"):
        return [(label or "workflow", text)]
    names = {key.lower() for key in value}
    asked = any("prompt" in key for key in names) or "sui_image_params" in names
    if len(names & _SETTINGS) + 2 * asked >= 3 or "sui_image_params" in names:
        return [("settings", text)]
    inner = [one for one in value.values() if isinstance(one, str) and one.lstrip()[:1] == "{"]
    return [found for one in inner[:8] for found in _recognize_json(one, "")]


def _has_hidden_signature(image: Image.Image) -> bool:
    """Return True if the lowest bits of the first pixels, column by column, contain a signature of
    hidden metadata, as written by NovelAI and others."""
    wide = min(image.width, -(-_SIGNATURE_BITS // image.height))
    corner = image.crop((0, 0, wide, image.height))
    pictures = [corner.getchannel("A")] if "A" in image.getbands() else []
    if image.mode in ("RGB", "RGBA"):
        pictures.append(corner.convert("RGB"))
    for picture in pictures:
        bits = np.asarray(picture).swapaxes(0, 1).reshape(-1)[:_SIGNATURE_BITS] & 1
        if np.packbits(bits).tobytes() in _SIGNATURES:
            return True
    return False

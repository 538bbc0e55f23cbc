"""Metadata that generators write into files: the one reader for every container.

Programs write to different places and in different formats: text chunks, comments, EXIF, XMP, IPTC,
and tags of videos. All texts of a file are collected (generators/containers/embedded_metadata.py)
and recognized by their content. Metadata is unverified: a file can count as generated because of
it, but never as a photograph. Sources:
https://github.com/AUTOMATIC1111/stable-diffusion-webui (modules/images.py),
https://github.com/comfyanonymous/ComfyUI (comfy_extras/nodes_images.py),
https://github.com/lllyasviel/Fooocus (modules/meta_parser.py),
https://invoke-ai.github.io/InvokeAI (image metadata),
https://github.com/NovelAI/novelai-image-metadata,
https://iptc.org/std/photometadata/specification (2025.1)
"""

import html
import json
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import ExifTags, Image

from generators.containers.embedded_metadata import MetadataEntry, iter_metadata
from generators.provenance import embedded_claims, makers
from generators.provenance.embedded_claims import LeftMetadata

MAX_LENGTH = 20_000
"""Maximum number of characters stored of a text. It is read whole."""

_IPTC_KEYS = frozenset(
    {"aipromptinformation", "aisystemused", "aisystemversionused", "aipromptwritername"}
)
"""Properties of IPTC's photo metadata standard 2025.1."""

_OWN_KEYS = _IPTC_KEYS | frozenset(
    {"parameters", "prompt", "workflow", "dream", "sd-metadata", "generation_data"}
    | {"invokeai_metadata", "invokeai_graph", "invokeai_workflow", "fooocus_scheme"}
    | {"use_stable_diffusion_model", "swarm", "sui_image_params", "negative_prompt"}
    | {"negativeprompt", "positive_prompt", "generation_parameters", "comfyui"}
)
"""Names of texts and properties that only generators use, in lower case."""

_PLAIN_KEYS = ("parameters", "prompt", "workflow")
_PROMPT_KEYS = {"positive_prompt": "prompt", "aipromptinformation": "prompt"}
_SYSTEM_KEYS = ("aisystemused", "aisystemversionused")
_PROGRAM_KEYS = frozenset(
    {"software", "make", "model", "creatortool", "generator", "tool", "hostcomputer", "program"}
    | {
        "processingsoftware",
        "application",
        "engine",
        "source",
        "aisystemused",
        "originatingprogram",
    }
    | {
        "encoder",
        "encoded_by",
        "writing_app",
        "softwareagent",
        "©too",
        "©swr",
        "©mak",
        "©mod",
        "manu",
        "modl",
    }
    | {"©enc"}
)
_PERSON_KEYS = frozenset(
    {"artist", "author", "creator", "title", "credit", "publisher", "producer", "©art", "©nam"}
    | {"©aut", "©prd", "artist", "byline", "auth", "titl", "xpauthor", "copyright", "rights"}
)
_PROGRAM_SUFFIXES = (".software", ".make", ".model")
"""Ends of the names of Apple's and Android's tags."""

_MAKER_KEYS = frozenset(
    {"software", "make", "model", "creatortool", "generator", "tool", "processingsoftware"}
    | {"application", "program", "engine", "originatingprogram", "©swr", "©mak", "©mod"}
)
"""Fields that name the program or device that made a file. One that is unknown is asked about."""

_MADE_BY_JOB = "Job ID:"
"""Text by which Midjourney's description, which contains the prompt, is distinguished from other
descriptions."""

_LABEL = re.compile(r"\s*(?P<name>prompt|workflow|parameters|comment)\s*[:=]\s*", re.IGNORECASE)
"""Prefix that ComfyUI writes before its JSON in a generic tag."""

_SETTINGS = frozenset(
    {"seed", "steps", "sampler", "sampler_name", "scheduler", "cfg_scale", "cfgscale", "scale"}
    | {"guidance_scale", "guidancescale", "num_inference_steps", "strength", "negative_prompt"}
    | {"negativeprompt", "uc", "model", "model_name", "generation_mode", "width", "height", "loras"}
    | {"model_type", "base_model", "resolution", "guidance", "cfg", "video_length", "num_frames"}
)
_EXIF_TAGS = {
    ExifTags.Base.ImageDescription: "description",
    ExifTags.Base.Make: "make",
    ExifTags.Base.Model: "model",
    ExifTags.Base.Software: "software",
    ExifTags.Base.ProcessingSoftware: "processingsoftware",
    ExifTags.Base.Artist: "artist",
    ExifTags.Base.Copyright: "copyright",
    ExifTags.Base.HostComputer: "hostcomputer",
    ExifTags.Base.DocumentName: "title",
    ExifTags.Base.XPTitle: "title",
    ExifTags.Base.XPComment: "comment",
    ExifTags.Base.XPAuthor: "author",
    ExifTags.Base.XPSubject: "subject",
    ExifTags.Base.XPKeywords: "keywords",
    ExifTags.Base.UserComment: "comment",
    ExifTags.Base.MakerNote: "makernote",
}
_CAPTURE_TAGS = (
    ExifTags.Base.ExposureTime,
    ExifTags.Base.FNumber,
    ExifTags.Base.ISOSpeedRatings,
    ExifTags.Base.FocalLength,
)
"""Facts of an exposure, which only cameras write."""

_IPTC_FIELDS = {5: "title", 40: "comment", 65: "originatingprogram", 80: "byline", 110: "credit"}
_IPTC_FIELDS |= {25: "keywords", 105: "title", 115: "source", 116: "copyright", 120: "description"}
_IPTC_RECORD = re.compile(rb"\x1c\x02(.)(..)", re.DOTALL)
_XMP_TAG = re.compile(
    r"<(?P<close>/?)(?:[\w.-]{1,60}:)?(?P<name>[\w.-]{1,80})"
    r"(?P<more>(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*)>(?P<text>[^<]*)"
)
_XMP_ATTRIBUTE = re.compile(
    r"(?:[\w.-]{1,60}:)?([\w.-]{1,80})\s{0,9}=\s{0,9}(\"[^\"<]*\"|'[^'<]*')"
)
_RDF = frozenset({"RDF", "Description", "Alt", "Seq", "Bag", "li", "xmpmeta"})
_MAX_XMP = 2_000_000
_MAX_DEPTH = 5
_MAX_STATEMENT = 5_000
_MAX_NAME = 300
_CHARSETS = (b"UNICODE\0", b"ASCII\0\0\0", b"JIS\0\0\0\0\0", b"\0" * 8)
_SIGNATURES = (b"stealth_pnginfo", b"stealth_pngcomp", b"stealth_rgbinfo", b"stealth_rgbcomp")
_SIGNATURE_BITS = 8 * len(_SIGNATURES[0])
_GARBLED = (
    *(OSError, SyntaxError, ValueError, EOFError, RuntimeError, ArithmeticError, AttributeError),
    *(LookupError, TypeError, struct.error),
)
"""Exceptions that Pillow raises for damaged EXIF."""


@dataclass(frozen=True)
class GeneratorMetadata:
    """Statements of a file about its generator.

    `texts` are its metadata, each shortened: A1111's `parameters`, a ComfyUI `prompt` or
    `workflow`, `settings` as JSON, and the name of the `software`. `left` is what they contain.
    `source_type` is the IPTC source type of a trained model. `unknown_program` is the name of a
    program that is neither a generator nor a camera or editor that we know.
    """

    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    left: LeftMetadata = field(default_factory=LeftMetadata)
    source_type: str = ""
    unknown_program: str = ""

    @property
    def states_generator(self) -> bool:
        """True if the file states that a generator made it."""
        return bool(self.texts or self.source_type)


def read_generator_metadata(data: bytes) -> GeneratorMetadata:
    """Return what the metadata of a picture, video or sound states about its generator."""
    blocks = list(iter_metadata(data))
    texts = [pair for block in blocks for pair in _decode_block(block)]
    found = dict[str, str]()
    for kind, text in _recognize_texts(texts):
        found.setdefault(kind, embedded_claims.clean_text(text))
    flat = dict(reversed(texts))
    source_type = embedded_claims.declared_source_type(data) or next(
        filter(None, (embedded_claims.source_type_in(text) for _, text in texts)), ""
    )
    unknown = ""
    if not found and not source_type and not any(map(_has_capture_data, blocks)):
        unknown = _unknown_program(texts)
    return GeneratorMetadata(
        {kind: text[:MAX_LENGTH] for kind, text in found.items()},
        embedded_claims.left_metadata(found, flat),
        source_type,
        unknown,
    )


def _recognize_texts(texts: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the texts of generators with their kinds, the best ones first, and then the names of
    programs."""
    names = list[tuple[str, str]]()
    for key, text in texts:
        if key in _OWN_KEYS:
            yield from _recognize_own(key, text)
        elif key == "description" and _MADE_BY_JOB in text:
            yield "prompt", text
        elif key != "makernote":
            yield from recognize_text(text)
        names_program = key in _PROGRAM_KEYS or key.endswith(_PROGRAM_SUFFIXES)
        if (names_program or key in _PERSON_KEYS) and makers.is_generator(
            text[:_MAX_NAME], may_be_person=not names_program
        ):
            names.append((key, text))
        elif makers.states_generation(text[:_MAX_STATEMENT]):
            names.append(("", text if names_program else "AI generated"))
    # The name of a model says most, and a mere statement least.
    names.sort(key=lambda pair: (pair[0] == "model", bool(pair[0]), len(pair[1])), reverse=True)
    for _, name in names:
        yield "software", name[: embedded_claims.MAX_MODEL_LENGTH]


def _recognize_own(key: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield a text whose key only generators use."""
    recognized = list(recognize_text(text))
    if key in _PLAIN_KEYS:
        yield key, text
    elif key in _PROMPT_KEYS:
        yield _PROMPT_KEYS[key], text
    elif not recognized:
        yield "software", text if key in _SYSTEM_KEYS and text.strip() else key
    yield from recognized


def _unknown_program(texts: Iterable[tuple[str, str]]) -> str:
    """Return the name of a program or device that is not known, or ""."""
    stated = [
        text.strip()[:_MAX_NAME]
        for key, text in texts
        if key in _MAKER_KEYS or key.endswith(_PROGRAM_SUFFIXES)
    ]
    if any(makers.is_known_program(name) and any(map(str.isalpha, name)) for name in stated):
        # Beside the name of a camera, other fields contain models and builds of its maker.
        return ""
    unknown = [name for name in stated if name and not makers.is_known_program(name)]
    return embedded_claims.clean_name(max(unknown, key=len, default=""))


def _decode_block(entry: MetadataEntry) -> Iterator[tuple[str, str]]:
    """Yield the texts of an entry with their keys in lower case."""
    readers: dict[str, Callable[[bytes], Iterator[tuple[str, str]]]] = {
        "exif": _read_exif,
        "xmp": _read_xmp,
        "iptc": _read_iptc,
    }
    if entry.block in readers:
        for key, text in readers[entry.block](entry.value):
            # Adobe's history of a file also has "parameters".
            yield (f"{entry.block} {key}" if key in _OWN_KEYS - _IPTC_KEYS else key), text
    else:
        for text in decode_text(entry.value):
            yield entry.key.rpartition(":")[2], text


def decode_text(value: bytes) -> list[str]:
    """Return the possible texts of bytes whose encoding is unknown: UTF-8 or UTF-16."""
    if value[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return [value.decode("utf-16", "replace")]
    texts = [value.strip(b"\0").decode("utf-8", "replace")]
    if value.count(0) * 4 >= len(value) > 1:
        texts += [value.decode(code, "replace") for code in ("utf-16-be", "utf-16-le")]
    return texts


def _read_exif(block: bytes) -> Iterator[tuple[str, str]]:
    exif = _load_exif(block)
    for tag, key in _EXIF_TAGS.items():
        for text in decode_exif_text(exif.get(tag)):
            yield key, text.strip("\0 ")


def _load_exif(block: bytes) -> dict[int, object]:
    """Return the tags of a TIFF block; those that cannot be read are missing."""
    exif = Image.Exif()
    tags = dict[int, object]()
    try:
        exif.load(block)
        tags.update(exif)
        tags.update(exif.get_ifd(ExifTags.IFD.Exif))
    except _GARBLED:
        pass
    return tags


def _has_capture_data(entry: MetadataEntry) -> bool:
    """Return True if EXIF contains at least two facts of an exposure."""
    if entry.block != "exif":
        return False
    tags = _load_exif(entry.value)
    return sum(tag in tags for tag in _CAPTURE_TAGS) > 1


def decode_exif_text(value: object) -> list[str]:
    """Return the possible texts of a tag, one for each encoding that programs use.

    EXIF names the character set in the first eight bytes. "UNICODE" should have the byte order of
    the file, but many programs get this wrong, so the caller uses the text that is readable.
    Source: https://www.cipa.jp/std/documents/download_e.html?DC-008-Translation-2023-E
    """
    if isinstance(value, str):
        # Pillow reads ASCII tags as Latin-1, but programs write UTF-8.
        try:
            return [value.encode("latin-1").decode("utf-8")]
        except UnicodeError:
            return [value]
    if isinstance(value, tuple) and all(isinstance(one, int) and 0 <= one < 256 for one in value):
        value = bytes(value)
    if not isinstance(value, bytes):
        return []
    body = value[8:] if value[:8] in _CHARSETS else value
    return [body.decode(code, errors="replace") for code in ("utf-8", "utf-16-be", "utf-16-le")]


def _read_xmp(packet: bytes) -> Iterator[tuple[str, str]]:
    """Yield the properties of an XMP packet, without parsing XML: those in attributes, and the
    texts of elements, also in lists."""
    text = packet[:_MAX_XMP].replace(b"\0", b"").decode("utf-8", "replace")
    names = list[str]()
    for tag in _XMP_TAG.finditer(text):
        if tag["close"]:
            if names and names[-1] == tag["name"]:
                names.pop()
            continue
        for name, value in _XMP_ATTRIBUTE.findall(tag["more"]):
            yield name.lower(), html.unescape(value[1:-1])
        if tag["more"].endswith("/"):
            continue
        names.append(tag["name"])
        if tag["text"].strip():
            named = next((name for name in reversed(names) if name not in _RDF), names[-1])
            yield named.lower(), html.unescape(tag["text"])


def _read_iptc(block: bytes) -> Iterator[tuple[str, str]]:
    for found in _IPTC_RECORD.finditer(block):
        (length,) = struct.unpack(">H", found[2])
        key = _IPTC_FIELDS.get(found[1][0])
        if key is not None:
            yield key, block[found.end() : found.end() + length].decode("utf-8", "replace")


def recognize_text(text: str) -> Iterable[tuple[str, str]]:
    """Return a text as (type, text) pairs if it is a generator's metadata, or nothing for other
    text."""
    label = _LABEL.match(text)
    body = text[label.end() :] if label is not None else text
    if body.lstrip()[:1] == "{":
        return list(
            _recognize_json(body, label["name"].lower() if label is not None else "", _MAX_DEPTH)
        )
    said = embedded_claims.a1111_parameters(text)
    return [("parameters", said)] if said else []


def _recognize_json(text: str, label: str, depth: int) -> Iterator[tuple[str, str]]:
    try:
        value, _ = json.JSONDecoder().raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return
    if isinstance(value, dict):
        yield from _recognize_object(value, text, label, depth)


def _recognize_object(
    value: dict[str, Any], text: str, label: str, depth: int
) -> Iterator[tuple[str, str]]:
    """Yield a graph, a workflow or settings, or those within the object."""
    if any(isinstance(inner, dict) and "class_type" in inner for inner in value.values()):
        yield "prompt", text
    elif isinstance(value.get("nodes"), list):
        yield "workflow", text
    elif _has_settings(value):
        yield "settings", text
    elif depth:
        inside = False
        for inner in list(value.values())[:32]:
            whole = inner if isinstance(inner, str) else json.dumps(inner)
            if whole.lstrip()[:1] == "{":
                for found in _recognize_json(whole, "", depth - 1):
                    inside = True
                    yield found
            elif isinstance(inner, str) and embedded_claims.a1111_parameters(inner):
                inside = True
                yield "parameters", inner
        if label in ("prompt", "workflow") and not inside:
            yield label, text


def _has_settings(value: Mapping[str, Any]) -> bool:
    names = {key.lower() for key in value}
    if "sui_image_params" in names:
        return True
    has_prompt = any("prompt" in key for key in names)
    return len(names & _SETTINGS) + 2 * has_prompt >= 3


def has_hidden_signature(image: Image.Image) -> bool:
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

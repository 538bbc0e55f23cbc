"""Files of every container with metadata in every place that programs use, built for each test."""

import io
import json
import struct
import zlib
from collections.abc import Callable, Mapping
from functools import cache

from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from tests.generators.video_builders import add_metadata, build_frames, encode_speech, encode_video

Carrier = Callable[[str], bytes]


def picture(seed: int = 0) -> Image.Image:
    return Image.radial_gradient("L").resize((48, 40)).rotate(seed * 90).convert("RGB")


def encode(kind: str, **more: object) -> bytes:
    out = io.BytesIO()
    picture().save(out, kind, **more)
    return out.getvalue()


def animate(kind: str, **more: object) -> bytes:
    return encode(kind, save_all=True, append_images=[picture(1)], duration=120, **more)


def exif_block(tags: Mapping[int, str | bytes], *, comment: bytes = b"") -> bytes:
    exif = Image.Exif()
    exif.update(tags)
    if comment:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    return exif.tobytes()


def xmp_packet(name: str, text: str, *, element: bool = False) -> bytes:
    """Return XMP with one property, in an attribute or in a list."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    escaped = escaped.replace("\n", "&#10;")
    body = (
        f'<rdf:Description rdf:about="" {name}="{escaped}"/>'
        if not element
        else f'<rdf:Description rdf:about=""><{name}><rdf:Alt><rdf:li xml:lang="x-default">{escaped}'
        f"</rdf:li></rdf:Alt></{name}></rdf:Description>"
    )
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        f'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{body}</rdf:RDF></x:xmpmeta>'
    ).encode()


def png_text(key: str, text: str, **more: object) -> bytes:
    notes = PngInfo()
    notes.add_itxt(key, text, zip=bool(more.get("zip")))
    return animate("PNG", pnginfo=notes) if more.get("moves") else encode("PNG", pnginfo=notes)


def png_raw_profile(text: str) -> bytes:
    """Return a PNG with EXIF in hexadecimal, as ImageMagick writes it."""
    raw = exif_block({ExifTags.Base.ImageDescription: text.encode()})
    body = f"\nexif\n{len(raw):8}\n{raw.hex()}\n".encode()
    chunk = b"zTXtRaw profile type exif\0\0" + zlib.compress(body)
    plain = encode("PNG")
    packed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return plain[:33] + packed + plain[33:]


def gif_xmp(text: str) -> bytes:
    """Return a GIF with XMP in an application extension, with its table of 258 bytes."""
    table = b"\1" + bytes(range(255, -1, -1)) + b"\0"
    block = b"\x21\xff\x0bXMP DataXMP" + xmp_packet("dc:description", text) + table
    plain = encode("GIF")
    at = 13 + (3 << (plain[10] & 7) + 1)
    return plain[:at] + block + plain[at:]


def jpeg_iptc(text: str) -> bytes:
    body = text.encode()
    record = b"\x1c\x02\x78" + struct.pack(">H", len(body)) + body
    block = (
        b"8BIM\x04\x04\0\0" + struct.pack(">I", len(record)) + record + b"\0" * (len(record) % 2)
    )
    segment = b"Photoshop 3.0\0" + block
    plain = encode("JPEG")
    return plain[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + plain[2:]


def jpeg_extended_xmp(text: str) -> bytes:
    """Return a JPEG whose XMP is in two extended segments, the second one first."""
    packet = xmp_packet("exif:UserComment", text)
    half = len(packet) // 2
    head = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + struct.pack(">I", len(packet))
    parts = b"".join(
        b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
        for body in (
            head + struct.pack(">I", half) + packet[half:],
            head + struct.pack(">I", 0) + packet[:half],
        )
    )
    plain = encode("JPEG")
    return plain[:2] + parts + plain[2:]


@cache
def video(suffix: str) -> bytes:
    return encode_video(build_frames(("G", 0.3)), suffix=suffix)


def tagged_video(suffix: str, key: str, text: str, *, keys: bool = False) -> bytes:
    return add_metadata(video(suffix), key, text, suffix=suffix, keys=keys)


def movie_xmp(text: str) -> bytes:
    body = bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + xmp_packet("dc:description", text)
    return video("mp4") + struct.pack(">I4s", 8 + len(body), b"uuid") + body


def movie_user_data(text: str) -> bytes:
    """Return an MP4 with a text of 3GPP in its last box, `udta`."""
    body = b"\0\0\0\0\x15\xc7" + text.encode() + b"\0"
    box = struct.pack(">I4s", 8 + len(body), b"dscp") + body
    return video("mp4") + struct.pack(">I4s", 8 + len(box), b"udta") + box


def _exif_options(text: str, place: str) -> dict[str, bytes]:
    if place == "comment":
        return {"exif": exif_block({}, comment=b"UNICODE\0" + text.encode("utf-16-be"))}
    return {"exif": exif_block({ExifTags.Base.ImageDescription: text.encode()})}


CARRIERS: dict[str, Carrier] = {
    "GIF comment": lambda text: encode("GIF", comment=text.encode()),
    "animated GIF comment": lambda text: animate("GIF", comment=text.encode()),
    "GIF XMP": gif_xmp,
    "PNG text": lambda text: png_text("Comment", text),
    "PNG compressed text": lambda text: png_text("Description", text, zip=True),
    "PNG EXIF": lambda text: encode("PNG", **_exif_options(text, "comment")),
    "PNG raw profile": png_raw_profile,
    "PNG XMP": lambda text: png_text(
        "XML:com.adobe.xmp", xmp_packet("dc:description", text, element=True).decode()
    ),
    "APNG text": lambda text: png_text("Comment", text, moves=True),
    "JPEG comment": lambda text: encode("JPEG", comment=text.encode()),
    "JPEG EXIF comment": lambda text: encode("JPEG", **_exif_options(text, "comment")),
    "JPEG EXIF": lambda text: encode("JPEG", **_exif_options(text, "description")),
    "JPEG XMP": lambda text: encode("JPEG", xmp=xmp_packet("exif:UserComment", text)),
    "JPEG extended XMP": jpeg_extended_xmp,
    "JPEG IPTC": jpeg_iptc,
    "WebP EXIF": lambda text: encode("WEBP", **_exif_options(text, "comment")),
    "WebP XMP": lambda text: encode("WEBP", xmp=xmp_packet("dc:description", text, element=True)),
    "animated WebP EXIF": lambda text: animate("WEBP", **_exif_options(text, "description")),
    "AVIF EXIF": lambda text: encode("AVIF", **_exif_options(text, "comment")),
    "AVIF XMP": lambda text: encode("AVIF", xmp=xmp_packet("dc:description", text)),
    "MP4 comment": lambda text: tagged_video("mp4", "comment", text),
    "MP4 keys": lambda text: tagged_video("mp4", "generation", text, keys=True),
    "MP4 XMP": movie_xmp,
    "MP4 3GPP": movie_user_data,
    "MOV comment": lambda text: tagged_video("mov", "comment", text),
    "MOV keys": lambda text: tagged_video("mov", "com.example.note", text, keys=True),
    "WebM tag": lambda text: tagged_video("webm", "COMMENT", text),
    "WebM title": lambda text: tagged_video("webm", "title", text),
    "OGG comment": lambda text: add_metadata(
        encode_speech("A", suffix="ogg"), "comment", text, suffix="ogg"
    ),
}
"""A file of each container with a text in one place."""

A1111 = (
    "a girl at the sea\nNegative prompt: low\nSteps: 20, Sampler: Euler a, CFG scale: 7, "
    "Seed: 123456, Size: 64x64, Model: x"
)
_NODES = [
    {"id": 1, "type": "CheckpointLoaderSimple", "widgets_values": ["x"]},
    {"id": 2, "type": "CLIPTextEncode", "widgets_values": ["a girl at the sea"]},
    {"id": 3, "type": "CLIPTextEncode", "widgets_values": ["low"]},
    {
        "id": 4,
        "type": "KSampler",
        "widgets_values": [123456, "randomize", 20, 7, "euler"],
        "inputs": [{"name": "negative", "link": 8}, {"name": "positive", "link": 9}],
    },
]
_GRAPH = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "x"}},
    "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a girl at the sea"}},
    "4": {
        "class_type": "KSampler",
        "inputs": {"seed": 123456, "positive": ["2", 0], "model": ["1", 0]},
    },
}
_WORKFLOW = {"nodes": _NODES, "links": [[8, 3, 0, 4, 1, "C"], [9, 2, 0, 4, 0, "C"]], "extra": "e"}
_SETTINGS = {"prompt": "a girl at the sea", "seed": 123456, "num_inference_steps": 30}

SCHEMES: dict[str, str] = {
    "A1111": A1111,
    "ComfyUI graph": json.dumps(_GRAPH),
    "ComfyUI workflow": json.dumps(_WORKFLOW),
    "both": json.dumps({"prompt": json.dumps(_GRAPH), "workflow": _WORKFLOW}),
    "InvokeAI": json.dumps(
        {"positive_prompt": "a girl at the sea", "seed": 123456, "model": {"name": "x"}}
    ),
    "NovelAI": json.dumps({**_SETTINGS, "sampler": "k_euler", "model": "x"}),
    "SwarmUI": json.dumps(
        {"sui_image_params": {"prompt": "a girl at the sea", "seed": 123456, "model": "x"}}
    ),
    "Fooocus": json.dumps(
        {"prompt": "a girl at the sea", "seed": "123456", "steps": 30, "base_model": "x"}
    ),
    "video settings": json.dumps({**_SETTINGS, "model_type": "x", "guidance_scale": 5}),
}
"""The same prompt, seed and model as different programs write them."""

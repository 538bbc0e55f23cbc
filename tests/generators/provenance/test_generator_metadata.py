"""Metadata of generators marks a picture as generated, in every place and encoding."""

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from generators.provenance import generator_metadata
from generators.provenance.generator_metadata import read_generator_metadata
from studio.ingest import pipeline
from tests.generators.metadata_files import A1111 as PARAMETERS
from tests.generators.metadata_files import CARRIERS, SCHEMES, tagged_video

A1111 = (
    "{}\nNegative prompt: {}\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 123456, Model: xl"
)
GRAPH = json.dumps({"3": {"class_type": "KSampler", "inputs": {"seed": 123456}}})
INVOKE = json.dumps({"positive_prompt": "a beach", "seed": 123456, "model": {"name": "xl"}})
NOVEL = json.dumps({"prompt": "a beach", "steps": 28, "seed": 123456, "sampler": "k_euler"})
SWARM = json.dumps({"sui_image_params": {"prompt": "a beach", "seed": 123456, "model": "xl"}})
DRAW_THINGS = json.dumps({"c": "a beach", "seed": 123456, "steps": 8, "sampler": "DPM++"})

READ = ("a girl at the sea", "x", 123456)


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_is_read_from_every_place_of_every_container(
    carrier: str, scheme: str
) -> None:
    found = read_generator_metadata(CARRIERS[carrier](SCHEMES[scheme]))
    assert found.states_generator
    assert (found.left.prompt, found.left.model, found.left.seed) == READ


@pytest.mark.parametrize("carrier", CARRIERS)
def test_ordinary_text_in_any_place_states_no_generator(carrier: str) -> None:
    found = read_generator_metadata(
        CARRIERS[carrier]("A walk at the sea, not AI generated. Seed: 3")
    )
    assert (found.states_generator, found.unknown_program) == (False, "")


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize(
    "statement",
    [
        "AI-generated",
        "Image created with AI",
        "txt2img;flux",
        "Généré par IA",
        "made by an AI tool",
    ],
)
def test_statement_that_ai_made_the_file_is_enough(carrier: str, statement: str) -> None:
    assert read_generator_metadata(CARRIERS[carrier](statement)).states_generator


@pytest.mark.parametrize("carrier", CARRIERS)
def test_damaged_metadata_never_raises(carrier: str) -> None:
    data = CARRIERS[carrier](PARAMETERS)
    for cut in range(0, len(data), max(1, len(data) // 60)):
        read_generator_metadata(data[:cut])
        read_generator_metadata(data[:cut] + b"\xff" * 40 + data[cut + 40 :])


@pytest.mark.parametrize("kind", ["generated", "film"])
def test_animated_and_filmed_uploads_keep_prompt_and_seed(kind: str) -> None:
    carrier = CARRIERS["animated GIF comment" if kind == "generated" else "MP4 comment"]
    source = pipeline.prepare_upload(carrier(PARAMETERS), name="x").source
    assert (source.ai, source.engine, source.prompt, source.seed) == (
        "generated",
        "unnamed",
        "a girl at the sea",
        123456,
    )


def test_long_workflow_is_read_whole() -> None:
    long = {**json.loads(SCHEMES["ComfyUI workflow"]), "groups": ["g" * 60_000]}
    text = json.dumps(dict(sorted(long.items())))
    found = read_generator_metadata(chunked(workflow=text))
    assert (found.left.prompt, found.left.seed) == ("a girl at the sea", 123456)
    assert len(found.texts["workflow"]) == generator_metadata.MAX_LENGTH


def test_compressed_text_is_read_up_to_a_limit() -> None:
    bomb = PngInfo()
    bomb.add_text("parameters", "a" * 50_000_000, zip=True)
    found = read_generator_metadata(encode("PNG", pnginfo=bomb))
    assert len(found.texts["parameters"]) == generator_metadata.MAX_LENGTH


def test_parameters_of_an_editor_in_xmp_are_no_generation_parameters() -> None:
    words = 'xmpMM:x="1" stEvt:parameters="converted from image/tiff to image/jpeg"'
    assert not read_generator_metadata(encode("JPEG", xmp=XMP % words.encode())).states_generator


ALPHABETS = {
    "latin": st.characters(min_codepoint=0x20, max_codepoint=0x24F),
    "cyrillic": st.characters(min_codepoint=0x400, max_codepoint=0x44F),
    "japanese": st.characters(min_codepoint=0x3041, max_codepoint=0x30FE),
    "emoji": st.characters(min_codepoint=0x1F300, max_codepoint=0x1F5FF),
}


def picture(mode: str = "RGB") -> Image.Image:
    return Image.radial_gradient("L").resize((48, 40)).convert(mode)


def encode(kind: str, image: Image.Image | None = None, **more: Any) -> bytes:
    out = io.BytesIO()
    (image or picture()).save(out, kind, **more)
    return out.getvalue()


def commented(kind: str, value: bytes, order: str) -> bytes:
    exif = Image.Exif()
    exif.endian = order
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = value
    return encode(kind, exif=exif.tobytes())


def tagged(kind: str, **tags: str) -> bytes:
    exif = Image.Exif()
    for name, text in tags.items():
        exif[getattr(ExifTags.Base, name)] = text
    return encode(kind, exif=exif.tobytes())


def chunked(**texts: str) -> bytes:
    notes = PngInfo()
    for key, text in texts.items():
        notes.add_itxt(key.replace("__", "-"), text)
    return encode("PNG", pnginfo=notes)


@settings(max_examples=60)
@given(
    data=st.data(),
    kind=st.sampled_from(("JPEG", "WEBP", "PNG")),
    alphabet=st.sampled_from(sorted(ALPHABETS)),
)
def test_comment_is_read_in_either_byte_order(
    data: st.DataObject, kind: str, alphabet: str
) -> None:
    words = st.text(ALPHABETS[alphabet], min_size=1, max_size=12).map(str.strip)
    text = A1111.format(data.draw(words.filter(bool)), data.draw(words))
    head, code = data.draw(
        st.sampled_from(
            [(b"UNICODE\0", "utf-16-be"), (b"UNICODE\0", "utf-16-le"), (b"\0" * 8, "utf-8")]
        )
    )
    value = head + text.encode(code)
    file = commented(kind, value, data.draw(st.sampled_from("<>")))
    assert read_generator_metadata(file).left.seed == 123456


@pytest.mark.parametrize(
    "file",
    [
        chunked(invokeai_metadata=INVOKE, invokeai_graph="{}"),
        chunked(**{"sd__metadata": INVOKE}),
        chunked(Software="NovelAI", Source="NovelAI Diffusion V4", Comment=NOVEL),
        chunked(Comment=NOVEL),
        chunked(parameters=SWARM),
        chunked(prompt=GRAPH),
        *(tagged(kind, Make="workflow:{}", Model=f"prompt:{GRAPH}") for kind in ("JPEG", "WEBP")),
        *(tagged(kind, ImageDescription=f"Prompt: {GRAPH}") for kind in ("JPEG", "WEBP")),
        *(tagged(kind, ImageDescription=GRAPH) for kind in ("JPEG", "WEBP")),
        *(tagged(kind, Software="NovelAI", ImageDescription=NOVEL) for kind in ("JPEG", "WEBP")),
        commented("JPEG", b"ASCII\0\0\0" + DRAW_THINGS.encode(), "<"),
        commented("WEBP", b"UNICODE\0" + json.dumps({"Comment": NOVEL}).encode("utf-16-be"), ">"),
        encode("JPEG", comment=A1111.format("a beach", "").encode()),
    ],
    ids=range(17),
)
def test_generator_metadata_discloses_the_picture_with_its_seed(file: bytes) -> None:
    source = pipeline.prepare_upload(file, name="x").source
    assert (source.ai, source.engine, source.seed) == ("generated", "unnamed", 123456)


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description %s/>'
    b"</rdf:RDF></x:xmpmeta>"
)


def hidden(mode: str, signature: bytes) -> bytes:
    """Write a signature into the lowest bits, column by column, as NovelAI does."""
    bits = np.unpackbits(np.frombuffer(signature, np.uint8))
    pixels = np.array(picture(mode)).swapaxes(0, 1).copy()
    flat = pixels[..., 3] if mode == "RGBA" else pixels
    lowest = flat.reshape(-1)
    lowest[: len(bits)] = (lowest[: len(bits)] & 0xFE) | bits
    if mode == "RGBA":
        pixels[..., 3] = lowest.reshape(pixels.shape[:2])
    else:
        pixels = lowest.reshape(pixels.shape)
    return encode("PNG", Image.fromarray(pixels.swapaxes(0, 1).copy(), mode))


@pytest.mark.parametrize(
    "file",
    [
        chunked(Software="NovelAI"),
        tagged("JPEG", Software="Draw Things"),
        tagged("WEBP", Artist="Midjourney v7"),
        encode("JPEG", xmp=XMP % b'xmp:CreatorTool="Adobe Firefly 4"'),
        encode("WEBP", xmp=XMP % b'photoshop:Credit="Made with Google AI"'),
        encode("JPEG", xmp=XMP % b'Iptc4xmpExt:AISystemUsed="some system"'),
        hidden("RGBA", b"stealth_pngcomp"),
        hidden("RGB", b"stealth_rgbinfo"),
    ],
    ids=range(8),
)
def test_program_name_alone_discloses_the_picture(file: bytes) -> None:
    assert pipeline.prepare_upload(file, name="x").source.ai == "generated"


WORDS_OF_PEOPLE: list[Callable[[], bytes]] = [
    lambda: encode("JPEG"),
    lambda: encode("PNG", picture("RGBA")),
    lambda: tagged("JPEG", Make="NIKON CORPORATION", Model="NIKON Z 6_2", Software="Ver.01.50"),
    lambda: tagged("JPEG", Software="Adobe Photoshop 26.1", ImageDescription="A beach: dawn"),
    lambda: tagged("JPEG", ImageDescription='{"filter": 0, "beauty": 3, "width": 1080}'),
    lambda: tagged("JPEG", ImageDescription="prompt: smile at the camera"),
    lambda: commented("JPEG", b"ASCII\0\0\0Screenshot", "<"),
    lambda: commented("JPEG", b"UNICODE\0" + "пляж".encode("utf-16-be"), ">"),
    lambda: chunked(Comment="Created with GIMP", Title="Steps to the sea", Description="{1}"),
    lambda: encode("JPEG", comment=b"File source: a film scanner, Steps: 3"),
    lambda: encode("JPEG", xmp=XMP % b'xmp:CreatorTool="Adobe Lightroom 8"'),
]


@pytest.mark.parametrize("make", WORDS_OF_PEOPLE, ids=range(len(WORDS_OF_PEOPLE)))
def test_camera_and_user_metadata_stays_a_photograph(make: Callable[[], bytes]) -> None:
    source = pipeline.prepare_upload(make(), name="x").source
    assert (source.ai, source.engine) == ("none", "camera")


@pytest.mark.parametrize("place", ["software", "make", "XMP", "MP4", "PNG"])
def test_unknown_program_is_asked_about_and_counts_as_generated(place: str) -> None:
    name = "Hyper Canvas Studio"
    file = {
        "software": lambda: tagged("JPEG", Software=name),
        "make": lambda: tagged("WEBP", Make="Some Lab", Model=name),
        "XMP": lambda: encode("JPEG", xmp=XMP % f'xmp:CreatorTool="{name}"'.encode()),
        "MP4": lambda: tagged_video("mp4", "com.apple.quicktime.software", name, keys=True),
        "PNG": lambda: chunked(Software=name),
    }[place]()
    source = pipeline.prepare_upload(file, name="x").source
    assert (source.ai, source.engine) == ("generated", "unconfirmed")
    assert source.model in (name, "Some Lab")


def test_unknown_camera_with_facts_of_an_exposure_is_a_photograph() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Some Lab"
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {ExifTags.Base.ExposureTime: 0.01, ExifTags.Base.FNumber: 2.8}
    )
    file = encode("JPEG", exif=exif.tobytes())
    assert pipeline.prepare_upload(file, name="x").source.engine == "camera"

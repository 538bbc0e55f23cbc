"""Videos of phones and cameras: decoded if FFmpeg can, otherwise refused with the codec's name."""

import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from foundation.errors import BadInput
from generators.video import video_files
from tests.generators.video_builders import (
    build_frames,
    encode_video,
    ffmpeg,
    probe_video,
    relabel_track,
)

CHAPTERS = b";FFMETADATA1\n" + b"".join(
    b"[CHAPTER]\nTIMEBASE=1/1000\nSTART=%d\nEND=%d\ntitle=%s\n" % (at, at + 500, name)
    for at, name in ((0, b"CHAPTER-ONE"), (500, b"CHAPTER-TWO"))
)
PICTURE = build_frames(("G", 1.0))


def convert_video(data: bytes, *arguments: str, suffix: str = "mp4", **beside: bytes) -> bytes:
    with TemporaryDirectory() as folder:
        for name, content in {"in": data, **beside}.items():
            (Path(folder) / name).write_bytes(content)
        ffmpeg(*arguments, f"out.{suffix}", cwd=folder)
        return (Path(folder) / f"out.{suffix}").read_bytes()


def decode_video(data: bytes) -> video_files.DecodedVideo:
    return video_files.decode_video(data, name="a.mov")


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_chapters_are_dropped(suffix: str) -> None:
    with_chapters = ("-i", "in", "-i", "chapters", "-map_metadata", "1", "-c", "copy")
    data = convert_video(
        encode_video(PICTURE, words="A"), *with_chapters, suffix=suffix, chapters=CHAPTERS
    )
    assert "CHAPTER-ONE" in probe_video(data)
    found = decode_video(data)
    assert found.words == ()
    assert "CHAPTER" not in probe_video(found.data)


@pytest.mark.parametrize("default", [0, 1])
def test_default_audio_track_is_used(default: int) -> None:
    parts = ("-i", "in", "-i", "second", "-map", "0", "-map", "1:a", "-c", "copy")
    marks = (f"-disposition:a:{default}", "default", f"-disposition:a:{1 - default}", "0")
    one, two = encode_video(PICTURE, words="FIRST"), encode_video(PICTURE, words="SECOND")
    found = decode_video(convert_video(one, *parts, *marks, second=two))
    alone = decode_video(two if default else one)
    # two tracks: for analysis and for playback
    assert len(probe_video(found.data).split(": Audio:")) == 3
    assert found.heard == alone.heard


CODECS = {
    "pcm": ("-c:v", "copy", "-c:a", "pcm_s16le"),
    "Dolby Digital": ("-c:v", "copy", "-c:a", "ac3"),
    "ProRes": ("-c:v", "prores_ks", "-c:a", "pcm_s24be"),
    "Motion JPEG": ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-c:a", "eac3"),
}


@pytest.mark.heavy
@pytest.mark.parametrize("kind", CODECS)
def test_camera_codecs_are_decoded(kind: str) -> None:
    found = decode_video(
        convert_video(encode_video(PICTURE, words="A"), "-i", "in", *CODECS[kind], suffix="mov")
    )
    assert found.size == (256, 192)
    assert found.heard
    assert "yuv420p(" in probe_video(found.data)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("-c:v", "qtrle", "-an"), "qtrle"),
        (("-c:v", "copy", "-c:a", "adpcm_ms"), "adpcm_ms"),
    ],
)
def test_unsupported_codec_is_named(arguments: tuple[str, ...], named: str) -> None:
    data = convert_video(encode_video(PICTURE, words="A"), "-i", "in", *arguments, suffix="mov")
    with pytest.raises(BadInput) as refused:
        decode_video(data)
    assert refused.value.message.code == "film.codec"
    assert refused.value.message.params["codec"] == named


def test_unknown_codec_is_not_reported_as_damage() -> None:
    with pytest.raises(BadInput, match="codec"):
        decode_video(encode_video(PICTURE).replace(b"avc1\0", b"zzz1\0"))


@pytest.mark.parametrize(
    ("transfer", "codec"), [("smpte2084", "libx265"), ("arib-std-b67", "libx264")]
)
def test_hdr_is_mapped_to_screen_colours(transfer: str, codec: str) -> None:
    """Reference white of 203 cd/m² is 58 % of PQ and 75 % of HLG (Rep. ITU-R BT.2408 §2)."""
    level = round({"smpte2084": 0.58, "arib-std-b67": 0.75}[transfer] * 876 + 64)
    grey = f"format=yuv420p10le,geq=lum={level}:cb=512:cr=512"
    tags = f"setparams=range=tv:colorspace=bt2020nc:color_primaries=bt2020:color_trc={transfer}"
    coded = ("-c:v", codec, "-pix_fmt", "yuv420p10le", "-preset", "ultrafast")
    more = ("-x265-params", "log-level=none", "-tag:v", "hvc1") if codec == "libx265" else ()
    data = convert_video(
        encode_video(build_frames(("G", 0.3))), "-i", "in", "-vf", f"{grey},{tags}", *coded, *more
    )
    assert transfer in probe_video(data)
    found = decode_video(data)
    assert "yuv420p(tv, bt709" in probe_video(found.data)
    white = found.looked.frames[0].to_image().getpixel((64, 64))
    assert all(175 <= level <= 225 for level in white)  # type: ignore[union-attr]  # a pixel of RGB


@pytest.mark.parametrize("kind", [b"sefd", b"prft", b"\0\0\0\0"])
def test_phone_data_and_padding_after_the_video_are_dropped(kind: bytes) -> None:
    more = b"\0" * 600 if kind == b"\0\0\0\0" else struct.pack(">I4s", 108, kind) + b"x" * 100
    assert video_files.inspect_video(encode_video(PICTURE) + more, name="a").video


def test_measurement_tracks_are_dropped() -> None:
    data = relabel_track(encode_video(PICTURE, words="A"), b"soun", b"auxv")
    assert not video_files.inspect_video(data, name="a").sound

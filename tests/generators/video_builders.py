"""Videos made of coded tiles, a few frames per second: small, and built for each test."""

import io
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image

from tests.fakes.generators import audio_tones
from tests.fakes.generators.classifier import draw_tile

WIDE, HIGH = 256, 192
RATE = 10
"""Frames per second."""

H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "16")
WEBM = ("-c:v", "libvpx", "-b:v", "1M", "-c:a", "libvorbis")


def ffmpeg(*arguments: str, cwd: str = "/", data: bytes = b"") -> bytes:
    """Return what FFmpeg writes to its output."""
    command = [get_ffmpeg_exe(), "-loglevel", "error", "-y", *arguments]
    return subprocess.run(command, input=data, cwd=cwd, capture_output=True, check=True).stdout


def build_frames(*parts: tuple[str | Image.Image, float]) -> list[Image.Image]:
    """Return frames that show each tile or picture for its number of seconds."""
    pictures = [
        (draw_tile(one, edge=WIDE) if isinstance(one, str) else one, seconds)
        for one, seconds in parts
    ]
    return [
        picture.convert("RGB").resize((WIDE, HIGH))
        for picture, long in pictures
        for _ in range(round(long * RATE))
    ]


def encode_video(
    frames: Sequence[Image.Image],
    *,
    words: str | None = None,
    suffix: str = "mp4",
    rate: int = RATE,
    pixels: str = "yuv420p",
    more: Sequence[str] = (),
    beside: dict[str, bytes] | None = None,
) -> bytes:
    """Encode these frames with `words` as tones; `more` are arguments before the output name, and
    `beside` files they may name."""
    codec = WEBM if suffix == "webm" else (*H264, "-pix_fmt", pixels, "-c:a", "aac")
    with TemporaryDirectory() as folder:
        for name, data in (beside or {}).items():
            (Path(folder) / name).write_bytes(data)
        sound: tuple[str, ...] = ()
        if words is not None:
            audio_tones.encode_tones(words).tofile(f"{folder}/sound.raw")
            sound = ("-f", "f32le", "-ar", str(audio_tones.RATE), "-ac", "1", "-i", "sound.raw")
        size = ("-s", f"{frames[0].width}x{frames[0].height}")
        raw = b"".join(np.asarray(frame.convert("RGB")).tobytes() for frame in frames)
        first = ("-f", "rawvideo", "-pix_fmt", "rgb24", *size, "-r", str(rate), "-i", "pipe:0")
        ffmpeg(*first, *sound, *more, *codec, f"out.{suffix}", cwd=folder, data=raw)
        return (Path(folder) / f"out.{suffix}").read_bytes()


def encode_speech(words: str, *, suffix: str = "m4a") -> bytes:
    """Encode a sound that carries these words as tones."""
    codec = ("-c:a", "libopus", "-b:a", "64k") if suffix == "ogg" else ("-c:a", "aac")
    with TemporaryDirectory() as folder:
        raw = audio_tones.encode_tones(words).tobytes()
        ffmpeg(
            "-f",
            "f32le",
            "-ar",
            "48000",
            "-ac",
            "1",
            "-i",
            "pipe:0",
            *codec,
            f"out.{suffix}",
            cwd=folder,
            data=raw,
        )
        return (Path(folder) / f"out.{suffix}").read_bytes()


def encode_tile(kind: str, form: str = "JPEG") -> bytes:
    """Return a tile as a picture file."""
    buffer = io.BytesIO()
    draw_tile(kind).convert("RGB").save(buffer, form)
    return buffer.getvalue()


def probe_video(data: bytes) -> str:
    """Return FFmpeg's description of a file."""
    command = [get_ffmpeg_exe(), "-hide_banner", "-i", "pipe:0", "-f", "null", "-"]
    return subprocess.run(command, input=data, capture_output=True, check=True).stderr.decode()


def _again(data: bytes, *arguments: str, suffix: str = "mp4", **beside: bytes) -> bytes:
    """Rewrite the file `in`; its streams are copied unless the arguments change them."""
    with TemporaryDirectory() as folder:
        for name, content in {"in": data, **beside}.items():
            (Path(folder) / name).write_bytes(content)
        ffmpeg(*arguments, f"out.{suffix}", cwd=folder)
        return (Path(folder) / f"out.{suffix}").read_bytes()


def add_metadata(data: bytes, key: str, text: str, *, suffix: str, keys: bool = False) -> bytes:
    """Return the video with a tag; with `keys`, an MP4 names it in a table of its own."""
    named = ("-movflags", "use_metadata_tags") if keys else ()
    return _again(
        data, "-i", "in", "-c", "copy", "-metadata", f"{key}={text}", *named, suffix=suffix
    )


def rotate_video(data: bytes) -> bytes:
    """Return the video as a portrait phone recording: a landscape picture with a rotation flag."""
    return _again(data, "-display_rotation", "90", "-i", "in", "-c", "copy")


def add_cover(data: bytes, cover: bytes, *, cut: int = 0) -> bytes:
    """Return the video with a cover picture."""
    kept = cover[: len(cover) - cut] if cut else cover
    both = ("-i", "in", "-f", "jpeg_pipe", "-i", "cover", "-map", "0", "-map", "1", "-c", "copy")
    made = _again(data, *both, "-disposition:v:1", "attached_pic", cover=cover)
    return made.replace(cover, kept + b"\0" * cut)


def add_subtitles(frames: Sequence[Image.Image], words: str, *, suffix: str = "mp4") -> bytes:
    """Return a video with a subtitle track."""
    said = f"1\n00:00:00,100 --> 00:00:01,500\n<i>{words}</i>\n".encode()
    codec = ("-c:s", "webvtt" if suffix == "webm" else "mov_text")
    both = ("-i", "in", "-i", "said.srt", "-map", "0", "-map", "1", "-c:v", "copy", *codec)
    return _again(encode_video(frames, suffix=suffix), *both, suffix=suffix, **{"said.srt": said})


def add_frame_note(data: bytes, note: bytes) -> bytes:
    """Return the video with text between its frames (supplemental information of H.264)."""
    marked = f"h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+{note.decode()}"
    return _again(data, "-i", "in", "-c", "copy", "-bsf:v", marked)


def encode_two_tracks(kind: str) -> bytes:
    """Return a video with two video or two audio tracks."""
    second = encode_video(build_frames(("E", 1.0)), words="SECOND")
    both = ("-i", "in", "-i", "second", "-map", "0", "-map", f"1:{kind}", "-c", "copy")
    return _again(encode_video(build_frames(("G", 1.0)), words="FIRST"), *both, second=second)


def fake_duration(data: bytes, seconds: int) -> bytes:
    """Return the video with this duration in its header."""
    at = data.index(b"mvhd")
    (scale,) = struct.unpack_from(">I", data, at + 16)
    return data[: at + 20] + struct.pack(">I", seconds * scale) + data[at + 24 :]


def fake_width(data: bytes, pixels: int) -> bytes:
    """Return the video with this width and height in its header."""
    at = data.index(b"tkhd")
    end = at - 4 + struct.unpack_from(">I", data, at - 4)[0]
    return data[: end - 8] + struct.pack(">II", pixels << 16, pixels << 16) + data[end:]


def point_elsewhere(data: bytes) -> bytes:
    """Return a video whose header says that its bytes are in another file."""
    at = data.index(b"url ")
    return data[: at + 4] + b"\0\0\0\0" + data[at + 8 :]


def relabel_track(data: bytes, was: bytes, now: bytes) -> bytes:
    """Return the video with one track relabelled as another kind."""
    at = data.index(was, data.index(b"hdlr", data.index(b"hdlr") + 4))
    return data[:at] + now + data[at + 4 :]


def add_noise(data: bytes) -> bytes:
    """Return the video with noise in place of its frames and an intact structure."""
    at = data.index(b"mdat")
    size = struct.unpack_from(">I", data, at - 4)[0] - 8
    noise = np.random.default_rng(7).integers(0, 256, size, dtype=np.uint8).tobytes()
    return data[: at + 4] + noise + data[at + 4 + size :]


def shrink_video(data: bytes) -> bytes:
    """Return the video re-encoded at a quarter of its size and at lower quality."""
    return _again(
        data, "-i", "in", "-vf", "scale=iw/2:ih/2", "-c:v", "libx264", "-crf", "30", "-c:a", "copy"
    )

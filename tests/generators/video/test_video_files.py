"""Video and audio files: input formats, output format, and the frames that are checked."""

import os
import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foundation.errors import BadInput, Unavailable
from foundation.ops import clock
from generators.analysis.video_views import video_view_batches
from generators.containers import mp4
from generators.media import ffmpeg
from generators.provenance import content_credentials
from generators.provenance.content_credentials import MarkStatus, ProvenanceClaim
from generators.video import frames, video_files
from generators.video.video_files import DecodedVideo
from tests.fakes.generators import audio_tones
from tests.fakes.generators.classifier import read_tile
from tests.generators import video_builders
from tests.generators.builders import a_picture, encoded
from tests.generators.video_builders import build_frames, encode_speech, encode_tile, encode_video
from tests.studio.builders import CREDENTIAL

pytestmark = pytest.mark.heavy


def read(data: bytes) -> DecodedVideo:
    return video_files.decode_video(data, name="a.mp4")


def kinds(found: DecodedVideo) -> list[str]:
    """Return the tile kinds of the checked frames."""
    tiles = [read_tile(frame.to_image()) for frame in found.looked.frames]
    return [one[0] if one else "-" for one in tiles]


@pytest.mark.parametrize("suffix", ["mp4", "mov", "webm"])
def test_videos_of_every_format_become_clean_mp4(suffix: str) -> None:
    found = read(
        encode_video(
            build_frames(("G", 2.0)),
            words="HELLO",
            suffix=suffix,
            more=("-metadata", "title=SECRET-TITLE"),
        )
    )
    assert found.mime == "video/mp4"
    assert b"SECRET-TITLE" not in found.data
    again = mp4.inspect_mp4(found.data, name="x")
    assert (again.video, again.sound, again.texts, again.covers) == (True, True, 0, ())
    assert found.data.index(b"moov") < found.data.index(b"mdat"), (
        "it can play before the download is complete"
    )
    assert found.heard is not None
    assert audio_tones.decode_tones(found.heard) == "HELLO"
    assert set(kinds(found)) == {"G"}


@pytest.mark.parametrize("suffix", ["m4a", "ogg"])
def test_voice_becomes_m4a_with_a_loudness_curve(suffix: str) -> None:
    found = read(encode_speech("HELLO", suffix=suffix))
    assert (found.mime, found.size, found.looked.frames) == ("audio/mp4", (0, 0), ())
    assert audio_tones.decode_tones(found.data) == "HELLO"
    assert max(found.loudness) == 1.0


def test_same_video_gives_the_same_bytes() -> None:
    data = encode_video(build_frames(("G", 1.0)), words="HI")
    assert read(data).data == read(data).data


def test_output_video_plays_everywhere() -> None:
    """4:2:0 whatever the input, no edge above 1280, and even sides."""
    odd = Image.new("RGB", (1501, 901), (40, 90, 160))
    found = read(encode_video([odd] * 4, pixels="yuv444p", suffix="mov", rate=4))
    assert max(found.size) == 1280
    assert not any(edge % 2 for edge in found.size)
    log = video_builders.probe_video(found.data)
    assert "yuv420p" in log
    assert "High" in log


def test_portrait_phone_video_is_upright() -> None:
    turned = encode_video(build_frames(("G", 1.0)))
    upright = video_builders.rotate_video(turned)
    assert read(upright).size == (video_builders.HIGH, video_builders.WIDE)


def test_frames_are_checked_twice_a_second_and_at_changes() -> None:
    found = read(encode_video(build_frames(("G", 3.0), ("S", 0.1), ("G", 3.0))))
    seen = kinds(found)
    assert len(seen) >= 13
    assert seen[0] == seen[-1] == "G"
    assert "S" in seen, "a single frame between two samples"
    times = [frame.at_ms for frame in found.looked.frames]
    assert max(later - sooner for sooner, later in pairwise(times)) <= 500
    assert len(found.looked.means) == 7


def test_small_flash_is_sampled() -> None:
    calm = Image.new("RGB", (video_builders.WIDE, video_builders.HIGH), (90, 90, 90))
    flash = calm.copy()
    flash.paste((255, 255, 255), (8, 8, 40, 32))
    found = read(encode_video([calm] * 12 + [flash] + [calm] * 12))
    brightest = [np.asarray(frame.to_image()).max() for frame in found.looked.frames]
    assert max(brightest) > 200


def test_slow_change_between_two_samples_is_sampled() -> None:
    """No two neighbours differ much, but the fourth frame differs from the first."""
    fade = [
        Image.new("RGB", (video_builders.WIDE, video_builders.HIGH), (step, step, step))
        for step in (0, 5, 10, 15, 10, 5, 0, 0)
    ]
    assert len(read(encode_video(fade, rate=20)).looked.frames) > 2


def test_mean_of_a_second_shows_its_content() -> None:
    dark, light = Image.new("RGB", (64, 48), (0, 0, 0)), Image.new("RGB", (64, 48), (255, 255, 255))
    found = read(encode_video([dark, light] * 10, rate=20))
    (mean,) = found.looked.means
    assert 110 < float(np.asarray(mean.to_image().convert("L")).mean()) < 145


def test_every_frame_mean_and_cover_is_classified_in_batches() -> None:
    found = read(
        video_builders.add_cover(
            encode_video(build_frames(("G", 8.0)), words="HI"), encode_tile("E")
        )
    )
    asked = list(video_view_batches(found))
    names = [view.name for views in asked for view in views]
    assert len(asked) > 1
    assert all(len(views) <= 24 for views in asked)
    assert len(set(names)) == len(names)
    assert {name.split(".")[0] for name in names} == {"frame", "mean", "cover"}
    whole = [name for name in names if name.startswith("frame") and "whole" in name]
    assert len(whole) == len(found.looked.frames)


def test_only_a_cover_unlike_its_frames_counts_as_hidden() -> None:
    covers = (encode_tile("G"), encoded(a_picture(256, 192)))
    own, other = (
        video_builders.add_cover(encode_video(build_frames(("G", 1.0))), cover) for cover in covers
    )
    assert not read(own).hidden_cover
    found = read(other)
    assert found.hidden_cover
    assert mp4.inspect_mp4(found.data, name="x").covers == ()


@pytest.mark.parametrize("suffix", ["mp4", "webm"])
def test_subtitles_are_read_and_removed(suffix: str) -> None:
    found = read(
        video_builders.add_subtitles(build_frames(("G", 2.0)), "HIDDEN-MARKER", suffix=suffix)
    )
    assert found.words == ("HIDDEN-MARKER",)
    assert b"HIDDEN-MARKER" not in found.data


def test_captions_inside_the_video_stream_are_removed() -> None:
    """Captions can travel inside the video stream, where no track lists them."""
    data = encode_video(build_frames(("G", 1.0)))
    marked = video_builders.add_frame_note(data, b"CAPTION-MARKER")
    assert b"CAPTION-MARKER" in marked
    assert b"CAPTION-MARKER" not in read(marked).data


def test_credential_is_added_last_and_verifies() -> None:
    found = read(encode_video(build_frames(("G", 1.0))))
    signed = content_credentials.sign_media(
        found.data, found.mime, CREDENTIAL, ProvenanceClaim("engine", "one")
    )
    assert (
        content_credentials.verify_media(signed, found.mime, anchor=CREDENTIAL.anchor).standing
        is MarkStatus.TRUSTED
    )
    assert (
        content_credentials.verify_media(signed[:-1] + b"x", found.mime).standing
        is not MarkStatus.VALID
    )
    assert (
        content_credentials.verify_media(read(signed).data, found.mime).standing is MarkStatus.NONE
    )


HOSTILE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "nothing": ("film.unsupported", lambda: b""),
    "text": ("film.unsupported", lambda: b"hello, I am a film"),
    "a playlist": (
        "film.unsupported",
        lambda: b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/secret\n",
    ),
    "a list of files": ("film.unsupported", lambda: b"ffconcat version 1.0\nfile /etc/passwd\n"),
    "cut": ("film.corrupt", lambda: encode_video(build_frames(("G", 1.0)))[:-900]),
    "an archive behind": (
        "film.trailing",
        lambda: encode_video(build_frames(("G", 1.0))) + b"PK\x03\x04 an archive",
    ),
    "a film behind": (
        "film.trailing",
        lambda: (
            encode_video(build_frames(("G", 1.0)), suffix="webm")
            + encode_video(build_frames(("E", 1.0)))
        ),
    ),
    "a picture behind": (
        "film.trailing",
        lambda: encode_video(build_frames(("G", 1.0))) + encode_tile("E"),
    ),
    "a voice behind a voice": (
        "film.trailing",
        lambda: encode_speech("A", suffix="ogg") + encode_speech("B", suffix="ogg"),
    ),
    "matroska": ("film.unsupported", lambda: encode_video(build_frames(("G", 1.0)), suffix="mkv")),
    "two pictures": ("film.several", lambda: video_builders.encode_two_tracks("v")),
    "ten hours": (
        "film.too_long",
        lambda: video_builders.fake_duration(encode_video(build_frames(("G", 1.0))), 36_000),
    ),
    "pixels without end": (
        "film.too_large",
        lambda: video_builders.fake_width(encode_video(build_frames(("G", 1.0))), 20_000),
    ),
    "elsewhere": (
        "film.remote",
        lambda: video_builders.point_elsewhere(encode_video(build_frames(("G", 1.0)))),
    ),
    "something attached": (
        "film.attached",
        lambda: video_builders.relabel_track(
            encode_video(build_frames(("G", 1.0)), words="A"), b"soun", b"pict"
        ),
    ),
    "an unreadable cover": (
        "film.attached",
        lambda: video_builders.add_cover(
            encode_video(build_frames(("G", 1.0))), encode_tile("G"), cut=40
        ),
    ),
    "a still picture's brand": (
        "film.unsupported",
        lambda: encode_video(build_frames(("G", 1.0))).replace(b"isom", b"heic"),
    ),
    "noise inside": (
        "film.corrupt",
        lambda: video_builders.add_noise(encode_video(build_frames(("G", 1.0)))),
    ),
    "no end of boxes": (
        "film.corrupt",
        lambda: encode_video(build_frames(("G", 1.0))) + struct.pack(">I4s", 8, b"free") * 30_000,
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_file_is_refused_with_its_reason(kind: str) -> None:
    code, made = HOSTILE[kind]
    with pytest.raises(BadInput) as refused:
        read(made())
    assert refused.value.message.code == code
    assert refused.value.message.params["file"] == "a.mp4"


@pytest.mark.parametrize("suffix", ["mp4", "webm"])
def test_truncated_video_is_refused_at_every_length(suffix: str) -> None:
    """The structure is read first: parsing a truncated file ends with an error. Only the index of
    a WebM after its last frame may be missing, as players accept."""
    data = encode_video(build_frames(("G", 0.5)), suffix=suffix)
    index = data.rfind(b"\x1cS\xbbk")
    for length in range(0, len(data), max(1, len(data) // 400)):
        if length == index:
            continue
        with pytest.raises(BadInput):
            video_files.inspect_video(data[:length], name="a")


@pytest.mark.parametrize("wide", [8, 9, 200])
def test_oversized_webm_number_is_refused(wide: int) -> None:
    def element(number: bytes, body: bytes) -> bytes:
        return number + (0x4000 | len(body)).to_bytes(2) + body

    head = element(b"\x1a\x45\xdf\xa3", element(b"\x42\x82", b"webm"))
    scale, length = (
        element(b"\x2a\xd7\xb1", b"\xff" * wide),
        element(b"\x44\x89", struct.pack(">d", 1.0)),
    )
    segment = element(b"\x18\x53\x80\x67", element(b"\x15\x49\xa9\x66", scale + length))
    with pytest.raises(BadInput) as refused:
        video_files.inspect_video(head + segment, name="x")
    assert refused.value.message.code in ("film.corrupt", "film.unsupported", "film.too_long")


def test_video_changing_in_every_frame_is_refused_beyond_the_limit() -> None:
    dark, light = (Image.new("RGB", (64, 48), (level, level, level)) for level in (0, 200))
    data = encode_video([dark, light] * (frames.MAX_FRAMES // 2 + 5), rate=30)
    with pytest.raises(BadInput) as refused:
        read(data)
    assert refused.value.message.code == "film.too_busy"


def program(folder: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace FFmpeg by this script."""
    path = folder / "ffmpeg"
    path.write_text(f"#!/bin/bash\n{body}\n")
    path.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(path))


def test_hanging_decoder_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, f"/bin/sleep 60 & echo $! > {tmp_path}/child; wait", monkeypatch)
    before = clock.monotonic()
    with pytest.raises(BadInput) as refused:
        ffmpeg.run_ffmpeg(("-version",), folder=tmp_path, seconds=1.0, name="a.mp4")
    assert refused.value.message.code == "film.too_slow"
    assert clock.monotonic() - before < 10
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if (
            not Path(f"/proc/{child}").exists()
            or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2]
        ):
            return
        clock.sleep(0.05)
    raise AssertionError("a child process survived")


def test_full_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(
        tmp_path,
        "echo 'av_interleaved_write_frame(): No space left on device' >&2; exit 228",
        monkeypatch,
    )
    with pytest.raises(Unavailable) as refused:
        ffmpeg.run_ffmpeg(("-version",), folder=tmp_path, seconds=5.0, name="a.mp4")
    assert refused.value.message.code == "storage.unwritable"


def test_decoder_gets_no_environment_and_opens_no_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "do not tell")
    program(tmp_path, f"/usr/bin/env > {tmp_path}/told", monkeypatch)
    ffmpeg.run_ffmpeg(("-version",), folder=tmp_path, seconds=5.0, name="a.mp4")
    assert "do not tell" not in (tmp_path / "told").read_text()
    monkeypatch.delenv("IMAGEIO_FFMPEG_EXE")
    for address in ("http://127.0.0.1:9/x.mp4", "concat:a|b", "subfile,,start,0,end,9,,:x"):
        with pytest.raises(BadInput):
            ffmpeg.run_ffmpeg(
                (*ffmpeg.input_arguments("x", "mov")[:-1], address, "-f", "null", "-"),
                folder=tmp_path,
                seconds=5,
                name="a",
            )


def test_files_of_a_killed_process_are_cleaned_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in ("greenroom-film-old", "greenroom-film-now", "somebody-elses"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "in").write_bytes(b"a film as it came")
    for name in ("greenroom-film-old", "somebody-elses"):
        os.utime(tmp_path / name, (1_000_000, 1_000_000))
    read(encode_video(build_frames(("G", 0.5))))
    assert sorted(os.listdir(tmp_path)) == ["greenroom-film-now", "somebody-elses"]


def test_temporary_files_are_always_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    read(encode_video(build_frames(("G", 0.5))))
    with pytest.raises(BadInput):
        read(video_builders.add_noise(encode_video(build_frames(("G", 1.0)))))
    assert os.listdir(tmp_path) == []

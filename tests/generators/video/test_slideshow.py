"""Slideshows: drawn and encoded for real, then checked by structure and frame by frame."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from foundation.errors import BadInput, Unavailable
from generators.containers import mp4
from generators.retouch import text_overlay
from generators.video import encoder, slideshow, video_files
from generators.video.slideshow import ClipForm, SlideshowPlan, StillMotion, StillPicture
from tests.generators import video_builders as footage

pytestmark = pytest.mark.heavy

RED, BLUE = (200, 30, 30), (30, 30, 200)


def flat(colour: tuple[int, int, int], size: tuple[int, int] = (300, 400)) -> Image.Image:
    return Image.new("RGB", size, colour)


def dotted(size: tuple[int, int] = (900, 900)) -> Image.Image:
    """Return a dark picture with one bright square in its middle."""
    image = flat((20, 20, 20), size)
    wide, high = size
    image.paste((240, 240, 240), (wide * 4 // 10, high * 4 // 10, wide * 6 // 10, high * 6 // 10))
    return image


def frames(data: bytes, tmp_path: Path) -> list[Image.Image]:
    """Return every decoded frame of a clip."""
    (tmp_path / "clip.mp4").write_bytes(data)
    footage.ffmpeg("-i", "clip.mp4", "-fps_mode", "passthrough", "f%04d.png", cwd=str(tmp_path))
    return [
        Image.open(io.BytesIO(one.read_bytes())).convert("RGB")
        for one in sorted(tmp_path.glob("f*.png"))
    ]


def shade(image: Image.Image) -> tuple[float, ...]:
    return tuple(np.asarray(image, dtype=np.float32).mean(axis=(0, 1)))


def bright(image: Image.Image) -> tuple[float, float, float]:
    """Return the centre of the bright area and its share of the picture."""
    lit = np.argwhere(np.asarray(image.convert("L")) > 130)
    high, wide = image.height, image.width
    top, left = lit.mean(axis=0)
    return float(left / wide), float(top / high), len(lit) / (wide * high)


@pytest.mark.parametrize("form", ClipForm)
def test_clip_has_the_format_platforms_accept(form: ClipForm, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    cut = SlideshowPlan([StillPicture(flat(RED), 1), StillPicture(flat(BLUE), 1)], form=form)
    data = slideshow.render_slideshow(cut, told=lambda done, total: told.append((done, total)))
    found = mp4.inspect_mp4(data, name="clip")
    assert ((found.width, found.height), found.video, found.sound) == (form.size, True, True)
    assert abs(found.seconds - 2) < 0.05
    assert (round(found.rate), max(form.size) <= video_files.MAX_EDGE) == (30, True)
    assert told == [(number, 60) for number in range(60)]
    assert data.index(b"moov") < data.index(b"mdat")
    assert b"avc1" in data
    assert b"mp4a" in data
    shown = frames(data, tmp_path)
    assert len(shown) == 60
    assert np.allclose(shade(shown[0]), RED, atol=6)
    assert np.allclose(shade(shown[-1]), BLUE, atol=6)
    middle = shade(shown[30])
    assert RED[0] > middle[0] > BLUE[0]  # the fade is centred on the cut
    assert (
        len(video_files.reopen_video(data, name="clip").looked.frames) >= 4
    )  # it decodes without foreign content


def test_same_plan_gives_the_same_bytes_and_cuts_do_not_fade(tmp_path: Path) -> None:
    cut = SlideshowPlan(
        [StillPicture(dotted(), 1, caption="Été"), StillPicture(flat(BLUE), 1)],
        form=ClipForm.SQUARE,
        seed=5,
        fades=False,
    )
    data = slideshow.render_slideshow(cut)
    assert slideshow.render_slideshow(cut) == data
    shown = frames(data, tmp_path)
    assert np.allclose(shade(shown[30]), BLUE, atol=8)
    assert shade(shown[29])[2] < 100


@pytest.mark.parametrize(
    ("motion", "moved"),
    [
        (StillMotion.IN, lambda a, b: b[2] > a[2] * 1.15),
        (StillMotion.OUT, lambda a, b: a[2] > b[2] * 1.15),
        (StillMotion.RIGHT, lambda a, b: a[0] - b[0] > 0.1),
        (StillMotion.LEFT, lambda a, b: b[0] - a[0] > 0.1),
        (StillMotion.DOWN, lambda a, b: a[1] - b[1] > 0.1),
        (StillMotion.UP, lambda a, b: b[1] - a[1] > 0.1),
        (StillMotion.STILL, lambda a, b: np.allclose(a, b, atol=0.002)),
    ],
)
def test_each_motion_moves_in_its_direction(motion: StillMotion, moved: object) -> None:
    shown = list(
        slideshow._iter_frames(
            SlideshowPlan([StillPicture(dotted(), 1, motion)], form=ClipForm.SQUARE)
        )
    )
    assert callable(moved)
    assert moved(bright(shown[0]), bright(shown[-1]))
    steps = np.diff([bright(one)[:2] for one in shown[2:-2]], axis=0)
    assert np.abs(steps).max() < 0.012  # slow and steady


@given(st.integers(0, 2**32), st.lists(st.sampled_from(StillMotion), min_size=1, max_size=12))
def test_automatic_motion_depends_on_the_seed_and_never_repeats(
    seed: int, asked: list[StillMotion]
) -> None:
    cut = SlideshowPlan([StillPicture(flat(RED), motion=one) for one in asked], seed=seed)
    found = slideshow.chosen_motions(cut)
    assert found == slideshow.chosen_motions(cut)
    for number, one in enumerate(asked):
        assert found[number] in (slideshow.CHOSEN if one is StillMotion.AUTO else (one,))
        assert one is not StillMotion.AUTO or not number or found[number] is not found[number - 1]


def test_seeds_choose_different_motions() -> None:
    cut = SlideshowPlan([StillPicture(flat(RED))] * 6)
    assert len({tuple(slideshow.chosen_motions(replace(cut, seed=seed))) for seed in range(8)}) > 1


def test_caption_appears_on_its_still_with_accents(tmp_path: Path) -> None:
    said = StillPicture(
        flat((90, 90, 90)), 1, StillMotion.STILL, "L’été à Nîmes : ça brûle, cœur naïf"
    )
    shown = frames(
        slideshow.render_slideshow(SlideshowPlan([said, replace(said, caption="")], fades=False)),
        tmp_path,
    )
    lit = [int((np.asarray(one.convert("L")) > 200).sum()) for one in (shown[10], shown[-5])]
    assert lit[0] > 3000
    assert lit[1] == 0
    bare, accented = (
        text_overlay.draw_text_overlay(words, (720, 1280)).tobytes() for words in ("ete", "été")
    )
    assert bare != accented
    assert (
        text_overlay.draw_text_overlay("e\u0301te\u0301", (720, 1280)).tobytes() == accented
    )  # composed or decomposed


def test_long_caption_stays_inside_the_picture() -> None:
    for words in ("mot " * 30, "W" * 40):
        layer = text_overlay.draw_text_overlay(words, (720, 1280))
        left, top, right, bottom = layer.getbbox() or (0, 0, 0, 0)
        assert left >= 0
        assert right <= 720
        assert 640 < top < bottom < 1280 * 0.8


@pytest.mark.parametrize("whole", [False, True])
def test_wide_still_is_cropped_or_shown_whole(whole: bool) -> None:
    wide = flat(RED, (1600, 400))
    wide.paste(BLUE, (0, 0, 160, 400))  # at its outer edges
    wide.paste((30, 200, 30), (1440, 0, 1600, 400))
    frame = next(
        slideshow._iter_frames(
            SlideshowPlan([StillPicture(wide, 1, StillMotion.STILL)], whole=whole)
        )
    )
    row = np.asarray(frame)[640].astype(int)
    blue, green = ((row[:, colour] > row[:, 0] + 80).any() for colour in (2, 1))
    assert bool(blue and green) is whole


def test_portrait_clip_of_a_wide_still_shows_its_subject() -> None:
    wide = flat((120, 160, 200), (1600, 900))
    wide.paste((210, 30, 60), (1250, 300, 1420, 850))  # far from the centre
    frame = np.asarray(
        next(slideshow._iter_frames(SlideshowPlan([StillPicture(wide, 1, StillMotion.STILL)])))
    ).astype(int)
    assert (frame[:, :, 0] > frame[:, :, 2] + 80).mean() > 0.1


def test_background_sound_repeats_until_the_clip_ends() -> None:
    sound = footage.encode_speech("come to the beach")
    data = slideshow.render_slideshow(
        SlideshowPlan([StillPicture(flat(RED), 4)], form=ClipForm.SQUARE, sound=sound)
    )
    film = video_files.reopen_video(data, name="clip")
    assert film.heard is not None
    with video_files.work_folder() as folder:
        (folder / "out").write_bytes(film.heard)
        loud = video_files.measure_loudness(folder, name="clip", seconds=60)
    assert abs(film.seconds - 4) < 0.1
    assert max(loud[-24:-12]) > 0.2  # repeated: the speech itself ends earlier
    assert loud[-1] < 0.2
    assert data == slideshow.render_slideshow(
        SlideshowPlan([StillPicture(flat(RED), 4)], form=ClipForm.SQUARE, sound=sound)
    )


@pytest.mark.parametrize("seconds", [1.0, 6.0], ids=["shorter than the voice", "longer"])
def test_voice_plays_once_and_completely(seconds: float) -> None:
    sound = footage.encode_speech("come to the beach")
    said = video_files.inspect_video(sound, name="voice").seconds
    assert 1 < said < 4
    stills = (
        [StillPicture(flat(RED), seconds / 2), StillPicture(flat(BLUE), seconds / 2)]
        if seconds > 2
        else [StillPicture(flat(RED), 1)]
    )
    film = video_files.reopen_video(
        slideshow.render_slideshow(
            SlideshowPlan(stills, form=ClipForm.SQUARE, sound=sound, spoken=True)
        ),
        name="clip",
    )
    assert film.heard is not None
    with video_files.work_folder() as folder:
        (folder / "out").write_bytes(film.heard)
        loud = video_files.measure_loudness(folder, name="clip", seconds=60)
    assert film.seconds == pytest.approx(max(seconds, said + encoder.FADE_OUT_SECONDS), abs=0.1)
    at = [number * film.seconds / len(loud) for number in range(len(loud))]
    assert max(one for one, when in zip(loud, at, strict=True) if when > said + 0.1) < 0.05, (
        "the voice does not repeat"
    )
    assert max(one for one, when in zip(loud, at, strict=True) if said / 2 < when < said) > 0.1, (
        "the voice is not truncated"
    )


def test_voice_longer_than_any_clip_is_refused() -> None:
    with pytest.raises(BadInput) as refused:
        slideshow._extend_to_length(
            SlideshowPlan([StillPicture(flat(RED), 1)]), slideshow.MAX_SECONDS + 1
        )
    assert refused.value.message.code == "clip.voice_long"


@pytest.mark.parametrize(
    ("cut", "code"),
    [
        (SlideshowPlan([]), "clip.stills"),
        (SlideshowPlan([StillPicture(flat(RED))] * 31), "clip.stills"),
        (SlideshowPlan([StillPicture(flat(RED), 0.5)]), "clip.seconds"),
        (SlideshowPlan([StillPicture(flat(RED), float("nan"))]), "clip.seconds"),
        (SlideshowPlan([StillPicture(flat(RED), 15)] * 7), "clip.too_long"),
        (SlideshowPlan([StillPicture(flat(RED), caption="a" * 141)]), "clip.caption_long"),
        (SlideshowPlan([StillPicture(flat(RED), caption="\u6d77 hi")]), "clip.letters"),
        (SlideshowPlan([StillPicture(flat(RED), caption="W" * 130)]), "clip.caption_long"),
        (SlideshowPlan([StillPicture(flat(RED))], sound=b"GIF89a nothing"), "film.corrupt"),
        (
            SlideshowPlan(
                [StillPicture(flat(RED))],
                sound=footage.encode_video(
                    footage.build_frames(("G", 1)), suffix="mp4", more=("-an",)
                ),
            ),
            "clip.no_sound",
        ),
    ],
)
def test_invalid_slideshow_is_refused(cut: SlideshowPlan, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        slideshow.render_slideshow(cut)
    assert refused.value.message.code == code


def test_stopped_slideshow_removes_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def stop(done: int, _total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        slideshow.render_slideshow(SlideshowPlan([StillPicture(flat(RED), 2)]), told=stop)
    assert list(tmp_path.iterdir()) == []


def test_missing_font_is_reported(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as refused:
        text_overlay.font_of(32, (tmp_path / "none.ttf",))
    assert refused.value.message.code == "clip.no_font"

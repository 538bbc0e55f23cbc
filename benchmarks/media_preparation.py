"""Cost of preparing a picture: the whole ingestion compared with plain Pillow writing the same six
files.

Both process photographs of twelve megapixels in sequence, in one thread. The plain side opens,
rotates, resizes and saves, each thumbnail from the whole picture, as a script does. Greenroom also
inspects the container, converts colours to sRGB, keeps the file below the limits of all surfaces,
and computes hashes.
"""

import io
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageOps

from benchmarks.measurement import BENCHMARK_SEED
from foundation.ops.clock import monotonic
from generators.media import pictures, thumbnails

SIZE = (4032, 3024)
PICTURES = 4
ROUNDS = 3


def measure_media() -> dict[str, float]:
    """Return the pictures a second of both sides and their ratio. Takes about a minute."""
    pictures = [_draw_photograph(number) for number in range(PICTURES)]
    _make_renditions(pictures[0])
    _make_plain_copies(pictures[0])
    ours = []
    plain = []
    for _ in range(ROUNDS):  # alternating, so that other load on the machine affects both
        ours.append(_measure_rate(_make_renditions, pictures))
        plain.append(_measure_rate(_make_plain_copies, pictures))
    best = max(ours), max(plain)
    return {"media_per_s": best[0], "plain_per_s": best[1], "media_ratio": best[0] / best[1]}


def _measure_rate(make: Callable[[bytes], int], pictures: Sequence[bytes]) -> float:
    begun = monotonic()
    for data in pictures:
        make(data)
    return len(pictures) / (monotonic() - begun)


def _draw_photograph(number: int) -> bytes:
    """Return a smooth picture with some grain, like that of a camera."""
    rng = np.random.default_rng(BENCHMARK_SEED + number)
    coarse = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8), "RGB")
    smooth = np.asarray(coarse.resize(SIZE, Image.Resampling.BICUBIC), dtype=np.int16)
    grain = rng.integers(-6, 7, (SIZE[1], SIZE[0], 1), dtype=np.int16)
    buffer = io.BytesIO()
    Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8), "RGB").save(
        buffer, "JPEG", quality=92
    )
    return buffer.getvalue()


def _make_renditions(data: bytes) -> int:
    """Write the rendition and its thumbnails; returns the number of files."""
    photo = pictures.decode_photo(data, name="bench.jpg")
    rendered = pictures.render_photo(photo, pictures.POST_PROFILE)
    flat = pictures.flatten_on(photo.pixels, (255, 255, 255))
    return 1 + len(list(thumbnails.make_thumbnails(flat, mark=rendered.sha256)))


def _make_plain_copies(data: bytes) -> int:
    """Write the same files as a plain script."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    edges = (pictures.POST_PROFILE.max_edge, *thumbnails.THUMBNAIL_SIZES)
    for edge in edges:
        small = image.copy()
        small.thumbnail((edge, edge), Image.Resampling.LANCZOS)
        if edge == pictures.POST_PROFILE.max_edge:
            small.save(
                io.BytesIO(),
                "JPEG",
                quality=pictures.POST_PROFILE.quality,
                progressive=True,
                optimize=True,
            )
        else:
            small.save(io.BytesIO(), "WEBP", quality=80)
    return len(edges)

"""Visible stamps on pictures that were not made by a full-quality model."""

from PIL import Image, ImageDraw, ImageFont

DEMO_STAMP = "DEMO MODEL"
"""The stamp on pictures of demo-quality models."""


def draw_stamp(image: Image.Image, word: str) -> None:
    """Draw a word on an RGB picture, in a band at the bottom and faintly across the middle, so that
    a cropped copy still shows it."""
    draw = ImageDraw.Draw(image, "RGBA")
    band = max(12, round(image.height * 0.045))
    draw.rectangle((0, image.height - band, image.width, image.height), fill=(18, 20, 28, 205))
    font = ImageFont.load_default(band * 0.52)
    spaced = " ".join(word)
    draw.text(
        (image.width / 2, image.height - band / 2),
        spaced,
        font=font,
        fill=(255, 255, 255, 235),
        anchor="mm",
    )
    large = ImageFont.load_default(image.width * 0.082)
    faint = Image.new("L", image.size)
    ImageDraw.Draw(faint).text(
        (image.width / 2, image.height / 2), word, font=large, fill=46, anchor="mm"
    )
    image.paste((255, 255, 255), mask=faint)

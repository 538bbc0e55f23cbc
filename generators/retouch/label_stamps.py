"""What no large model made says so on its face."""

from PIL import Image, ImageDraw, ImageFont

DEMO_STAMP = "DEMO MODEL"
"""On the pictures of models of demonstration quality."""


def draw_stamp(image: Image.Image, word: str) -> None:
    """Write a word on an RGB picture, on a band below and once more, faint, across the middle: a
    crop keeps one."""
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

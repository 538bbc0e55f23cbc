"""A drawn face that the bundled detector finds: the repository holds no photographs of people."""

from PIL import Image, ImageDraw, ImageFilter

SKIN = (224, 172, 140)
BACKGROUND = (110, 130, 150)


def draw_face(edge: int = 64) -> Image.Image:
    """Return a frontal face as a square."""
    image = Image.new("RGB", (256, 256), (90, 120, 90))
    pen = ImageDraw.Draw(image)
    pen.ellipse((70, 30, 186, 90), fill=(50, 35, 25))
    pen.ellipse((75, 45, 181, 205), fill=SKIN)
    pen.polygon([(100, 195), (156, 195), (170, 256), (86, 256)], fill=SKIN)
    for x in (105, 151):
        pen.ellipse((x - 14, 93, x + 14, 107), fill=(250, 250, 250))
        pen.ellipse((x - 6, 94, x + 6, 106), fill=(40, 30, 20))
        pen.line((x - 16, 85, x + 16, 83), fill=(60, 40, 30), width=4)
    pen.polygon([(128, 105), (117, 145), (139, 145)], fill=(190, 146, 119))
    pen.ellipse((103, 162, 153, 178), fill=(170, 70, 70))
    pen.line((105, 170, 151, 170), fill=(110, 40, 40), width=2)
    return image.filter(ImageFilter.GaussianBlur(1.5)).resize((edge, edge))


def picture_with_face(wide: int = 320, high: int = 240) -> Image.Image:
    """Return a picture of a plain wall with two faces, one of which is small enough to be found in
    an enlarged cut."""
    image = Image.new("RGB", (wide, high), BACKGROUND)
    image.paste(draw_face(), (wide // 3, high // 3))
    image.paste(draw_face(26), (wide // 2 + 30, high // 2))
    return image

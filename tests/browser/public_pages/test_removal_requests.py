"""The removal form and the receipt in a real browser: no picture is uploaded, and its fingerprint
is the one that Python computes."""

import io
import random
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFilter

from foundation.i18n.translation import Message, render_message
from gate.removal import removal_requests
from generators.media import perceptual_hashes
from tests.browser.chromium import Chromium, Visitor
from tests.browser.page_checks import page_faults
from tests.browser.public_pages.test_creator_page import at, photo
from tests.web.builders import CreatorPage, WebServer, create_page
from tests.web.removal.test_receipts import forgotten


def word(code: str, language: str, **params: str | int) -> str:
    return render_message(Message(code, params), language)


def drawn(number: int, size: tuple[int, int]) -> Image.Image:
    """Return a picture of soft shapes of many sizes."""
    dice = random.Random(number)
    image = Image.new("RGB", size, tuple(dice.randrange(256) for _ in range(3)))
    pen = ImageDraw.Draw(image)
    for _ in range(40):
        x, y, r = (
            dice.randrange(size[0]),
            dice.randrange(size[1]),
            dice.randrange(10, 1 + max(size) // 3),
        )
        pen.ellipse((x - r, y - r, x + r, y + r), fill=tuple(dice.randrange(256) for _ in range(3)))
    return image.filter(ImageFilter.GaussianBlur(2))


def written(image: Image.Image, kind: str, folder: Path, number: int) -> Path:
    path = folder / f"{number}.{kind.lower()}"
    image.save(path, kind, **({"quality": 85} if kind != "PNG" else {}))
    return path


def looked_at(visitor: Visitor, path: Path) -> list[str]:
    """Choose a file in the form and return its fingerprints."""
    visitor.page.set_input_files("#picture", str(path))
    visitor.until("document.querySelector('#look').value.length > 0")
    return str(visitor.run("document.querySelector('#look').value")).split(",")


SIZES = [(640, 480), (333, 1001), (32, 32), (20, 50), (1500, 1000), (4001, 300)]


def test_browser_and_python_hashes_agree_without_upload(
    chromium: Chromium, mia: CreatorPage, tmp_path: Path
) -> None:
    furthest = 0
    with chromium.visitor() as visitor:
        visitor.go(at(mia, "report"))
        asked = len(visitor.requests)
        for number, size in enumerate(SIZES * 4):
            path = written(
                drawn(number, size), ("PNG", "JPEG", "WEBP")[number % 3], tmp_path, number
            )
            with Image.open(path) as image:
                image.load()
                wanted = [
                    perceptual_hashes.phash(image),
                    *perceptual_hashes.transformed_hashes(image),
                ]
            found = [bytes.fromhex(one) for one in looked_at(visitor, path)]
            assert len(found) == len(wanted) == 16
            apart = [
                min(perceptual_hashes.hamming_distance(one, mine) for mine in found)
                for one in wanted
            ]
            assert (
                perceptual_hashes.hamming_distance(wanted[0], found[0])
                <= perceptual_hashes.SAME_DISTANCE
            ), (
                number,
                size,
            )
            assert max(apart) <= perceptual_hashes.SAME_DISTANCE, (number, size)
            furthest = max(furthest, *apart)
        more = [one for one in visitor.requests[asked:] if not one.endswith("/static/icon.svg")]
        assert more == [], "choosing a picture sends no request"
        assert visitor.complaints == []
    assert furthest <= perceptual_hashes.SAME_DISTANCE


@pytest.mark.parametrize(("language", "width"), [("fr", 390), ("en", 1280)])
def test_similar_picture_is_found_and_its_receipt_opens(
    chromium: Chromium, room: WebServer, tmp_path: Path, language: str, width: int
) -> None:
    mine = create_page(room, language=language)
    forgotten(mine)
    theirs = drawn(7000 + width, (800, 600))
    out = io.BytesIO()
    theirs.save(out, "PNG")
    sha256 = mine.stage(out.getvalue())
    with mine.scope() as scope, scope.acting_as("gate"):
        look = perceptual_hashes.phash(theirs).hex()
        scope.run("UPDATE renditions SET phash = :l WHERE sha256 = :s", l=look, s=sha256)
    mine.post(media=[sha256])
    mine.post(media=[mine.stage(photo(3))])
    saved = tmp_path / "saved.jpg"
    theirs.resize((400, 300)).save(saved, "JPEG", quality=70)
    with chromium.visitor(width, language=language) as visitor:
        visitor.go(at(mine, "report"))
        assert page_faults(visitor) == []
        looked_at(visitor, saved)
        visitor.shows(word("report.look_done", language))
        bodies: list[bytes | None] = []
        visitor.page.on(
            "request",
            lambda sent: bodies.append(sent.post_data_buffer) if sent.method == "POST" else None,
        )
        visitor.press(word("complaint.send", language))
        visitor.shows(word("complaint.receipt", language))
        assert len(bodies) == 1
        assert bodies[0] is not None
        assert len(bodies[0]) < 1000
        assert saved.read_bytes()[:8] not in bodies[0]
        receipt = visitor.page.url.rsplit("/", 1)[1]
        visitor.shows(word("receipt.answer_here", language))
        pin = str(visitor.run("document.querySelector('[role=status] b').innerText"))
        assert page_faults(visitor) == []
        with mine.scope() as scope:
            assert removal_requests.get_removal_request(
                scope, removal_requests.find_status_by_receipt(scope, receipt).id
            ).digests == [sha256]
    with chromium.visitor(width, language=language) as another:
        another.go(at(mine, f"report/{receipt}"))
        assert page_faults(another) == []
        another.hides(word("receipt.answer_here", language))
        another.type(
            word("receipt.pin", language), "12345678" if pin != "1234 5678" else "87654321"
        )
        another.press(word("receipt.open", language))
        another.shows(word("receipt.wrong", language))
        another.type(word("receipt.pin", language), pin)
        another.press(word("receipt.open", language))
        another.shows(word("receipt.answer_here", language))
        another.hides(pin)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_form_works_without_scripts(chromium: Chromium, room: WebServer, language: str) -> None:
    mine = create_page(room, language=language)
    item = mine.post(media=[mine.stage(photo(4))])
    context = chromium.browser.new_context(java_script_enabled=False, locale=language)
    try:
        window = context.new_page()
        window.goto(at(mine, "report"))
        assert not window.locator("#compare").is_visible()
        window.fill("#address", f"https://pages.example.test/{mine.slug}/p/{item}")
        window.fill("#words", "<b>me</b>")
        window.get_by_role("button", name=word("complaint.send", language)).click()
        assert word("complaint.receipt", language) in window.inner_text("body")
    finally:
        context.close()
    with mine.scope() as scope:
        known = removal_requests.latest_status(scope, mine.creator_id)
        assert known is not None
        assert removal_requests.get_removal_request(scope, known.id).digests

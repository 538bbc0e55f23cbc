"""A creator page in a real browser: nothing executes, nothing foreign is requested, and it is
accessible."""

import io

import pytest
from PIL import Image

from gate.contract.units import Rating
from tests.browser.chromium import Chromium
from tests.browser.page_checks import page_faults
from tests.web.builders import CreatorPage, WebServer, create_page
from tests.web.site.test_markup_injection import ATTACKS, DISGUISED
from tests.web.site.test_pages import some_pack

LIVE = [
    "<script>window.hit=1</script>",
    "<img src=x onerror='window.hit=1'>",
    "<svg onload='window.hit=1'>",
    "</title><script>window.hit=1</script>",
    '"><script>window.hit=1</script>',
    "<iframe srcdoc='<script>parent.hit=1</script>'>",
    "<style>body{display:none}</style>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
]


def at(mine: CreatorPage, place: str = "") -> str:
    """Return the URL of a path of the page on this server."""
    return f"{str(mine.room.client.base_url).rstrip('/')}/{mine.slug}/{place}"


def photo(number: int) -> bytes:
    out = io.BytesIO()
    Image.effect_mandelbrot((320, 240), (-2 - number, -1.5, 1, 1.5), 30).save(out, "PNG")
    return out.getvalue()


def full(room: WebServer, language: str = "fr") -> CreatorPage:
    """Return a page with packs, labeled and unlabeled pictures, long words and an edit."""
    mine = create_page(
        room, language=language, title="Mia Laurent", about="Photographe. Lumières du matin."
    )
    some_pack(mine)
    some_pack(mine, rating=Rating.S, title="Sans fin et sans espace")
    first, second = mine.stage(photo(0)), mine.stage(photo(1), Rating.S, ai="generated")
    mine.post(title="Au bord de l'eau", text="Une phrase.\nUne autre.", media=[first])
    key = mine.post(
        text="x" * 400,
        media=[first, {"sha256": second, "mime": "image/png", "ai": "generated"}],
        ai=True,
    )
    mine.post(key, text="Un mot " + "interminable" * 30, media=[first], ai=True)
    return mine


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_creator_page_is_accessible(
    chromium: Chromium, room: WebServer, language: str, width: int, dark: bool
) -> None:
    mine = full(room, language)
    with chromium.visitor(width, dark=dark) as visitor:
        for place in (
            "",
            f"p/{mine.feed()['items'][0]['url'].rsplit('/', 1)[1]}",
            "p/nothing-here-at-all",
        ):
            visitor.go(at(mine, place))
            assert page_faults(visitor) == [], place
        visitor.go(at(mine))
        visitor.until("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
        assert [one for one in visitor.complaints if "/p/nothing" not in one] == []
        assert visitor.hosts == {room.client.base_url.netloc.decode()}


def test_markup_in_content_never_executes(chromium: Chromium, room: WebServer) -> None:
    words = [*LIVE, *ATTACKS]
    said = [one for one in words if one != DISGUISED]
    mine = create_page(room, title="".join(said), about="\n".join(said))
    sha256 = mine.stage(photo(2))
    keys = [
        mine.post(title=one, text=one, media=[{"sha256": sha256, "mime": "image/png", "alt": one}])
        for one in words
    ]
    with chromium.visitor() as visitor:
        for place in ("", *(f"p/{key}" for key in keys[: len(LIVE)])):
            visitor.go(at(mine, place))
            assert visitor.run("window.hit") is None
            assert visitor.run("getComputedStyle(document.body).display") == "block"
            assert (
                visitor.run("document.querySelectorAll('script, iframe, svg, style').length") == 0
            )
        assert visitor.hosts == {room.client.base_url.netloc.decode()}


def test_content_security_policy_blocks_unescaped_markup(
    chromium: Chromium, mia: CreatorPage, room: WebServer
) -> None:
    """Even if a template forgot to escape, the browser neither executes the markup nor loads from
    elsewhere."""
    with chromium.visitor() as visitor:
        visitor.go(at(mia))
        visitor.run(
            "document.body.insertAdjacentHTML('beforeend', `<img src=x onerror='window.hit=1'>`)"
        )
        visitor.run(
            "document.body.insertAdjacentHTML('beforeend', `<img "
            "src='http://127.0.0.1:9/spy.png'>`)"
        )
        visitor.run(
            "(() => { const s = document.createElement('script'); s.text = 'window.hit=1'; "
            "document.body.append(s) })()"
        )
        visitor.until("document.images.length === 2")
        visitor.run("new Promise(done => setTimeout(done, 300))")
        assert visitor.run("window.hit") is None
        assert any("Content Security Policy" in one for one in visitor.complaints)

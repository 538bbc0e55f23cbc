"""A site with a feed that supports conditional requests and fails on request."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from connectors.conformance.fake_servers import serve_app

RSS = "application/rss+xml"


@dataclass
class FeedSite:
    """A site with one feed at `/feed`. `mode` selects a failure; `asked` contains the headers of
    each request."""

    url: str = ""
    entries: list[tuple[str, str, str]] = field(default_factory=list)
    mode: str = ""
    where: str = ""
    """Target of a redirect."""
    asked: list[dict[str, str]] = field(default_factory=list)

    @property
    def feed(self) -> str:
        """URL of the feed."""
        return f"{self.url}/feed"

    def say(
        self, *guids: str, title: str = "Titre {}", words: str = "<p>Des <b>mots</b> {}</p>"
    ) -> None:
        """Add entries to the start of the feed."""
        for guid in guids:
            self.entries.insert(0, (guid, title.format(guid), words.format(guid)))

    def rss(self) -> bytes:
        """Return the current feed as RSS."""
        items = "".join(
            f"<item><guid>{escape(guid)}</guid><title>{escape(title)}</title>"
            f"<description>{escape(words)}</description><link>https://blog.example/{escape(guid)}<"
            "/link></item>"
            for guid, title, words in self.entries
        )
        return (
            "<?xml version='1.0'?><rss "
            f"version='2.0'><channel><title>Blog</title>{items}</channel></rss>"
        ).encode()

    async def answer(self, request: Request) -> Response:
        """Respond as `mode` requires."""
        self.asked.append(dict(request.headers))
        etag = f'"{len(self.entries)}-{self.entries[0][0] if self.entries else ""}"'
        match self.mode:
            case "":
                if request.headers.get("if-none-match") == etag:
                    return Response(status_code=304)
                return Response(self.rss(), media_type=RSS, headers={"etag": etag})
            case "broken":
                return Response(self.rss()[:20], media_type=RSS)
            case "html":
                return Response(
                    "<!doctype html><html><body>hi</body></html>", media_type="text/html"
                )
            case "laughs":
                return Response(billion_laughs_feed(), media_type=RSS)
            case "files":
                return Response(file_entity_feed(), media_type=RSS)
            case "redirect":
                return Response(status_code=302, headers={"location": self.where})
            case "huge":
                return StreamingResponse(_endless())
            case "hang":
                await asyncio.sleep(5)
                return Response(self.rss())
            case status:
                return Response(status_code=int(status))


async def _endless() -> AsyncIterator[bytes]:
    for _ in range(10_000):
        yield b"<!-- " + b"x" * 65_000 + b" -->"


def billion_laughs_feed() -> bytes:
    """Return a feed whose entities would expand to a billion ("billion laughs")."""
    more = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    doctype = f'<!DOCTYPE rss [<!ENTITY l0 "lol">{more}]>'
    return (
        f"<?xml version='1.0'?>{doctype}<rss><channel><title>&l9;</title></channel></rss>".encode()
    )


def file_entity_feed() -> bytes:
    """Return a feed with an external entity that names a local file of the reader."""
    doctype = '<!DOCTYPE rss [<!ENTITY f SYSTEM "file:/etc/passwd">]>'
    return (
        f"<?xml version='1.0'?>{doctype}<rss><channel><title>&f;</title></channel></rss>".encode()
    )


@contextmanager
def site() -> Iterator[FeedSite]:
    """Run a feed site."""
    made = FeedSite()
    with serve_app(Starlette(routes=[Route("/feed", made.answer)])) as url:
        made.url = url
        yield made

"""A minimal YouTube for uploads. It stores videos and publishes scheduled ones later.

Source: https://developers.google.com/youtube/v3/docs/videos/insert
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from connectors.conformance.fake_servers import serve_app


@dataclass
class YouTubeUploadStub:
    """The uploaded videos."""

    url: str = ""
    videos: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def youtube() -> Iterator[YouTubeUploadStub]:
    """Run the stub. `status.publishAt` applies only to private videos, as in the real API."""
    kept, app = YouTubeUploadStub(), FastAPI()

    @app.post("/upload/youtube/v3/videos")
    async def insert(request: Request) -> JSONResponse:
        told = await request.json()
        status = told.get("status", {})
        if "publishAt" in status and status.get("privacyStatus") != "private":
            return JSONResponse({"error": {"code": 400, "message": "invalidPublishAt"}}, 400)
        kept.videos.append(told)
        return JSONResponse({"id": f"v{len(kept.videos):010d}", **told})

    with serve_app(app) as kept.url:
        yield kept

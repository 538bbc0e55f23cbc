"""Google's Python client works with the fake YouTube: resumable uploads, thumbnails, metadata,
comments and deletion.

The tests use no search and no Analytics, which the fake does not offer.
"""

import hashlib
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from google.auth.exceptions import RefreshError
from google.oauth2.credentials import Credentials

# the package has no type information
from googleapiclient.discovery import build_from_document  # type: ignore[import-untyped]  # see above

# nor has this one
from googleapiclient.discovery_cache import get_static_doc  # type: ignore[import-untyped]  # see above
from googleapiclient.errors import HttpError  # type: ignore[import-untyped]  # nor here
from googleapiclient.http import MediaIoBaseUpload  # type: ignore[import-untyped]  # nor here

from tests.fakes.reddit.client import picture
from tests.fakes.youtube.client import FILM
from tests.fakes.youtube.server import FakeYouTube, Member, youtube
from tests.fakes.youtube.uploads import PIECE

BODY = {
    "snippet": {"title": "A wall", "description": "waves", "categoryId": "22"},
    "status": {
        "privacyStatus": "public",
        "selfDeclaredMadeForKids": False,
        "containsSyntheticMedia": True,
    },
}


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeYouTube]:
    with youtube() as running:
        yield running
        assert [one for one in running.spec.refused if one.startswith("answer")] == []


def client(fake: FakeYouTube, mine: Member) -> Any:
    """Build the client from the description bundled with the library, which contains the upload
    paths too."""
    described = json.loads(get_static_doc("youtube", "v3")) | {
        "rootUrl": f"{fake.url}/",
        "baseUrl": f"{fake.url}/",
    }
    shown = Credentials(mine.token)  # type: ignore[no-untyped-call]  # nor here
    return build_from_document(described, credentials=shown)


def upload(api: Any) -> str:
    film = MediaIoBaseUpload(io.BytesIO(FILM), "video/mp4", chunksize=PIECE, resumable=True)
    return str(
        api.videos().insert(part="snippet,status", body=BODY, media_body=film).execute()["id"]
    )


def test_google_client_uploads_reads_updates_and_deletes(fake: FakeYouTube) -> None:
    nova = fake.account("nova")
    api = client(fake, nova)
    (me,) = api.channels().list(part="id,snippet,statistics", mine=True).execute()["items"]
    assert me["id"] == nova.channel_id
    film = upload(api)
    assert nova.videos[film].size == len(FILM)
    (told,) = api.videos().list(part="snippet,status,statistics", id=film).execute()["items"]
    assert (told["snippet"]["title"], told["status"]["containsSyntheticMedia"]) == ("A wall", True)
    said = {"id": film, "snippet": {"title": "A beach", "categoryId": "22"}}
    assert api.videos().update(part="snippet", body=said).execute()["snippet"]["title"] == "A beach"
    assert api.videos().delete(id=film).execute() == ""
    assert api.videos().list(part="id", id=film).execute()["items"] == []
    with pytest.raises(HttpError) as refused:
        api.videos().delete(id=film).execute()
    assert (refused.value.status_code, refused.value.error_details[0]["reason"]) == (
        404,
        "videoNotFound",
    )


def test_google_client_sets_a_thumbnail_where_permitted(fake: FakeYouTube) -> None:
    mia = fake.account("mia")
    api, data = client(fake, mia), picture()
    film = upload(api)

    def cover() -> Any:
        return api.thumbnails().set(
            videoId=film, media_body=MediaIoBaseUpload(io.BytesIO(data), "image/png")
        )

    assert cover().execute()["kind"] == "youtube#thumbnailSetResponse"
    assert mia.videos[film].cover == hashlib.sha256(data).hexdigest()
    mia.may_cover = False
    with pytest.raises(HttpError) as refused:
        cover().execute()
    assert (refused.value.status_code, refused.value.error_details[0]["reason"]) == (
        403,
        "forbidden",
    )


def test_google_client_comments_and_replies(fake: FakeYouTube) -> None:
    api = client(fake, fake.account("eva"))
    film = upload(api)
    first = {"videoId": film, "topLevelComment": {"snippet": {"textOriginal": "bonjour"}}}
    made = api.commentThreads().insert(part="snippet", body={"snippet": first}).execute()
    answer = {"snippet": {"parentId": made["id"], "textOriginal": "merci"}}
    assert (
        api.comments().insert(part="snippet", body=answer).execute()["snippet"]["textDisplay"]
        == "merci"
    )
    (thread,) = api.commentThreads().list(part="snippet,replies", videoId=film).execute()["items"]
    assert [one["snippet"]["textDisplay"] for one in thread["replies"]["comments"]] == ["merci"]


def test_google_client_fails_on_an_invalid_token(fake: FakeYouTube) -> None:
    stranger = client(fake, Member("nobody", "ya29.nobody", "", fake.clock(), fake.app))
    with pytest.raises(RefreshError):  # on 401 the client tries to refresh and has no refresh token
        stranger.channels().list(part="id", mine=True).execute()

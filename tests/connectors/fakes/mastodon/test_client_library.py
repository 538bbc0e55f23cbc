"""Mastodon.py works with the fake: it posts text and pictures, waits for media, replies, repeats a
key and deletes."""

import io
from collections.abc import Iterator

import pytest
from mastodon import Mastodon as Library
from mastodon.errors import MastodonAPIError, MastodonNotFoundError, MastodonUnauthorizedError
from PIL import Image

from tests.fakes.mastodon.responses import VERSION
from tests.fakes.mastodon.server import FakeMastodon, mastodon


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeMastodon]:
    with mastodon() as started:
        yield started


def client(fake: FakeMastodon, token: str) -> Library:
    return Library(
        access_token=token,
        api_base_url=fake.url,
        mastodon_version=VERSION,
        version_check_mode="created",
        ratelimit_method="throw",
    )


def test_mastodon_py_posts_media_repeats_keys_and_deletes(fake: FakeMastodon) -> None:
    mine = fake.account("lib")
    api = client(fake, mine.token)
    assert api.account_verify_credentials().acct == "lib"
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    picture = api.media_post(
        file.getvalue(), "image/png", description="une plage", synchronous=True
    )
    said = api.status_post("bonjour", media_ids=[picture], idempotency_key="k1", language="fr")
    assert [(one.id, one.description) for one in said.media_attachments] == [
        (picture.id, "une plage")
    ]
    assert (
        api.status_post("bonjour", media_ids=[picture], idempotency_key="k1", language="fr").id
        == said.id
    )
    answer = api.status_post("encore", in_reply_to_id=said.id, visibility="unlisted")
    assert [one.id for one in api.account_statuses(api.me().id)] == [answer.id, said.id]
    assert api.status(said.id).replies_count == 1
    assert api.status_source(said.id).text == "bonjour"
    api.status_delete(said.id)
    with pytest.raises(MastodonNotFoundError):
        api.status(said.id)
    with pytest.raises(MastodonAPIError):
        api.status_post("x" * 501)
    with pytest.raises(MastodonUnauthorizedError):
        client(fake, "nobody").account_verify_credentials()

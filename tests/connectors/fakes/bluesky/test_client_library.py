"""atproto, the Python client library that Bluesky recommends, works with the fake. It inspects
tokens, uploads files without a content type, and creates records with keys of the server's choice.

The tests cover no conversation list, feed or thread, which the fake does not offer.
"""

import io
from collections.abc import Iterator

import pytest
from atproto import Client, models
from atproto.exceptions import BadRequestError, UnauthorizedError
from PIL import Image

from tests.fakes.bluesky.server import FakeBluesky, bluesky


@pytest.fixture(scope="module")
def server() -> Iterator[FakeBluesky]:
    with bluesky() as started:
        yield started


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    return file.getvalue()


def client(server: FakeBluesky, handle: str) -> Client:
    found = Client(f"{server.url}/xrpc")
    found.login(handle, server.account(handle).app_password)
    return found


def test_atproto_signs_in_and_renews_its_session(server: FakeBluesky) -> None:
    lea = client(server, "lea.test")
    assert lea.me is not None
    assert lea.me.handle == "lea.test"
    kept = lea.export_session_string()
    again = Client(f"{server.url}/xrpc")
    assert again.login(session_string=kept).did == lea.me.did
    assert again.com.atproto.server.get_session().active
    renewed = lea.com.atproto.server.refresh_session(
        headers={"Authorization": f"Bearer {kept.split(':::')[3]}"}
    )
    assert renewed.refresh_jwt not in kept
    with pytest.raises(UnauthorizedError):
        Client(f"{server.url}/xrpc").login("lea.test", "wrong")


def test_atproto_posts_and_reads_text_and_images(server: FakeBluesky) -> None:
    mia = client(server, "mia.test")
    said = mia.send_post("bonjour")
    shown = mia.send_image("une image", picture(), "une plage")
    first, second = mia.get_posts([said.uri, shown.uri]).posts
    assert (first.record.text, second.record.text) == ("bonjour", "une image")
    image = second.record.embed.images[0]
    assert (image.alt, image.image.mime_type) == ("une plage", "image/png"), (
        "the server inspects the file"
    )
    assert mia.delete_post(said.uri)
    assert [one.uri for one in mia.get_posts([said.uri, shown.uri]).posts] == [shown.uri]
    repo, key = said.uri.removeprefix("at://").split("/")[0], said.uri.rpartition("/")[2]
    with pytest.raises(BadRequestError, match="Could not locate"):
        mia.com.atproto.repo.get_record(
            {"repo": repo, "collection": "app.bsky.feed.post", "rkey": key}
        )


def test_atproto_replies_likes_and_reads_notifications(server: FakeBluesky) -> None:
    eva, ann = client(server, "eva.test"), client(server, "ann.test")
    said = eva.send_post("qui est là ?")
    above = models.create_strong_ref(said)
    answer = ann.send_post(
        "moi", reply_to=models.AppBskyFeedPost.ReplyRef(parent=above, root=above)
    )
    (told,) = eva.app.bsky.notification.list_notifications().notifications
    assert (told.uri, told.reason) == (answer.uri, "reply")
    liked = eva.like(answer.uri, answer.cid)
    assert eva.unlike(liked.uri)


def test_atproto_sends_a_message(server: FakeBluesky) -> None:
    zoe, leo = client(server, "zoe.test"), client(server, "leo.test")
    assert leo.me is not None
    chat = zoe.with_bsky_chat_proxy().chat.bsky.convo
    convo = chat.get_convo_for_members({"members": [leo.me.did]}).convo
    sent = chat.send_message({"convo_id": convo.id, "message": {"text": "bonsoir"}})
    (read,) = chat.get_messages({"convo_id": convo.id}).messages
    assert (read.id, read.text) == (sent.id, "bonsoir")

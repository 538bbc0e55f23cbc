"""The Bluesky connector: contents of a record, meaning of responses, and sign-in."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.contract.account_setup import ConnectedAccount
from connectors.contract.connector import (
    FileRef,
    LookupQuery,
    PlatformCopy,
    RefreshGrant,
    RenewedTokens,
    Response,
    Send,
    StepAnswerLost,
    StepNotSent,
    StepResult,
)
from connectors.contract.outcomes import (
    Absent,
    Disconnected,
    Found,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.platforms.bluesky.account import LIFETIME, TOKEN_GRACE
from connectors.platforms.bluesky.publisher import Bluesky
from connectors.platforms.bluesky.record import record_key
from connectors.shared.http_responses import SHORT_RETRY
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.contract.units import Medium, Subject, Text, Unit

DID = "did:plc:abcdefghijklmnopqrstuvwx"
AT = datetime(2026, 11, 20, 10, 0, 0, 123456, tzinfo=UTC)
KEY = record_key("gr1", AT)
URI = f"at://{DID}/app.bsky.feed.post/{KEY}"
BLUESKY = Bluesky()
UNIT = Unit(
    tenant_id=uuid7(),
    creator_id=uuid7(),
    subject=Subject("delivery", uuid7()),
    platform="bluesky",
    surface="bluesky.post",
    channel_id=uuid7(),
    account=DID,
    audience="public",
    texts=(Text("body", "Bonjour"),),
    language="fr",
    native_key=KEY,
)
PICTURE = Medium("ab" * 32, "image/jpeg", 900_000, alt="A beach", width=2048, height=1365)
FILM = Medium("cd" * 32, "video/mp4", 50_000_000, alt="Waves", width=720, height=1280)
BLOB = {"$type": "blob", "ref": {"$link": "bafkreihash"}, "mimeType": "image/jpeg", "size": 900_000}


def uploaded(blob: Mapping[str, Any] = BLOB) -> Response:
    return Response(f"stage:{'ab' * 12}", 200, body={"blob": blob})


def record(unit: Unit, *answers: StepResult) -> dict[str, Any]:
    turn = BLUESKY.next_step(unit, answers)
    assert isinstance(turn, Send)
    assert turn.step.json is not None
    made: dict[str, Any] = turn.step.json["record"]
    return made


def refused(status: int, error: str, message: str = "", **headers: str) -> Response:
    return Response("publish", status, headers, {"error": error, "message": message})


def test_record_contains_text_media_language_and_labels() -> None:
    unit = replace(UNIT, media=(PICTURE,), flags=("selfLabels=sexual",))
    assert record(unit, uploaded()) == {
        "$type": "app.bsky.feed.post",
        "text": "Bonjour",
        "createdAt": "2026-11-20T10:00:00.123456Z",
        "langs": ["fr"],
        "embed": {
            "$type": "app.bsky.embed.images",
            "images": [
                {"alt": "A beach", "image": BLOB, "aspectRatio": {"width": 2048, "height": 1365}}
            ],
        },
        "labels": {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "sexual"}]},
    }
    turn = BLUESKY.next_step(unit, (uploaded(),))
    assert isinstance(turn, Send)
    assert turn.step.json is not None
    assert (turn.step.json["rkey"], turn.step.json["swapRecord"]) == (KEY, None)


def filmed(size: int = FILM.size) -> Response:
    blob = {"$type": "blob", "ref": {"$link": "bafkreifilm"}, "mimeType": "video/mp4", "size": size}
    return Response(f"stage:{'cd' * 12}", 200, body={"blob": blob})


def test_video_is_uploaded_as_a_blob_and_is_the_only_embed() -> None:
    unit = replace(UNIT, media=(FILM,), flags=("selfLabels=sexual",))
    turn = BLUESKY.next_step(unit, ())
    assert isinstance(turn, Send)
    assert (turn.step.path, turn.step.file) == (
        "/xrpc/com.atproto.repo.uploadBlob",
        FileRef(FILM.sha256, "video/mp4"),
    )
    made = record(unit, filmed())
    assert made["embed"] == {
        "$type": "app.bsky.embed.video",
        "video": filmed().body["blob"],
        "alt": "Waves",
        "aspectRatio": {"width": 720, "height": 1280},
    }
    assert made["labels"]["values"] == [{"val": "sexual"}]
    assert (
        "aspectRatio"
        not in record(replace(unit, media=(replace(FILM, width=0),)), filmed())["embed"]
    )


def test_thread_part_may_be_a_video() -> None:
    part = replace(UNIT, parts=2, reply_to=PARENT, media=(FILM,))
    made = record(part, filmed(), above())
    assert (made["embed"]["$type"], made["reply"]["parent"]["uri"]) == (
        "app.bsky.embed.video",
        PARENT,
    )


def test_unknown_values_are_omitted() -> None:
    assert set(record(replace(UNIT, language=""))) == {"$type", "text", "createdAt"}
    bare = replace(PICTURE, width=0, height=0)
    assert (
        "aspectRatio" not in record(replace(UNIT, media=(bare,)), uploaded())["embed"]["images"][0]
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"texts": (Text("body", "x" * 301),)}, "connectors.text_too_long"),
        ({"texts": (Text("body", "👩‍👩‍👧‍👦" * 121),)}, "connectors.text_too_heavy"),
        ({"media": (PICTURE,) * 5}, "connectors.too_many_media"),
        ({"media": (replace(PICTURE, size=2_000_001),)}, "connectors.medium_unfit"),
        ({"media": (replace(PICTURE, mime="video/webm"),)}, "connectors.medium_unfit"),
        ({"media": (replace(FILM, size=50_000_001),)}, "connectors.medium_unfit"),
        ({"media": (FILM, PICTURE)}, "bluesky.film_alone"),
        ({"media": (FILM, replace(FILM, sha256="ef" * 32))}, "bluesky.film_alone"),
        ({"media": (replace(FILM, alt=" "),)}, "connectors.alt_missing"),
        ({"media": (replace(PICTURE, alt=" "),)}, "connectors.alt_missing"),
        ({"flags": ("sensitive=true",)}, "connectors.mark_untold"),
        ({"native_key": "gr1234"}, "connectors.no_key"),
    ],
)
def test_unit_over_the_limits_is_rejected(change: dict[str, Any], code: str) -> None:
    turn = BLUESKY.next_step(replace(UNIT, **change), ())
    assert isinstance(turn, Rejected)
    assert turn.reason.code == code


def test_length_counts_graphemes() -> None:
    assert isinstance(
        BLUESKY.next_step(replace(UNIT, texts=(Text("body", "👩‍👩‍👧‍👦" * 100),)), ()), Send
    )


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (Response("publish", 200, body={"uri": URI, "cid": "bafy"}), Published),
        (
            Response(
                "publish",
                200,
                body={"uri": URI.replace(KEY, record_key("other", AT)), "cid": "bafy"},
            ),
            Uncertain,
        ),
        (Response("publish", 200), Uncertain),
        (refused(400, "InvalidRequest"), Rejected),
        (refused(413, "PayloadTooLarge"), Rejected),
        (refused(400, "InvalidSwap"), Uncertain),
        (refused(400, "ExpiredToken"), Reauthorize),
        (refused(401, "ExpiredToken"), Reauthorize),
        (refused(400, "InvalidToken"), Reauthorize),
        (refused(401, "AuthMissing"), Reauthorize),
        (refused(401, "AccountTakedown"), Disconnected),
        (refused(400, "RepoDeactivated"), Disconnected),
        (refused(429, "RateLimitExceeded"), Retry),
        (refused(500, "InternalServerError"), Uncertain),
        (refused(502, "UpstreamFailure"), Uncertain),
        (StepAnswerLost("publish", "ReadTimeout"), Uncertain),
        (StepNotSent("publish", "ConnectError"), Retry),
    ],
)
def test_publish_response_maps_to_outcome(answer: StepResult, meant: type) -> None:
    assert isinstance(BLUESKY.next_step(UNIT, (answer,)), meant)


def test_published_outcome_has_uri_url_and_time() -> None:
    turn = BLUESKY.next_step(UNIT, (Response("publish", 200, body={"uri": URI, "cid": "bafy"}),))
    assert turn == Published(URI, f"https://bsky.app/profile/{DID}/post/{KEY}", AT)


def test_rate_limit_gives_wait_and_scope() -> None:
    headers = {"ratelimit-reset": "1767226200", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}
    account = BLUESKY.next_step(UNIT, (refused(429, "RateLimitExceeded", **headers),))
    shared = BLUESKY.next_step(
        UNIT, (refused(429, "RateLimitExceeded", **headers, **{"ratelimit-policy": "3000;w=300"}),)
    )
    assert isinstance(account, Retry)
    assert isinstance(shared, Retry)
    assert (account.after, account.scope, shared.scope) == (timedelta(minutes=10), "account", "app")


def test_missing_blob_is_uploaded_again() -> None:
    turn = BLUESKY.next_step(
        replace(UNIT, media=(PICTURE,)), (uploaded(), refused(400, "BlobNotFound"))
    )
    assert isinstance(turn, Retry)
    assert turn.uploads_gone


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (Response("stage:x", 200, body={"blob": {"odd": 1}}), Retry),
        (Response("stage:x", 200), Retry),
        (Response("stage:x", 503, body={}), Retry),
        (StepAnswerLost("stage:x", "ReadTimeout"), Retry),
        (Response("stage:x", 413, body={"error": "PayloadTooLarge"}), Rejected),
    ],
)
def test_failed_upload_is_never_uncertain(answer: StepResult, meant: type) -> None:
    assert isinstance(BLUESKY.next_step(replace(UNIT, media=(PICTURE,)), (answer,)), meant)


def seen(answer: StepResult, text: str = "Bonjour") -> object:
    return BLUESKY.look_up(LookupQuery(KEY, text, AT, DID), (answer,))


def test_lookup_reads_the_record_and_compares_its_text() -> None:
    there = Response("look", 200, body={"uri": URI, "cid": "b", "value": {"text": "Bonjour"}})
    assert seen(there) == Found(URI, f"https://bsky.app/profile/{DID}/post/{KEY}", AT)
    assert isinstance(seen(there, "changed since"), Unknown)
    assert isinstance(seen(Response("look", 400, body={"error": "RecordNotFound"})), Absent)
    old = {"error": "InvalidRequest", "message": f"Could not locate record: {URI}"}
    assert isinstance(seen(Response("look", 400, body=old)), Absent)
    for blind in (
        Response("look", 400, body={"error": "InvalidRequest", "message": "x"}),
        Response("look", 502),
    ):
        assert isinstance(seen(blind), Unknown)


def test_removal_is_confirmed_by_a_lookup() -> None:
    copy, deleted = PlatformCopy(URI, DID), Response("delete", 200, body={})
    first, second = BLUESKY.remove(copy, ()), BLUESKY.remove(copy, (deleted,))
    assert isinstance(first, Send)
    assert isinstance(second, Send)
    assert first.step.json == {"repo": DID, "collection": "app.bsky.feed.post", "rkey": KEY}
    gone, there = (
        Response("look", 400, body={"error": "RecordNotFound"}),
        Response("look", 200, body={"uri": URI}),
    )
    assert BLUESKY.remove(copy, (deleted, gone)) == Published(URI)
    assert isinstance(BLUESKY.remove(copy, (deleted, there)), Retry)
    assert isinstance(
        BLUESKY.remove(copy, (Response("delete", 200),)), Send
    )  # older servers return no body
    assert isinstance(
        BLUESKY.remove(copy, (Response("delete", 400, body={"error": "ExpiredToken"}),)),
        Reauthorize,
    )


def test_metrics_include_only_numbers() -> None:
    post = {"uri": URI, "likeCount": 4, "replyCount": 2, "repostCount": 0, "quoteCount": "many"}
    told = BLUESKY.read_metrics(
        PlatformCopy(URI, DID), (Response("metrics", 200, body={"posts": [post]}),)
    )
    assert told == {"likes": 4, "comments": 2, "reposts": 0}
    assert (
        BLUESKY.read_metrics(
            PlatformCopy(URI, DID), (Response("metrics", 200, body={"posts": []}),)
        )
        is None
    )


# signing in

SESSION = {"did": DID, "handle": "mia.bsky.social", "active": True}
PAIR = {"accessJwt": Sealed(b"a"), "refreshJwt": Sealed(b"r")}
GRANT = RefreshGrant(DID, PAIR["refreshJwt"])
PDS = {
    "id": "#atproto_pds",
    "type": "AtprotoPersonalDataServer",
    "serviceEndpoint": "https://pds.example/",
}


READS = Response("chats", 200, body={"logs": []})


def signed_in(reads: StepResult = READS, **changes: Any) -> object:
    return BLUESKY.connect(
        {}, (Response("session", 200, body={**SESSION, **changes}, sealed=PAIR), reads)
    )


def test_password_is_sent_sealed_and_once() -> None:
    secret = Sealed(b"box")
    turn = BLUESKY.connect({"handle": " @Mia.bsky.social\u200e", "app_password": secret}, ())
    assert isinstance(turn, Send)
    assert turn.step.json == {"identifier": "mia.bsky.social", "password": secret}
    assert (turn.step.token, turn.step.secret_fields) == ("none", ("accessJwt", "refreshJwt"))


def test_session_account_uses_its_data_server() -> None:
    found = signed_in(didDoc={"service": [{"odd": 1}, PDS]})
    assert isinstance(found, ConnectedAccount)
    assert (found.account, found.name, found.surface) == (DID, "mia.bsky.social", "bluesky.post")
    assert (found.base_url, found.lifetime, found.refresh) == (
        "https://pds.example",
        LIFETIME,
        Sealed(b"r"),
    )
    for document in (
        None,
        {},
        {"service": "odd"},
        {"service": [{**PDS, "serviceEndpoint": "ftp://x"}]},
    ):
        other = signed_in(didDoc=document)
        assert isinstance(other, ConnectedAccount)
        assert other.base_url == ""


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Response("session", 401, body={"error": "AuthenticationRequired"}), "bluesky.not_let_in"),
        (
            Response("session", 401, body={"error": "AuthFactorTokenRequired"}),
            "bluesky.second_factor",
        ),
        (Response("session", 401, body={"error": "AccountTakedown"}), "connectors.account_gone"),
        (
            Response("session", 429, {"ratelimit-reset": "7200"}, {"error": "RateLimitExceeded"}),
            "bluesky.too_often",
        ),
        (Response("session", 200, body=SESSION), "connectors.unreadable"),
        (
            Response("session", 200, body={**SESSION, "active": False}, sealed=PAIR),
            "connectors.account_gone",
        ),
        (
            Response("session", 200, body={**SESSION, "did": "plc"}, sealed=PAIR),
            "connectors.unreadable",
        ),
    ],
)
def test_refused_sign_in_gives_a_reason(answer: StepResult, code: str) -> None:
    turn = BLUESKY.connect({}, (answer,))
    assert isinstance(turn, Rejected | Disconnected)
    assert turn.reason.code == code


def test_unreachable_server_is_retried() -> None:
    for answer in (
        StepNotSent("session", "ConnectError"),
        StepAnswerLost("session", "x"),
        Response("session", 503),
    ):
        assert isinstance(BLUESKY.connect({}, (answer,)), Retry)


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (Response("session", 200, body=SESSION), type(None)),
        (
            Response("session", 200, body={**SESSION, "active": False, "status": "suspended"}),
            Disconnected,
        ),
        (Response("session", 200, body={**SESSION, "did": "did:plc:other"}), Reauthorize),
        (Response("session", 400, body={"error": "ExpiredToken"}), Reauthorize),
        (Response("session", 502), Retry),
    ],
)
def test_session_is_verified(answer: StepResult, meant: type) -> None:
    assert isinstance(BLUESKY.verify_account(DID, (answer,)), meant)


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (Response("refresh", 200, body=SESSION, sealed=PAIR), RenewedTokens),
        (Response("refresh", 200, body=SESSION), Uncertain),
        (
            Response("refresh", 200, body={**SESSION, "did": "did:plc:other"}, sealed=PAIR),
            Uncertain,
        ),
        (Response("refresh", 200), Uncertain),
        (StepAnswerLost("refresh", "ReadTimeout"), Uncertain),
        (StepNotSent("refresh", "ConnectError"), Retry),
        (Response("refresh", 503, body={}), Retry),
        (Response("refresh", 429, body={}), Retry),
        (Response("refresh", 400, body={"error": "ExpiredToken"}), Reauthorize),
        (Response("refresh", 400, body={"error": "InvalidToken"}), Reauthorize),
        (Response("refresh", 401, body={"error": "AccountTakedown"}), Disconnected),
    ],
)
def test_renewal_response_maps_to_outcome(answer: StepResult, meant: type) -> None:
    assert isinstance(BLUESKY.refresh(GRANT, (answer,)), meant)


def test_renewal_sends_the_refresh_token() -> None:
    turn = BLUESKY.refresh(GRANT, ())
    assert isinstance(turn, Send)
    assert (turn.step.token, str(turn.step.kind)) == ("refresh", "auth")
    assert BLUESKY.refresh(
        GRANT, (Response("refresh", 200, body=SESSION, sealed=PAIR),)
    ) == RenewedTokens(Sealed(b"a"), Sealed(b"r"), LIFETIME)
    assert BLUESKY.refresh_grace == TOKEN_GRACE
    assert timedelta(0) < SHORT_RETRY


PARENT = f"at://{DID}/app.bsky.feed.post/{record_key('gr0', AT)}"


def above(**value: Any) -> Response:
    return Response(
        "above", 200, body={"uri": PARENT, "cid": "bafyparent", "value": {"text": "first", **value}}
    )


def test_thread_part_reads_its_parent_after_uploads() -> None:
    part = replace(UNIT, parts=3, reply_to=PARENT, media=(PICTURE,))
    first = BLUESKY.next_step(part, ())
    assert isinstance(first, Send)
    assert first.step.name.startswith("stage:")
    look = BLUESKY.next_step(part, (uploaded(),))
    assert isinstance(look, Send)
    assert (look.step.name, look.step.action, look.step.json) == ("above", "look", None)
    assert look.step.path.endswith(f"rkey={record_key('gr0', AT)}")
    parent = {"uri": PARENT, "cid": "bafyparent"}
    assert record(part, uploaded(), above())["reply"] == {"root": parent, "parent": parent}
    root = {"uri": URI, "cid": "bafyroot"}
    deeper = record(part, uploaded(), above(reply={"root": root, "parent": root}))
    assert deeper["reply"] == {"root": root, "parent": parent}
    assert "reply" not in record(UNIT)


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (
            Response("above", 400, body={"error": "RecordNotFound"}),
            Rejected,
            "connectors.above_gone",
        ),
        (Response("above", 502), Retry, "connectors.unclear_answer"),
        (StepAnswerLost("above", "timeout"), Retry, "connectors.answer_lost"),
        (StepNotSent("above", "refused"), Retry, "connectors.not_sent"),
        (Response("above", 200, body={"uri": PARENT}), Retry, "connectors.unclear_answer"),
    ],
)
def test_missing_parent_prevents_the_part(
    answer: StepResult, kind: type[Rejected | Retry], code: str
) -> None:
    end = BLUESKY.next_step(replace(UNIT, parts=2, reply_to=PARENT), (answer,))
    assert isinstance(end, kind)
    assert end.reason.code == code

"""Attacks by references: a file on the platform, a message, a quote, or scheduling by the platform."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from fastapi import Request as HttpRequest
from fastapi.responses import Response as HttpResponse

from channels.accounts import lifecycle
from channels.accounts import queries as channel_reads
from channels.limits import send_limits
from channels.links import media_urls
from channels.sending import step_runner
from channels.sending.step_runner import Connectors, PreparedStep
from connectors.conformance.fake_servers import serve_app
from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Published, Retry, Uncertain
from connectors.platforms.instagram.publisher import Instagram
from connectors.platforms.sandbox.publisher import Sandbox
from connectors.transport.transport import EgressForbidden
from foundation.http.http_client import HttpRequest as Request
from foundation.http.http_client import HttpResponse as Reply
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.contract.units import Rating, Reference, Subject, Text, Unit
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from studio.library import assets
from tests.attacks.harness import Result
from tests.attacks.pictures import send_and_count
from tests.attacks.transport import MEANS, WIRED, count_taken_posts, register_wire_attack
from tests.channels.builders import ACT, HTTP, World
from tests.fakes.telegram.chats import Chat
from tests.fakes.youtube.upload_stub import youtube
from tests.journeys.connected_creator import ConnectedCreator
from workers.wiring import Services

__all__ = ["WIRED"]

Pointed = Callable[[ConnectedCreator, bool], Result]
POINTED: dict[str, Pointed] = {}


def register_reference_attack(name: str) -> Callable[[Pointed], Pointed]:
    """Register a scenario under an ID of the corpus. It runs on the real system against Telegram."""

    def register(scenario: Pointed) -> Pointed:
        POINTED[name] = scenario
        return scenario

    return register


def draft_reference(mia: ConnectedCreator, channel_id: UUID, kind: str, native_id: str) -> Unit:
    """Return a post of hers without content and with a reference."""
    with mia.desk.scope() as scope:
        channel = channel_reads.get_channel(scope, channel_id)
    return Unit(
        tenant_id=mia.desk.tenant_id,
        creator_id=mia.desk.creator_id,
        subject=Subject("delivery", uuid7()),
        platform=channel.platform,
        surface=channel.surface,
        channel_id=channel_id,
        account=channel.account,
        audience="public",
        destination=channel.destination_id,
        references=(Reference(kind, native_id),),
    )


def publish_reference(mia: ConnectedCreator, unit: Unit, chat: Chat) -> Result:
    """Claim, send and settle as the packages do. Return the decision and the number of new messages
    in the chat."""
    services, before = mia.outside.services, len(chat.messages)
    with mia.desk.scope() as scope:
        unit = replace(unit, flags=issuance.required_flags_of_unit(scope, unit))
    try:
        turn = _armed(mia, unit, services.connectors)
    except PermitDenied as denied:
        with mia.desk.scope() as scope:
            issuance.record_denial(scope, denied)
        decided = denied.decision
        return Result(
            str(decided.verdict), frozenset(map(str, decided.reasons)), len(chat.messages) - before
        )
    end = services.run_steps(turn)
    assert isinstance(end, Published), end
    with mia.desk.scope() as scope:
        step_runner.close_attempt(scope, unit.subject, end)
    return Result("F" if unit.flags else "A", frozenset(), len(chat.messages) - before)


def _armed(mia: ConnectedCreator, unit: Unit, connectors: Connectors) -> PreparedStep:
    with mia.desk.scope() as scope:
        issuance.lock_unit(scope, unit)
        channel = channel_reads.get_channel(scope, unit.channel_id)
        assert send_limits.claim_send_slot(scope, channel) is None
        turn = step_runner.prepare_step(
            scope,
            channel=channel,
            unit=unit,
            kind="send",
            act=ACT,
            mint=mia.outside.services.mint,
            author=f"member:{mia.desk.author}",
            connectors=connectors,
        )
    assert isinstance(turn, PreparedStep), turn
    return turn


def outcome(act: Callable[[], Outcome], posted: Callable[[], int]) -> Result:
    """Return the result on a platform other than the sandbox, with the number of its posts."""
    try:
        end = act()
    except EgressForbidden as refused:
        return Result("B", frozenset({MEANS[refused.message.code]}), posted())
    assert isinstance(end, Published), end
    return Result("A", frozenset(), posted())


def publish_prepared(mia: ConnectedCreator, unit: Unit, services: Services) -> Outcome:
    """Publish on Instagram, which prepares a picture first; retry at the time it names."""
    for _ in range(5):
        end = services.run_steps(_armed(mia, unit, services.connectors))
        if not isinstance(end, Retry):
            assert not isinstance(end, step_runner.StagedUploads)
            return end
        mia.desk.live(seconds=end.after.total_seconds())
    raise AssertionError("the picture is still being prepared")


def left(mia: ConnectedCreator, rating: Rating) -> tuple[UUID, Chat, str, str]:
    """Post a picture to her private channel. Return the account, the channel, the message ID and
    the file ID."""
    _, chat = mia.telegram()
    sent_at = mia.post("telegram", rating, after=60)
    mia.desk.live(seconds=50)
    if rating is not Rating.G:
        mia.desk.live(seconds=30)
    mia.desk.live(seconds=30)
    copy = mia.copy(sent_at)
    assert copy is not None, mia.judged(sent_at)
    (message,) = chat.messages.values()
    return mia.desk.channels["telegram"], chat, copy.native_ids[0], message["photo"][-1]["file_id"]


def to_everybody(mia: ConnectedCreator, chat: Chat) -> tuple[UUID, Chat]:
    """Connect a public channel of the same bot."""
    world = mia.outside.telegram.world
    (bot,) = (bot for bot in world.bots.values() if bot.id in chat.rights)
    name = f"open{str(mia.desk.tenant_id)[-8:]}"
    public = world.channel("Mia", username=name, post=bot)
    return mia.enrol("telegram", token=bot.token, channel=f"@{name}", joins="any"), public


@register_reference_attack("R-01")
def file_of_an_old_message(mia: ConnectedCreator, harm: bool) -> Result:
    """Reuse a file that was posted with the Telegram app. Telegram serves it to any caller that
    knows its ID."""
    account, chat, _, file_id = left(mia, Rating.G)
    if harm:
        there = {
            "photo": [{"file_id": "AgACold", "file_unique_id": "u", "width": 90, "height": 60}]
        }
        mia.outside.telegram.world.by_hand(chat, there)
        file_id = "AgACold"
    return publish_reference(mia, draft_reference(mia, account, "reuse", file_id), chat)


@register_reference_attack("R-02")
def message_of_a_private_stash(mia: ConnectedCreator, harm: bool) -> Result:
    _, chat, message, _ = left(mia, Rating.G)
    account, public = to_everybody(mia, chat)
    if harm:
        world = mia.outside.telegram.world
        (bot,) = (bot for bot in world.bots.values() if bot.id in chat.rights)
        stash = world.channel("Stash", post=bot)
        message = f"{stash.id}/{world.by_hand(stash, {'text': 'TILE-E'})['message_id']}"
    return publish_reference(mia, draft_reference(mia, account, "repost", message), public)


@register_reference_attack("R-09")
def rated_file_moved_to_a_stricter_place(mia: ConnectedCreator, harm: bool) -> Result:
    _, chat, _, file_id = left(mia, Rating.E if harm else Rating.G)
    account, public = to_everybody(mia, chat)
    return publish_reference(mia, draft_reference(mia, account, "reuse", file_id), public)


@register_wire_attack("R-04")
def quote_of_what_nobody_rated(lea: World, harm: bool) -> Result:
    """Quote a post of a stranger. The platform accepts any quote; the gate knows only posts of the
    agency."""
    as_x = {"surface": "sandbox.as_x"}
    first = lea.publish(replace(lea.unit("hello"), **as_x))
    assert isinstance(first, Published)
    quoted = first.native_id
    if harm:
        stranger = lea.network.account(f"stranger-{uuid7().hex[-6:]}")
        told = {"key": "", "text": "TILE-E", "media": [], "surface": "as_x", "title": ""}
        status, post = lea.network.api("POST", stranger, "posts", told)
        assert status == 201
        quoted = post["id"]
    unit = replace(lea.unit("look"), references=(Reference("quote", quoted),), **as_x)
    result = send_and_count(lea, unit)
    assert harm or lea.network.truth(lea.account)["posts"][-1]["quote"] == quoted
    return replace(result, sent=count_taken_posts(lea) - 1)


class Tube:
    """A connector for YouTube that delegates publishing to the platform, at a later time."""

    capabilities = replace(Sandbox.capabilities, platform="youtube", surfaces=("video",))

    def __init__(self, *, later: bool) -> None:
        self._status = (
            {"privacyStatus": "private", "publishAt": "2026-11-22T12:00:00Z"} if later else {}
        )

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        if not answers:
            body = {
                "snippet": {"title": unit.text_of("body")},
                "status": {"privacyStatus": "public"} | self._status,
            }
            return Send(
                WireStep("insert", StepKind.PUBLISH, "POST", "/upload/youtube/v3/videos", body)
            )
        last = answers[-1]
        if isinstance(last, Response) and last.is_success:
            return Published(last.body["id"])
        return Uncertain(Message("connectors.unclear_answer", {"status": 0}))


@register_wire_attack("R-05")
def let_the_platform_publish_it(lea: World, harm: bool) -> Result:
    with youtube() as tube:
        with lea.scope() as scope:
            channel_id = lifecycle.connect_account(
                scope,
                creator_id=lea.creator_id,
                platform="youtube",
                surface="youtube.video",
                account=f"mia-{lea.tenant_id}",
                name="Tube",
                base_url=tube.url,
                token=Sealed(b"token"),
                zone="Europe/Paris",
            )
        lea.channel_id, lea.account = channel_id, f"mia-{lea.tenant_id}"
        stepper: Any = Tube(later=harm)
        lea.connectors = {"youtube": stepper}
        unit = replace(
            lea.unit("my day"),
            platform="youtube",
            surface="youtube.video",
            texts=(Text("body", "my day"),),
        )

        def act() -> Outcome:
            turn = lea.arm(unit)
            assert isinstance(turn, PreparedStep), turn
            end = lea.carry(turn)
            assert not isinstance(end, step_runner.StagedUploads)
            lea.close(unit, end)
            return end

        return outcome(act, lambda: len(tube.videos))


class Laundering(Instagram):
    """A connector that gives Instagram a foreign address, whose picture may change."""

    def __init__(self, address: str) -> None:
        self._address = address

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        turn = super().next_step(unit, answers)
        if isinstance(turn, Send) and turn.step.fetched:
            return Send(
                replace(
                    turn.step,
                    json={**(turn.step.json or {}), "image_url": self._address},
                    fetched={},
                )
            )
        return turn


@register_reference_attack("R-03")
def raw_address_for_instagram(mia: ConnectedCreator, harm: bool) -> Result:
    profile, services = mia.instagram(), mia.outside.services
    unit, fetched = pictured(mia), list[str]()
    with elsewhere(fetched) as address:
        connectors = {**services.connectors, **({"instagram": Laundering(address)} if harm else {})}
        changed = replace(services, connectors=connectors)
        result = outcome(lambda: publish_prepared(mia, unit, changed), lambda: len(profile.posts))
    assert not fetched
    return result


@register_reference_attack("R-10")
def own_address_used_twice(mia: ConnectedCreator, harm: bool) -> Result:
    """Fetch a temporary URL after Instagram used it. The second request gets nothing and is
    recorded."""
    profile, services = mia.instagram(), mia.outside.services
    end = publish_prepared(mia, pictured(mia), services)
    assert isinstance(end, Published), end
    (address,) = profile.fetched
    if not harm:
        return Result("A", frozenset(), len(profile.posts))
    reply = HTTP.send(Request("GET", address))
    assert isinstance(reply, Reply)
    with mia.desk.scope() as scope:
        (lent_id,) = scope.run(
            "SELECT id FROM lent_files WHERE tenant_id = :t", t=mia.desk.tenant_id
        ).scalars()
        first, second = media_urls.fetches_of(scope, lent_id)
    assert (first.status, first.reason) == (200, "")
    assert (second.status, second.size) == (
        reply.status,
        len(reply.body) if reply.status == 200 else 0,
    )
    return Result(
        "B" if second.status == 410 else "A", frozenset({second.reason}), int(second.status == 200)
    )


def pictured(mia: ConnectedCreator) -> Unit:
    """Return a post of one picture for her Instagram account."""
    with mia.desk.scope() as scope:
        medium = assets.get_rendition(scope, mia.picture(Rating.G), "instagram")
    whole = draft_reference(mia, mia.desk.channels["instagram"], "", "")
    return replace(whole, references=(), media=(medium,), texts=(Text("body", "my day"),))


@contextmanager
def elsewhere(fetched: list[str]) -> Iterator[str]:
    """Serve a foreign web server that shows a General picture to browsers and another one to
    Instagram."""
    app = FastAPI()

    @app.get("/picture.jpg")
    def picture(request: HttpRequest) -> HttpResponse:
        fetched.append(request.headers.get("user-agent", ""))
        return HttpResponse(b"TILE-E", media_type="image/jpeg")

    with serve_app(app) as url:
        yield f"{url}/picture.jpg"

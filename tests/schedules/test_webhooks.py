"""Webhooks of an agency: signed events without texts, delivered at least once, and the handling of
failing receivers."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from channels.accounts import lifecycle
from channels.notifications import webhooks
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.http.address_policy import NOT_PUBLIC
from foundation.http.http_client import HttpClient, HttpRequest, RequestNotSent
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops.settings import Settings
from foundation.outbox import outbox
from schedules.approvals import decisions
from schedules.drafts import drafts
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from tenants.agencies import agencies
from tenants.vault import sealed_intake
from tenants.webhooks import endpoints
from tenants.webhooks.endpoints import WEBHOOK_EVENTS
from tenants.webhooks.outgoing_calls import (
    CALL_RETRY_DELAYS,
    WebhookCall,
    WebhookCallDue,
    list_calls,
    retry_call,
    send_test_event,
)
from tests.conftest import Cluster
from tests.fakes.sandbox import RunningSandbox
from tests.fakes.webhook_receiver import Receiver, receiving
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.schedules.csv_files import FileImporter, format_csv
from workers.event_routes import notifications
from workers.wiring import Services, outside_reach

MASTER = bytes(range(32))


@dataclass
class Told:
    """An agency with a webhook and its receiver."""

    desk: SandboxAgency
    receiver: Receiver
    hook_id: UUID = field(default_factory=uuid7)

    def letter(self) -> bytes:
        secret = endpoints.create_webhook_secret()
        self.receiver.secrets.append(secret)
        return sealed_intake.seal_form(
            sealed_intake.derive_public_key(MASTER), self.desk.tenant_id, {"secret": secret}
        )

    def add(
        self,
        *,
        path: str = "/hook?from=greenroom",
        events: tuple[str, ...] = WEBHOOK_EVENTS,
        creators: tuple[UUID, ...] = (),
    ) -> None:
        url, letter = f"{self.receiver.url}{path}", self.letter()
        self.owner(
            endpoints.add_webhook,
            hook_id=self.hook_id,
            name="CRM",
            url=url,
            events=events,
            creators=creators,
            letter=letter,
        )

    def owner(self, act: object, *args: object, **more: object) -> object:
        # `act` is typed as object
        return self.desk.act(act, *args, **more)  # type: ignore[arg-type]  # see above

    def calls(self) -> list[WebhookCall]:
        with self.desk.scope() as scope:
            return list_calls(scope, self.hook_id, limit=100)


@pytest.fixture
def told(lea: SandboxAgency) -> Iterator[Told]:
    with receiving() as receiver:
        made = Told(lea, receiver)
        made.add()
        yield made


def test_webhook_event_contains_ids_and_links_only(told: Told) -> None:
    delivery_id = told.desk.delivery("a very secret sentence", title="a title")
    told.desk.live(minutes=1)
    assert told.desk.state(delivery_id) is DeliveryState.PUBLISHED
    assert told.receiver.types == ["post.approved", "delivery.published"]
    path, headers, body = told.receiver.asked[-1]
    event = json.loads(body)
    entry = told.desk.entry(delivery_id)
    assert path == "/hook?from=greenroom"
    assert event["data"] == {
        "creator_id": str(told.desk.creator_id),
        "delivery_id": str(delivery_id),
        "post_id": str(entry.post_id),
        "channel_id": str(entry.channel_id),
        "state": "published",
        "before": "publishing",
        "due_at": entry.due_at.isoformat(),
        "url": entry.url,
    }
    assert headers["greenroom-event"] == event["id"]
    assert headers["content-type"] == "application/json"
    assert "authorization" not in headers
    assert not any(
        "secret sentence" in str(asked) or "a title" in str(asked) for asked in told.receiver.asked
    )
    assert told.receiver.forged == 0
    assert [call.state for call in told.calls()] == ["taken", "taken"]


def test_failures_cancellations_and_removals_are_sent(told: Told) -> None:
    told.desk.fault("refuse")
    refused = told.desk.delivery("refused")
    told.desk.live(minutes=1)
    assert told.desk.state(refused) is DeliveryState.FAILED
    told.desk.act(drafts.remove_channel_from_post, refused)
    gone = told.desk.delivery("goes")
    told.desk.live(minutes=1)
    told.desk.act(post_removal.request_post_removal, gone)
    told.desk.live(minutes=5)
    told.desk.act(
        lifecycle.require_reauthorization,
        told.desk.channels["main"],
        Message("channel.token_refused"),
    )
    told.desk.run()
    kinds = [kind for kind in told.receiver.types if kind != "post.approved"]
    assert kinds == [
        "delivery.failed",
        "delivery.cancelled",
        "delivery.published",
        "delivery.removed",
        "channel.reauthorize",
    ]


def test_repeated_approval_is_sent_once(told: Told) -> None:
    post = told.desk.write()
    for _ in range(2):
        told.desk.approve(post)
    told.desk.run()
    assert told.receiver.types == ["post.approved"]


def test_rolled_back_approval_is_not_sent(told: Told) -> None:
    post = told.desk.write()
    with suppress(ZeroDivisionError), told.desk.scope(f"member:{told.desk.manager}") as scope:
        decisions.approve_post(scope, post, member_id=told.desk.manager)
        raise ZeroDivisionError
    told.desk.run()
    assert told.calls() == []


@pytest.mark.parametrize("mode", ["500", "404", "302", "301", "reset", "401"])
def test_failed_call_is_retried_and_redirect_not_followed(told: Told, mode: str) -> None:
    told.receiver.modes = [mode, mode]
    told.owner(send_test_event, told.hook_id)
    told.desk.run()
    assert [(call.state, call.tries) for call in told.calls()] == [("waiting", 1)]
    told.desk.live(seconds=75)
    assert [(call.state, call.tries, call.status) for call in told.calls()] == [("taken", 3, 200)]
    assert {path for path, _, _ in told.receiver.asked} == {"/hook?from=greenroom"}, (
        "no redirect is followed"
    )
    assert len({body for _, _, body in told.receiver.asked}) == 1, "each attempt has the same body"
    stamps = [int(headers["greenroom-timestamp"]) for _, headers, _ in told.receiver.asked]
    assert stamps == sorted(set(stamps)), "each attempt has another timestamp"


def test_hanging_receiver_times_out(told: Told) -> None:
    told.receiver.modes = ["hang"]
    call_id = told.owner(send_test_event, told.hook_id)
    route = notifications.webhook_routes(told.desk.services)[0]
    assert isinstance(route.handler, partial)
    with pytest.raises(outbox.RetryLater) as wait:
        # `call_id` is typed as object
        route.handler(WebhookCallDue(told.desk.tenant_id, call_id), seconds=0.2)  # type: ignore[arg-type]  # see above
    assert wait.value.after == CALL_RETRY_DELAYS[0]
    assert [(call.state, call.status, call.detail) for call in told.calls()] == [
        ("waiting", None, "ReadTimeout")
    ]
    assert webhooks.WEBHOOK_TIMEOUT <= 10


def test_long_response_is_not_read(told: Told) -> None:
    told.receiver.modes = ["long"]
    told.owner(send_test_event, told.hook_id)
    told.desk.run()
    assert [(call.state, call.status) for call in told.calls()] == [("taken", 200)]


def test_call_is_abandoned_after_a_day_and_members_notified_once(told: Told) -> None:
    told.receiver.modes = ["500"] * 20
    told.owner(send_test_event, told.hook_id)
    told.desk.live(minutes=40)
    assert told.desk.notices() == {}
    told.desk.live(hours=3)
    assert told.desk.notices() == {f"hook:{told.hook_id}": "hook.failing"}
    with told.desk.scope() as scope:
        endpoints.notices.close(scope, f"hook:{told.hook_id}")
    told.desk.live(hours=24)
    (call,) = told.calls()
    assert (call.state, call.tries, call.status) == ("dead", len(CALL_RETRY_DELAYS) + 1, 500)
    assert sum(CALL_RETRY_DELAYS, timedelta()) < timedelta(hours=24)
    assert told.desk.notices() == {}, "a dismissed notice does not return without a change"
    assert told.desk.rows("hook.send") == []
    told.receiver.modes.clear()
    told.owner(retry_call, call.id)
    with pytest.raises(Conflict, match=r"hook\.not_dead"):
        told.owner(retry_call, call.id)
    told.desk.run()
    assert [one.state for one in told.calls()] == ["taken"]
    with told.desk.scope() as scope:
        assert endpoints.list_webhooks(scope)[0].failing_since is None


def test_both_secrets_are_valid_during_rotation(told: Told) -> None:
    (old,) = told.receiver.secrets
    told.owner(endpoints.rotate_webhook_secret, told.hook_id, letter=told.letter())
    new = told.receiver.secrets[1]
    for known in ([old], [new]):
        told.receiver.secrets[:] = known
        told.owner(send_test_event, told.hook_id)
        told.desk.run()
    assert told.receiver.forged == 0
    assert told.receiver.asked[-1][1]["greenroom-signature"].count("v1=") == 2
    told.desk.live(hours=25)
    told.owner(send_test_event, told.hook_id)
    told.desk.run()
    assert told.receiver.asked[-1][1]["greenroom-signature"].count("v1=") == 1
    assert told.receiver.forged == 0


def test_paused_webhook_receives_nothing_and_drops_calls(told: Told) -> None:
    told.receiver.modes = ["500"]
    told.owner(send_test_event, told.hook_id)
    told.desk.run()
    told.owner(endpoints.set_webhook_state, told.hook_id, state="paused")
    told.desk.delivery("while paused")
    told.desk.live(minutes=2)
    assert [call.state for call in told.calls()] == ["dropped"]
    with pytest.raises(Conflict, match=r"hook\.paused"):
        told.owner(send_test_event, told.hook_id)
    told.owner(endpoints.set_webhook_state, told.hook_id, state="active")
    told.desk.run()
    assert told.receiver.taken == []
    told.owner(endpoints.set_webhook_state, told.hook_id, state="ended")
    with pytest.raises(NotFound):
        told.owner(endpoints.set_webhook_state, told.hook_id, state="active")


def test_pending_call_of_paused_webhook_is_dropped(told: Told) -> None:
    """A webhook resumed before the next retry received a call that the page had shown as dropped."""
    told.receiver.modes = ["500"]
    told.owner(send_test_event, told.hook_id)
    told.desk.run()
    for state in ("paused", "active"):
        told.owner(endpoints.set_webhook_state, told.hook_id, state=state)
    told.desk.live(minutes=2)
    assert (told.receiver.taken, [call.state for call in told.calls()]) == ([], ["dropped"])


def test_forbidden_address_is_named_in_result(cluster: Cluster) -> None:
    """ "No answer" hid the cause: members searched for the fault in their receiver."""
    http = HttpClient(reach=outside_reach(Settings(reachable="")))
    answer = http.send(HttpRequest("POST", "https://10.0.0.1/hook"))
    assert answer == RequestNotSent(NOT_PUBLIC)


def test_webhook_receives_only_its_events_and_creators(
    told: Told, services: Services, sandbox: RunningSandbox
) -> None:
    with told.desk.scope() as scope:
        zoe = agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="virtual", zone="UTC", languages=["fr"]
        )
    told.owner(endpoints.set_webhook_state, told.hook_id, state="ended")
    told.hook_id = uuid7()
    told.add(events=("delivery.published",), creators=(zoe,))
    told.desk.delivery("not zoe's")
    told.desk.live(minutes=1)
    assert told.calls() == []
    other = create_sandbox_agency(services, sandbox)
    other.delivery("of another agency")
    other.live(minutes=1)
    assert told.receiver.asked == []
    with other.scope(f"member:{other.manager}") as scope, pytest.raises(NotFound):
        send_test_event(scope, told.hook_id)


@pytest.mark.parametrize("at", range(1, 12))
def test_webhook_call_survives_crash(told: Told, at: int) -> None:
    told.owner(send_test_event, told.hook_id)
    told.desk.crash(at)
    told.desk.live(minutes=3)
    assert len({event["id"] for event in told.receiver.taken}) == 1
    assert 1 <= len(told.receiver.taken) <= 2
    assert [call.state for call in told.calls()] == ["taken"]
    assert told.desk.rows("hook.send") == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.test/hook", "ftp://example.test/", "https://", "https://user:pw@example.test/", "example.test",
        "https://example.test/a/../b", "https://example.test//evil.test", "https://example.test"
                                                                          "/#part",
        "https://example.test/{account}", "https://example.test/{token}", "https://exa "
                                                                          "mple.test/", "https://[::1",
        "https://example.test:0/", "https://example.test:x/", "https://bücher.test/", "javascript:alert(1)",
        "https://example.test/" + "x" * 500, "https://example.test/\x00", "https:\\\\example.test", "",
    ],
)  # fmt: skip
def test_invalid_webhook_address_is_refused(lea: SandboxAgency, url: str) -> None:
    with pytest.raises(BadInput, match=r"hook\.address"):
        lea.act(
            endpoints.add_webhook,
            hook_id=uuid7(),
            name="x",
            url=url,
            events=["post.approved"],
            creators=(),
            letter=b"x",
        )


def test_only_owner_adds_webhook_and_secret_is_sealed(told: Told) -> None:
    about = {
        "hook_id": uuid7(),
        "name": "x",
        "url": "https://example.test/",
        "creators": (),
        "letter": b"x",
    }
    with (
        told.desk.scope(f"member:{told.desk.author}") as scope,
        pytest.raises(Refused, match=r"role\.forbidden"),
    ):
        # one dict serves all calls
        endpoints.add_webhook(scope, events=["post.approved"], **about)  # type: ignore[arg-type]  # see above
    with pytest.raises(BadInput, match=r"hook\.events"):
        told.owner(endpoints.add_webhook, events=["fan.paid"], **about)
    assert told.owner(endpoints.add_webhook, events=["post.approved"], **about)
    assert not told.owner(endpoints.add_webhook, events=["post.approved"], **about), (
        "a repeated request"
    )
    (secret,) = told.receiver.secrets
    with told.desk.scope() as scope:
        rows = scope.run("SELECT * FROM hooks WHERE tenant_id = :t", t=told.desk.tenant_id).all()
    assert secret.removeprefix(endpoints.WEBHOOK_SECRET_PREFIX) not in repr(rows)
    assert secret.encode() not in b"".join(bytes(row.secret) for row in rows)


def test_undone_import_sends_one_event_per_post(told: Told) -> None:
    clerk = FileImporter(told.desk)
    found = clerk.write(format_csv([clerk.row(1), clerk.row(2, time="12:00")]))
    assert clerk.undo(found) == (2, 0)
    told.desk.run()
    bodies = [json.loads(body) for _, _, body in told.receiver.asked]
    assert [one["type"] for one in bodies] == ["delivery.cancelled"] * 2
    assert {(one["data"]["state"], one["data"]["before"]) for one in bodies} == {
        ("cancelled", "draft")
    }
    assert len({one["data"]["delivery_id"] for one in bodies}) == 2

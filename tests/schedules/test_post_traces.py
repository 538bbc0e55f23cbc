"""The trace ID of a post leads from its outbox row to the request at the platform, and logs contain
no secrets."""

import json
from typing import Any

import pytest

from foundation.ops import telemetry
from tests.schedules.builders import SandboxAgency

TRACE = "0af7651916cd43dd"
CANARY = "Chanterelle-im-Nebel"


def lines(captured: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return every log line since the last call."""
    return [
        json.loads(line) for line in captured.readouterr().err.splitlines() if line.startswith("{")
    ]


def traces(lea: SandboxAgency) -> set[str]:
    """Return the trace IDs of all outbox rows of this tenant."""
    with lea.scope() as scope:
        return set(
            scope.run(
                "SELECT trace_id FROM outbox WHERE tenant_id = :tenant", tenant=lea.tenant_id
            ).scalars()
        )


def test_trace_id_leads_to_platform_request(
    lea: SandboxAgency, capsys: pytest.CaptureFixture[str]
) -> None:
    post = lea.write("hello", media=(lea.photo(1),))
    delivery = lea.wish(post)
    lea.run()
    with telemetry.bind_log_values(trace=TRACE):
        lea.approve(post)
    assert traces(lea) == {TRACE}
    capsys.readouterr()
    lea.run()
    asked = [line for line in lines(capsys) if line["event"] == "platform.request"]
    assert [line["act"] for line in asked] == ["stage", "publish"]
    for line in asked:
        assert line["trace"] == TRACE
        assert (line["kind"], line["subject"]) == ("delivery.publish", str(delivery))
        assert line["tenant"] == str(lea.tenant_id)
        assert (line["platform"], line["status"]) == (
            "sandbox",
            201 if line["act"] == "publish" else 200,
        )
        assert line["ms"] >= 0
    assert asked[0]["path"] == "/api/{account}/files/*"
    assert (asked[1]["method"], asked[1]["path"]) == ("POST", "/api/{account}/posts")
    assert traces(lea) == {TRACE}, "events caused by a fact have its trace ID"


def test_lost_response_is_logged(lea: SandboxAgency, capsys: pytest.CaptureFixture[str]) -> None:
    lea.fault("reset_after")
    lea.delivery("hello")
    capsys.readouterr()
    lea.run()
    asked = [line for line in lines(capsys) if line["event"] == "platform.request"]
    assert [line["status"] for line in asked if line["act"] == "publish"] == ["lost"]


def test_transaction_gives_its_rows_one_trace(lea: SandboxAgency) -> None:
    lea.run()
    known, posts = traces(lea), (lea.write("one"), lea.write("two"))
    for count, post in enumerate(posts, start=1):
        lea.wish(post, after=3600)
        lea.approve(post)
        assert len(lea.rows()) >= 2 * count
        assert len(traces(lea) - known) == count


def test_log_has_no_texts_names_or_secrets(
    lea: SandboxAgency, capsys: pytest.CaptureFixture[str]
) -> None:
    account = lea.accounts["main"]
    lea.fault("reset_after")
    lea.delivery(f"{CANARY} says hello", title=CANARY, media=(lea.photo(2),))
    lea.run()
    lea.live(minutes=30)
    said = capsys.readouterr().err
    assert "platform.request" in said
    for secret in (CANARY, account, lea.network.tokens[account], lea.network.url):
        assert secret not in said


def test_metrics_count_published_deliveries(lea: SandboxAgency) -> None:
    def published() -> float:
        return telemetry.DELIVERIES_BY_STATE.labels("published")._value.get()

    before, late = published(), telemetry.DELIVERY_LATENESS._sum.get()
    lea.delivery("hello")
    lea.run()
    assert published() == before + 1
    assert telemetry.DELIVERY_LATENESS._sum.get() >= late


def test_rolled_back_transaction_is_not_counted(lea: SandboxAgency) -> None:
    before = telemetry.ROWS_RETURNED._value.get()

    def fail() -> None:
        with lea.scope() as scope:
            scope.after_commit(telemetry.ROWS_RETURNED.inc)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert telemetry.ROWS_RETURNED._value.get() == before
    with lea.scope() as scope:
        scope.after_commit(telemetry.ROWS_RETURNED.inc)
    assert telemetry.ROWS_RETURNED._value.get() == before + 1

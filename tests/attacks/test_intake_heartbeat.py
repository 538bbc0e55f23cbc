"""While the removal form is unreachable, no adult content is published."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from connectors.conformance.fake_servers import serve_app
from foundation.db.database import Database, OpenScope
from foundation.http.address_policy import allow_any_address
from foundation.ids import INSTALLATION_ID
from foundation.storage.object_store import FileStore
from gate.contract.reasons import Reason
from gate.contract.units import Rating
from gate.permits import issuance
from gate.removal import intake_heartbeat
from gate.removal.events import IntakeDue
from tests.attacks.evidence import invented_person_unit
from tests.attacks.harness import Stage
from tests.attacks.texts import text_unit
from tests.conftest import Cluster, free_port
from tests.gate.builders import unit
from tests.start_hour import reset_database_clock
from web.app import create_web_app
from workers.event_handlers import removal_form_probe


@contextmanager
def beaten(tenant: OpenScope, seen: str) -> Iterator[None]:
    """Set the time at which the form was last reached to `seen` (SQL), or to never if empty;
    afterwards to now."""
    with tenant(INSTALLATION_ID, "system:test") as scope, scope.acting_as("gate"):
        scope.run("DELETE FROM intake_beats WHERE tenant_id = :h", h=INSTALLATION_ID)
        if seen:
            scope.run(
                f"INSERT INTO intake_beats (tenant_id, id, seen_at) VALUES (:h, :h, {seen})",
                h=INSTALLATION_ID,
            )
    yield
    with tenant(INSTALLATION_ID, "system:test") as scope:
        intake_heartbeat.record_reached(scope)


def nudity(stage: Stage) -> Any:
    return stage.marked(
        text_unit(stage, "X1", media=(invented_person_unit(stage, Rating.N),), body="Hello")
    )


def test_each_module_starts_with_a_reachable_form(cluster: Cluster, tenant: OpenScope) -> None:
    with beaten(tenant, "people_now() - interval '2 hours'"):
        reset_database_clock(cluster.url("postgres", "house"))
        with tenant(INSTALLATION_ID, "system:test") as scope:
            assert intake_heartbeat.is_form_reachable(scope), "also with an old copied cluster"


@pytest.mark.parametrize(
    "seen",
    ["", "people_now() - interval '61 minutes'", "people_now() + interval '1 day'"],
    ids=["never", "an hour ago", "in the future"],
)
def test_unreachable_form_holds_only_adult_content(tenant: OpenScope, seen: str) -> None:
    stage = Stage.build(tenant, harm=True)
    whole = nudity(stage)
    stage.do(
        lambda scope: issuance.judge_unit(scope, whole, author=stage.author, bundle=stage.rules)
    )
    stage.review(whole)
    with beaten(tenant, seen):
        refused = stage.send(whole, review=False)
        assert (refused.sent, set(refused.reasons)) == (0, {Reason.INTAKE_DOWN})
        again = stage.do(
            lambda scope: issuance.preview_decision(
                scope, whole, author=stage.author, bundle=stage.rules
            )
        )
        assert again.is_transient, "the hold is transient and needs no action on the post"
        assert stage.send(unit(stage.world)).sent == 1, "general text is published"
    assert stage.send(whole, review=False).sent == 1, "it is published once the form is reachable"


def test_form_reached_within_the_hour_permits_adult_content(tenant: OpenScope) -> None:
    stage = Stage.build(tenant, harm=False)
    with beaten(tenant, "people_now() - interval '59 minutes'"):
        assert stage.send(nudity(stage)).sent == 1


def test_heartbeat_of_an_agency_has_no_effect(tenant: OpenScope) -> None:
    stage = Stage.build(tenant, harm=True)
    whole = nudity(stage)
    with beaten(tenant, ""):
        own = "INSERT INTO intake_beats (tenant_id, id, seen_at) VALUES (:t, :h, people_now())"
        with (
            stage.world.scope("system:test") as scope,
            pytest.raises(Exception, match="permission denied"),
        ):
            scope.run(own, t=stage.world.tenant_id, h=INSTALLATION_ID)
        with stage.world.scope("system:test") as scope, scope.acting_as("gate"):
            scope.run(own, t=stage.world.tenant_id, h=INSTALLATION_ID)
        assert stage.send(whole).sent == 0


def reached(tenant: OpenScope, address: str) -> bool:
    """Run the probe as the workers do, and return True if the form counts as reachable."""
    with beaten(tenant, ""):
        removal_form_probe.probe_removal_form(
            IntakeDue(INSTALLATION_ID, INSTALLATION_ID),
            tenant=tenant,
            address=address,
            reach=allow_any_address,
        )
        with tenant(INSTALLATION_ID, "system:test") as scope:
            return intake_heartbeat.is_form_reachable(scope)


def test_probe_requests_the_form_and_its_storage(
    tenant: OpenScope, pages: Database, tmp_path: Any
) -> None:
    with serve_app(
        create_web_app(tenant=pages.scope, store=FileStore(tmp_path), public_url="http://127.0.0.1")
    ) as url:
        assert reached(tenant, url)
    gone = Database("postgresql+psycopg://nobody:x@127.0.0.1:1/none")
    with serve_app(
        create_web_app(tenant=gone.scope, store=FileStore(tmp_path), public_url="http://127.0.0.1")
    ) as url:
        assert httpx.get(f"{url}/report").status_code == 200, (
            "its page responds, but it cannot store a request"
        )
        assert not reached(tenant, url)
    gone.close()


def test_parked_or_unreachable_address_is_not_the_form(tenant: OpenScope) -> None:
    parked = FastAPI()
    parked.add_api_route("/{path:path}", lambda path: HTMLResponse("Buy this domain"))
    with serve_app(parked) as url:
        assert not reached(tenant, url)
    assert not reached(tenant, f"http://127.0.0.1:{free_port()}")

"""The endpoint of remote workers: authentication, leases, and results accepted exactly once."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.errors import BadInput, Refused
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.ids import uuid7
from foundation.storage.object_store import bytes_digest
from gate.ratings.depiction_answers import unanswered_digests
from generators.remote_protocol import MAX_PICTURE_BYTES, PROTOCOL_VERSION
from studio.library import assets, queries
from studio.runs import remote_routing
from studio.runs.queries import list_active_runs
from tenants import audit
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.api_keys import keys, remote_workers
from tenants.api_keys.keys import ApiKeyScope
from tenants.notices.queries import list_open_notices
from tests.generators.builders import a_picture, encoded
from tests.web.remote_worker_agency import RemoteWorkerAgency, decompression_bomb, draw_picture


def test_leased_run_is_completed_and_counted_once(mine: RemoteWorkerAgency) -> None:
    job_id = mine.start()
    assert mine.due() == 0, "no job for the installation's workers"
    lent = mine.lent()
    assert [one.number for one in lent.pictures] == [0, 1, 2]
    assert mine.progress(job_id) == ("running", 0, 3)
    for number in range(3):
        assert mine.hand_in(lent, number).status_code == 204
    assert mine.ask() is None
    assert mine.bring() == 3
    assert mine.progress(job_id) == ("done", 3, 3)
    first = mine.pictures()[-1]
    assert (first.engine, first.model, first.label) == ("placeholder", "scenes-1", "placeholder")
    with mine.scope() as scope:
        row = scope.run(
            "SELECT * FROM creations WHERE tenant_id = :t LIMIT 1", t=mine.tenant_id
        ).one()
    assert row.parameters["machine"] == "studio at home"
    assert row.seconds == 1.5
    assert mine.count("creations") == 3


@pytest.mark.parametrize(
    "said", [{}, {"engine": "diffusion", "model": "tiny", "label": ""}], ids=["drawn", "generated"]
)
def test_pictures_of_a_worker_need_an_answer_to_who_is_shown(
    mine: RemoteWorkerAgency, said: dict[str, str]
) -> None:
    mine.start(variants=1)
    assert mine.hand_in(mine.lent(), 0, **said).status_code == 204
    mine.bring()
    (item,) = mine.pictures()
    with mine.scope() as scope:
        sha256 = assets.get_asset(scope, item.asset_id).sha256
        assert unanswered_digests(scope, [sha256]) == {sha256}


def test_received_file_is_deleted_after_ingest(mine: RemoteWorkerAgency) -> None:
    mine.start(variants=1)
    lent = mine.lent()
    data = draw_picture(lent.pictures[0])
    mine.hand_in(lent, 0)
    assert mine.store.exists(mine.tenant_id, bytes_digest(data))
    mine.bring()
    assert not mine.store.exists(mine.tenant_id, bytes_digest(data))


def test_two_runs_with_identical_pictures_both_complete(mine: RemoteWorkerAgency) -> None:
    """Ingesting the first result must not delete the file of the second."""
    both = [mine.start(key=key, variants=1) for key in ("a", "b")]
    for _ in both:
        lent = mine.lent()
        assert mine.hand_in(lent, 0).status_code == 204
    assert mine.bring() == 2
    assert [mine.progress(one)[0] for one in both] == ["done", "done"]


def test_missing_key_and_key_of_another_agency_are_refused(
    mine: RemoteWorkerAgency, theirs: RemoteWorkerAgency
) -> None:
    job_id = mine.start()
    lent = mine.lent()
    for path in ("/work", "/beats", "/given", "/pictures", "/materials"):
        for key in ("grm_" + "x" * 43, "nothing", "grk_" + "x" * 43):
            assert mine.post(path, {}, key=key).status_code == 401
    assert theirs.ask() is None, "a worker of another agency gets no run"
    lease = {"lease": str(lent.lease)}
    assert theirs.post("/beats", lease).json() == {"state": "lost"}
    assert theirs.post("/materials", {**lease, "sha256": "0" * 64}).status_code == 404
    assert theirs.post("/given", {**lease, "why": "never"}).status_code == 404
    assert theirs.hand_in(lent, 0).status_code == 409
    assert mine.progress(job_id) == ("running", 0, 3)
    assert mine.count("home_pictures") == theirs.count("home_pictures") == 0


def test_api_keys_and_worker_keys_are_not_interchangeable(
    mine: RemoteWorkerAgency,
) -> None:
    with mine.scope(f"member:{mine.owner}") as scope:
        program = keys.create_key(
            scope, name="p", scopes=[ApiKeyScope.POSTS_READ], creators=(), days=1
        )
    assert mine.post("/work", {}, key=program).status_code == 401
    answer = mine.client.get("/v1/posts", headers={"authorization": f"Bearer {mine.key}"})
    assert answer.status_code == 401


def test_revoked_worker_is_refused_and_its_runs_go_to_the_installation(
    mine: RemoteWorkerAgency,
) -> None:
    job_id = mine.start()
    lent = mine.lent()
    mine.hand_in(lent, 0)
    assert mine.end() == 1
    assert mine.end() == 0, "a repeated revocation changes nothing"
    assert mine.post("/beats", {"lease": str(lent.lease)}).status_code == 401
    assert mine.hand_in(lent, 1).status_code == 401
    assert mine.due() == 1
    mine.bring()
    assert mine.progress(job_id) == ("running", 1, 3), "pictures received before count"
    with mine.scope() as scope:
        acts = [one.act for one in audit.list_recent_acts(scope)]
    assert acts[:2] == ["machine.revoked", "machine.made"]
    mine.start(key="later")
    assert mine.due() == 2, "new runs go to the installation's workers"


def test_repeated_picture_is_accepted_once_and_a_different_one_refused(
    mine: RemoteWorkerAgency,
) -> None:
    job_id = mine.start(variants=1)
    lent = mine.lent()
    assert mine.hand_in(lent, 0).status_code == 204
    assert mine.hand_in(lent, 0).status_code == 204
    assert mine.hand_in(lent, 0, encoded(a_picture(3))).status_code == 409
    mine.bring()
    assert mine.hand_in(lent, 0).status_code == 204, "also after it was ingested"
    assert mine.bring() == 0
    assert (mine.progress(job_id), mine.count("creations")) == (("done", 1, 1), 1)


def test_wrong_digest_is_refused_and_picture_may_be_sent_again(mine: RemoteWorkerAgency) -> None:
    mine.start()
    lent = mine.lent()
    answer = mine.hand_in(lent, 0, sha256="0" * 64)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "machine.digest")
    assert mine.hand_in(lent, 0).status_code == 204


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (decompression_bomb(), "photo.too_large"),
        (b"GIF89a" + bytes(40), "photo."),
        (b"<html>", "photo.unsupported"),
        (encoded(a_picture())[:-20], "photo.corrupt"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "photo.corrupt"),
        (encoded(a_picture()) + b"PK\x03\x04", "photo.trailing"),
    ],
)
def test_invalid_picture_fails_the_run_with_a_reason(
    mine: RemoteWorkerAgency, data: bytes, code: str
) -> None:
    job_id = mine.start()
    answer = mine.hand_in(mine.lent(), 0, data)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"].startswith(code)
    assert mine.progress(job_id)[0] == "failed"
    assert mine.why(job_id).startswith(code)
    assert mine.count("home_pictures") == 0
    assert mine.ask() is None


def test_oversized_body_is_not_read(mine: RemoteWorkerAgency) -> None:
    mine.start()
    assert mine.hand_in(mine.lent(), 0, bytes(MAX_PICTURE_BYTES + 1)).status_code == 413


@pytest.mark.parametrize(
    "said",
    [
        {"label": "drawn"},
        {"label": "stand_in"},
        {"label": "real"},
        {"engine": "tile"},
        {"engine": "x" * 300},
        {"seconds": float("inf")},
        {"parameters": {"x": ["deep"]}},
        {"parameters": {"x": "a\x00"}},
        {"parameters": {"x\x00": "a"}},
        {"parameters": {"x": 10**400}},
        {"model": "\x00"},
        {"parameters": {str(one): "x" * 2000 for one in range(30)}},
        {"more": 1},
        {"number": 99},
        {"lease": "x"},
        {"sha256": "../../etc/passwd"},
    ],
)
def test_invalid_result_fields_are_refused(mine: RemoteWorkerAgency, said: dict[str, Any]) -> None:
    """The label `drawn` marks pictures that no model made: accepting it from a worker would hide AI
    generation."""
    job_id = mine.start()
    answer = mine.hand_in(mine.lent(), 0, **said)
    assert answer.status_code in (404, 422), answer.text
    assert mine.progress(job_id)[0] == "running"
    assert mine.count("home_pictures") == 0


@pytest.mark.parametrize("said", [{"engine": "diffusion"}, {"label": ""}])
def test_placeholder_label_and_engine_must_match(
    mine: RemoteWorkerAgency, said: dict[str, str]
) -> None:
    job_id = mine.start()
    assert mine.hand_in(mine.lent(), 0, **said).status_code == 422
    assert mine.why(job_id) == "machine.label"


@pytest.mark.parametrize(
    "told", [{"frames": "many", "seconds": "long"}, {"frames": 1, "seconds": 3}, {"score": "best"}]
)
def test_measured_parameters_from_a_worker_are_ignored(
    mine: RemoteWorkerAgency, told: dict[str, Any]
) -> None:
    mine.start(variants=1)
    assert mine.hand_in(mine.lent(), 0, parameters={"steps": 4, **told}).status_code == 204
    assert mine.bring() == 1
    (item,) = mine.pictures()
    with mine.scope() as scope:
        (card,) = queries.list_asset_cards(scope, mine.creator_id)
        medium = assets.get_rendition(scope, item.asset_id, "x")
        (run,) = list_active_runs(scope, [mine.creator_id], since=scope.now - timedelta(hours=1))
        kept = "SELECT parameters FROM creations WHERE asset_id = :asset"
        parameters = scope.run(kept, asset=item.asset_id).scalar_one()
    assert (card.seconds, medium.seconds) == (0, 0), "pictures have no duration"
    assert all(isinstance(score, int) for score in run.scores)
    assert parameters["steps"] == 4


def test_only_managing_members_create_remote_workers(mine: RemoteWorkerAgency) -> None:
    with mine.scope() as scope, pytest.raises(Refused, match="members_only"):
        remote_workers.create_remote_worker(scope, name="x")
    with mine.scope() as scope:
        creator = agencies.add_member(
            scope, name="C", email="c@example.test", role=Role.CREATOR, language="fr", zone="UTC"
        )
    with mine.scope(f"member:{creator}") as scope:
        with pytest.raises(Refused, match="forbidden"):
            remote_workers.create_remote_worker(scope, name="x")
        with pytest.raises(Refused, match="forbidden"):
            remote_routing.end_remote_worker(scope, mine.machine_id)
    for name in ("", " ", "x" * 61, "a\x00", "a\nb"):
        with (
            mine.scope(f"member:{mine.owner}") as scope,
            pytest.raises(BadInput, match=r"machine\.name"),
        ):
            remote_workers.create_remote_worker(scope, name=name)


def test_only_the_digest_of_a_key_is_stored(mine: RemoteWorkerAgency) -> None:
    with mine.scope() as scope:
        (row,) = scope.run("SELECT * FROM machines WHERE tenant_id = :t", t=mine.tenant_id).all()
    assert mine.key.removeprefix(remote_workers.REMOTE_WORKER_PREFIX) not in repr(tuple(row))


def test_worker_activity_is_visible(mine: RemoteWorkerAgency) -> None:
    mine.start()
    mine.lent(models=["sdxl"], on="a card")
    with mine.scope() as scope:
        (found,) = remote_workers.list_remote_workers(scope)
        working = remote_routing.remote_activity(scope)
        assert remote_routing.count_remote_runs(scope) == 1
    assert found.seen_at is not None
    assert (found.capabilities["models"], found.capabilities["on"]) == (["sdxl"], "a card")
    assert (working[mine.machine_id].recipe, working[mine.machine_id].total) == ("morning", 3)


@pytest.mark.parametrize("code", ["machine.gave_up", "machine.cannot", "machine.picture_lost"])
def test_failure_reasons_exist_in_both_languages(code: str) -> None:
    assert all(len(render_message(Message(code), language)) > 30 for language in LANGUAGES)


def test_nul_character_is_refused(mine: RemoteWorkerAgency) -> None:
    wanted = {"version": 1, "instance": str(uuid7()), "able": {"engine": "e", "model": "m\x00"}}
    assert mine.post("/work", wanted).status_code == 422


@pytest.mark.parametrize(
    "body", [{}, {"version": 1}, {"version": 99, "instance": str(UUID(int=1)), "able": {}}, []]
)
def test_invalid_work_request_is_refused(mine: RemoteWorkerAgency, body: Any) -> None:
    assert mine.post("/work", body).status_code == 422


def test_unsupported_protocol_version_is_reported(mine: RemoteWorkerAgency) -> None:
    wanted = {
        "version": PROTOCOL_VERSION + 1,
        "instance": str(uuid7()),
        "able": {"engine": "e", "model": "m"},
    }
    answer = mine.post("/work", wanted)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "machine.other_version")


def test_silent_worker_is_reported_until_it_is_back_or_revoked(mine: RemoteWorkerAgency) -> None:
    def reported(minutes: int) -> list[str]:
        with mine.scope() as scope:
            scope.run(
                "UPDATE machines SET seen_at = people_now() - CAST(:ago AS interval)"
                " WHERE tenant_id = :t",
                t=mine.tenant_id,
                ago=timedelta(minutes=minutes),
            )
            remote_workers.report_silent_workers(scope)
            return [one.message.code for one in list_open_notices(scope)]

    assert reported(9) == []
    assert reported(11) == reported(60) == ["machine.silent"]
    assert reported(0) == []
    assert reported(60) == ["machine.silent"]
    mine.end()
    assert reported(60) == []

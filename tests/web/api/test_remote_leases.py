"""Leases of runs for remote workers: one worker at a time, within its abilities and the daily
quota."""

from foundation.ids import uuid7
from foundation.storage.object_store import bytes_digest
from studio.costs import quotas
from studio.recipes import specs
from studio.recipes.input_pictures import InitPicture
from studio.remote_workers import leases
from studio.runs import remote_routing, runner
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import build_spec
from tests.web.builders import WebServer
from tests.web.remote_worker_agency import (
    RemoteWorkerAgency,
    create_remote_worker_agency,
    draw_picture,
)


def test_run_is_leased_to_one_worker_at_a_time(mine: RemoteWorkerAgency) -> None:
    _, second = mine.machine()
    assert mine.ask(key=second, instance=uuid7()) is None
    mine.start()
    lent = mine.lent()
    assert mine.ask(key=second, instance=uuid7()) is None, "one at a time"
    assert mine.end() == 0
    taken = mine.lent(key=second, instance=uuid7())
    assert taken.lease != lent.lease
    assert mine.due() == 0


def test_worker_that_never_connected_gets_no_run(room: WebServer) -> None:
    found = create_remote_worker_agency(room.client, room.tenant, room.library, came=False)
    found.start()
    assert found.due() == 1
    assert found.ask() is None


def test_same_instance_gets_the_same_lease_again(mine: RemoteWorkerAgency) -> None:
    """After a lost response or a killed worker, the lease still belongs to it."""
    mine.start()
    first = mine.lent()
    assert mine.lent() == first
    mine.hand_in(first, 0)
    again = mine.lent()
    assert (again.lease, [one.number for one in again.pictures]) == (first.lease, [1, 2])
    assert mine.ask(instance=uuid7()) is None, "another instance with that key has to wait"


def test_silent_worker_loses_its_run_and_its_late_picture_is_refused(
    mine: RemoteWorkerAgency,
) -> None:
    job_id = mine.start()
    lent = mine.lent()
    mine.silent()
    assert mine.post("/beats", {"lease": str(lent.lease)}).json() == {"state": "go"}, (
        "no other worker has taken the run"
    )
    mine.silent()
    other = mine.lent(instance=uuid7())
    assert mine.post("/beats", {"lease": str(lent.lease)}).json() == {"state": "lost"}
    assert mine.hand_in(lent, 0).status_code == 409
    for number in range(3):
        assert mine.hand_in(other, number).status_code == 204
    mine.bring()
    assert mine.progress(job_id) == ("done", 3, 3)
    assert mine.count("creations") == 3


def test_picture_made_during_silence_is_accepted(mine: RemoteWorkerAgency) -> None:
    mine.start()
    lent = mine.lent()
    mine.silent()
    assert mine.hand_in(lent, 0).status_code == 204


def test_stopped_run_refuses_late_pictures(mine: RemoteWorkerAgency) -> None:
    job_id = mine.start()
    lent = mine.lent()
    lease = {"lease": str(lent.lease), "step": 3, "steps": 20}
    assert mine.post("/beats", lease).json() == {"state": "go"}
    with mine.scope() as scope:
        assert tuple(scope.run("SELECT step, steps FROM jobs WHERE id = :id", id=job_id).one()) == (
            3,
            20,
        )
        runner.stop_run(scope, job_id)
    assert mine.post("/beats", lease).json() == {"state": "stop"}
    assert mine.hand_in(lent, 0).status_code == 409
    assert mine.ask() is None


def test_worker_gets_only_runs_it_can_make(mine: RemoteWorkerAgency) -> None:
    mine.start(key="a", model="sdxl", name="a")
    mine.start(key="b", loras={"silk": 80}, name="b")
    assert mine.ask() is None
    with mine.scope() as scope:
        assert remote_routing.missing_models(scope) == ["sdxl", "silk"]
    assert mine.lent(models=["sdxl"]).pictures[0].model == "sdxl"
    mine.silent()
    found = mine.lent(instance=uuid7(), loras=["silk"], does=["loras"])
    assert found.pictures[0].loras == [("silk", 0.8)]


def test_worker_gets_initial_picture_and_result_is_its_child(mine: RemoteWorkerAgency) -> None:
    mine.start(variants=1)
    mine.hand_in(mine.lent(), 0)
    mine.bring()
    (first,) = mine.pictures()
    with mine.scope() as scope:
        recipe_id = specs.save_recipe(scope, mine.creator_id, build_spec(variants=1))
        begin = InitPicture(first.asset_id, 40)
        runner.start_run(
            scope, creator_id=mine.creator_id, recipe_id=recipe_id, seed=1, key="x", begin=begin
        )
    assert mine.ask() is None, "the engine accepts text only"
    lent = mine.lent(does=["init"])
    assert lent.pictures[0].strength == 0.4
    wanted = {"lease": str(lent.lease), "sha256": lent.pictures[0].init}
    assert bytes_digest(mine.post("/materials", wanted).content) == lent.pictures[0].init
    other = draw_picture(lent.pictures[0])
    mine.store.put(mine.tenant_id, other)
    for sha256 in (bytes_digest(other), "0" * 64):
        assert mine.post("/materials", {**wanted, "sha256": sha256}).status_code == 404, (
            "no other file of the library"
        )
    data = encoded(a_picture(2))
    assert mine.hand_in(lent, 0, data, engine="diffusion", label="", model="m").status_code == 204
    mine.bring()
    with mine.scope() as scope:
        parents = scope.run(
            "SELECT a.parent_id FROM creations c JOIN assets a ON a.tenant_id = c.tenant_id AND "
            "a.id = c.asset_id"
            " WHERE c.tenant_id = :t ORDER BY c.created_at DESC LIMIT 1",
            t=mine.tenant_id,
        ).scalar_one()
    assert parents == first.asset_id


def test_worker_failure_is_recorded_with_engine_codes(mine: RemoteWorkerAgency) -> None:
    for number, (said, code) in enumerate(
        [
            ({"code": "engine.memory", "params": {"width": 96, "height": 64}}, "engine.memory"),
            ({"code": "engine.memory"}, "machine.cannot"),
            ({"code": "role.forbidden.run"}, "machine.cannot"),
            ({}, "machine.cannot"),
        ]
    ):
        job_id = mine.start(key=str(number))
        lease = str(mine.lent().lease)
        assert mine.post("/given", {"lease": lease, "why": "never", **said}).status_code == 204
        assert mine.post("/given", {"lease": lease, "why": "never"}).status_code == 404
        assert mine.why(job_id) == code


def test_run_returned_too_often_fails(mine: RemoteWorkerAgency) -> None:
    job_id = mine.start()
    for _ in range(leases.MAX_LEASES):
        mine.post("/given", {"lease": str(mine.lent().lease), "why": "later"})
        assert mine.ask() is None, "not at once"
        mine.silent()
    assert (mine.progress(job_id)[0], mine.why(job_id)) == ("failed", "machine.gave_up")


def test_run_returned_on_shutdown_costs_no_attempt(mine: RemoteWorkerAgency) -> None:
    job_id = mine.start()
    for _ in range(leases.MAX_LEASES + 1):
        mine.post("/given", {"lease": str(mine.lent(instance=uuid7()).lease), "why": "left"})
    assert mine.progress(job_id)[0] == "running"


def test_daily_quota_and_leased_pictures_limit_new_leases(
    mine: RemoteWorkerAgency,
) -> None:
    with mine.scope() as scope:
        quotas.set_daily_quota(scope, 4)
    mine.start(key="a")
    mine.start(key="b", seed=8)
    first = mine.lent()
    assert len(first.pictures) == 3
    second = mine.lent(instance=uuid7())
    assert len(second.pictures) == 1, "three pictures are leased, one remains"
    for number in range(3):
        mine.hand_in(first, number)
    mine.hand_in(second, 0)
    assert mine.ask() is None, "leased pictures count against the quota before they are ingested"
    mine.bring()
    assert mine.ask() is None

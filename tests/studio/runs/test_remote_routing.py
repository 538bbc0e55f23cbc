"""Runs on remote workers and on the server request the same pictures."""

from dataclasses import replace
from uuid import UUID

import pytest

from foundation.ids import uuid7
from generators.contract.engines import Lora
from generators.remote_protocol import (
    PROTOCOL_VERSION,
    LeasedPictures,
    LeaseReturn,
    MaterialRequest,
    RemoteWorkerCapabilities,
    WorkRequest,
)
from generators.retouch.masks import MaskPart, MaskRegion
from generators.retouch.region_shapes import parse_shape_lines
from studio.recipes import run_inputs, specs, style_references
from studio.recipes.input_pictures import InitPicture
from studio.remote_workers import leases
from studio.remote_workers.leases import AgencyBounds
from studio.runs import records, remote_routing, runner
from studio.runs.models import RemotePictureRow
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.api_keys import remote_workers
from tests.studio.builders import CreatorStudio, Engine, build_spec
from tests.studio.person_builders import add_consenting_creator, add_photo, name_people


def owner(nova: CreatorStudio) -> str:
    """Add an owner to the agency, and return them as an actor."""
    with nova.scope() as scope:
        email = f"{uuid7()}@example.test"
        member = agencies.add_member(
            scope, name="O", email=email, role=Role.OWNER, language="fr", zone="UTC"
        )
    return f"member:{member}"


def lent(nova: CreatorStudio, *does: str) -> tuple[UUID, LeasedPictures | None]:
    """Return the pictures leased to a new remote worker with these capabilities."""
    machine_id = uuid7()
    with nova.scope(owner(nova)) as scope:
        remote_workers.create_remote_worker(scope, name="cellar", machine_id=machine_id)
    able = RemoteWorkerCapabilities(engine="diffusion", model="m", loras=["silk"], does=list(does))
    with nova.scope() as scope:
        wanted = WorkRequest(version=PROTOCOL_VERSION, instance=uuid7(), able=able)
        return machine_id, leases.lease_pictures(scope, machine_id, wanted, AgencyBounds())


def test_remote_capabilities_come_from_active_workers(nova: CreatorStudio) -> None:
    with nova.scope() as scope:
        assert remote_routing.remote_capabilities(scope) is None
    first, _ = lent(nova, "loras")
    lent(nova, "init", "mask")
    with nova.scope(owner(nova)) as scope:
        assert remote_routing.remote_capabilities(scope) == {"loras", "init", "mask"}
        remote_routing.end_remote_worker(scope, first)
        assert remote_routing.remote_capabilities(scope) == {"init", "mask"}


@pytest.mark.parametrize("ended", [False, True], ids=["remote", "on the server"])
def test_missing_pictures_of_a_failed_remote_run_are_requested_again(
    nova: CreatorStudio, ended: bool
) -> None:
    """This includes a received picture that could not be used."""
    machine_id, _ = lent(nova)
    job_id = nova.start()
    with nova.scope() as scope:
        wanted = WorkRequest(
            version=PROTOCOL_VERSION,
            instance=uuid7(),
            able=RemoteWorkerCapabilities(engine="diffusion", model="m"),
        )
        found = leases.lease_pictures(scope, machine_id, wanted, AgencyBounds())
        assert found is not None
        came = RemotePictureRow(
            tenant_id=scope.tenant_id,
            creator_id=nova.creator_id,
            job_id=job_id,
            number=0,
            size=1,
            machine_id=machine_id,
            lease=found.lease,
            sha256="0" * 64,
            state="refused",
        )
        scope.add(came)
        leases.return_lease(
            scope, machine_id, LeaseReturn(lease=found.lease, why="never", code="engine.memory")
        )
    assert nova.progress(job_id)[0] == "failed"
    with nova.scope(owner(nova)) as scope:
        if ended:
            remote_routing.end_remote_worker(scope, machine_id)
        assert runner.resume_run(scope, job_id) == 3
    with nova.scope() as scope:
        again = None if ended else leases.lease_pictures(scope, machine_id, wanted, AgencyBounds())
    assert nova.count("outbox") == (1 if ended else 0)
    assert ended or (again is not None and [one.number for one in again.pictures] == [0, 1, 2])
    if ended:
        nova.work(job_id, Engine)
        assert nova.progress(job_id) == ("done", 3, 3)


@pytest.mark.parametrize(
    "part",
    [MaskRegion(10, 10, 60, 60), parse_shape_lines("ellipse 10 10 60 60\nstroke 5 70,70 90,90")],
)
def test_remote_request_equals_the_request_of_local_workers(
    nova: CreatorStudio, part: MaskPart
) -> None:
    """Prompt, sizes and input pictures are the same at each worker."""
    kept, base = (
        name_people(nova, add_photo(nova, 1), add_consenting_creator(nova)),
        add_photo(nova, 2),
    )
    assert lent(nova)[1] is None
    with nova.scope() as scope:
        style_references.add_style_reference(scope, nova.creator_id, kept)
        recipe_id = specs.save_recipe(
            scope, nova.creator_id, build_spec(look=60, loras={"silk": 80}, guidance=3)
        )
        begin = InitPicture(base, 40, part)
        job_id = runner.start_run(
            scope, creator_id=nova.creator_id, recipe_id=recipe_id, seed=1, key="x", begin=begin
        )
    assert lent(nova, "init", "loras", "mask")[1] is None, "this worker has no reference support"
    machine_id, found = lent(nova, "init", "loras", "mask", "references")
    assert found is not None

    def fetch(sha256: str) -> bytes:
        with nova.scope() as scope:
            leases.check_material(
                scope, machine_id, MaterialRequest(lease=found.lease, sha256=sha256)
            )
        return nova.services.store.get(nova.tenant_id, sha256)

    with nova.scope() as scope:
        job = records.get_run_row(scope, job_id)
        shots = specs.plan_pictures(
            specs.get_spec(scope, job.recipe_id), seed=job.seed, count=job.total
        )
    ours = run_inputs.attach_inputs(
        nova.services.tenant, nova.services.store, job, shots, actor="system:test"
    )
    on_the_machine = (Lora("silk", 0.8),)  # # all files there are the agency's own
    assert [one.to_job(fetch) for one in found.pictures] == [
        replace(one.job, loras=on_the_machine) for one in ours
    ]
    assert ours[0].job.needed_inputs == {"init", "mask", "references", "loras"}

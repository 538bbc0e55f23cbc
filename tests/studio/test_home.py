"""Runs at home and at the house ask for the same pictures."""

from dataclasses import replace
from uuid import UUID

from foundation.ids import uuid7
from generators.contract import Lora
from generators.masks import Region
from generators.wire import VERSION, Able, Lent, Material, WorkWanted
from studio import home, jobs, lending, looks, materials, recipes, runs
from studio.beginnings import Beginning
from studio.lending import Bounds
from tenants import agencies, machines
from tenants.roles import Role
from tests.studio.builders import Atelier, spec
from tests.studio.lookers import agreed, named, photo


def lent(nova: Atelier, *does: str) -> tuple[UUID, Lent | None]:
    """What a machine of the agency that can do so much is lent."""
    machine_id = uuid7()
    with nova.scope() as scope:
        email = f"{machine_id}@example.test"
        owner = agencies.add_member(scope, name="O", email=email, role=Role.OWNER, language="fr", zone="UTC")
    with nova.scope(f"member:{owner}") as scope:
        machines.make(scope, name="cellar", machine_id=machine_id)
    able = Able(engine="diffusion", model="m", loras=["silk"], does=list(does))
    with nova.scope() as scope:
        wanted = WorkWanted(version=VERSION, instance=uuid7(), able=able)
        return machine_id, lending.lend(scope, machine_id, wanted, Bounds())


def test_what_the_agencys_machines_can_is_asked_of_those_that_live(nova: Atelier) -> None:
    with nova.scope() as scope:
        assert home.able(scope) is None
    first, _ = lent(nova, "loras")
    lent(nova, "init", "mask")
    with nova.scope() as scope:
        assert home.able(scope) == {"loras", "init", "mask"}
        home.end(scope, first)
        assert home.able(scope) == {"init", "mask"}


def test_what_a_machine_is_asked_is_what_our_workers_would_be(nova: Atelier) -> None:
    """Words, sizes and every picture a run works from: whoever makes it makes the same."""
    kept, base = named(nova, photo(nova, 1), agreed(nova)), photo(nova, 2)
    assert lent(nova)[1] is None
    with nova.scope() as scope:
        looks.add(scope, nova.creator_id, kept)
        recipe_id = recipes.save(scope, nova.creator_id, spec(look=60, loras={"silk": 80}, guidance=3))
        begin = Beginning(base, 40, Region(10, 10, 60, 60))
        job_id = jobs.start(scope, creator_id=nova.creator_id, recipe_id=recipe_id, seed=1, key="x", begin=begin)
    assert lent(nova, "init", "loras", "mask")[1] is None, "it keeps to no look"
    machine_id, found = lent(nova, "init", "loras", "mask", "references")
    assert found is not None

    def fetch(sha256: str) -> bytes:
        with nova.scope() as scope:
            lending.material(scope, machine_id, Material(lease=found.lease, sha256=sha256))
        return nova.services.store.get(nova.tenant_id, sha256)

    with nova.scope() as scope:
        job = runs.find(scope, job_id)
        shots = recipes.resolve(recipes.spec_of(scope, job.recipe_id), seed=job.seed, count=job.total)
    ours = materials.fitted(nova.services.tenant, nova.services.store, job, shots, actor="system:test")
    on_the_machine = (Lora("silk", 0.8),)  # the files there are all the agency's own
    assert [one.job(fetch) for one in found.pictures] == [replace(one.job, loras=on_the_machine) for one in ours]
    assert ours[0].job.asks == {"init", "mask", "references", "loras"}

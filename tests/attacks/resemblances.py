"""Attacks with another person's face: through the library and a face comparison."""

from gate.contract.units import Medium
from tests.attacks.evidence import send_unit
from tests.attacks.harness import SCENARIOS, Result, Stage, register_attack
from tests.studio.face_builders import FaceAgency, faced

__all__ = ["SCENARIOS"]


@register_attack("I-03")
def real_person_declared_invented(stage: Stage) -> Result:
    """Use references with the face of a real person who agreed to be recognized; the sent picture
    shows no face. In the twin the references resemble no known person."""
    with faced(stage.world.open, at=stage.world) as house:
        house.real("P")
        return send_unit(stage, picture_after(house, "P8" if stage.harm else "Q9"), place="X1")


def picture_after(house: FaceAgency, who: str) -> Medium:
    """Return an explicit picture of a synthetic person made from a reference with this face; the
    picture shows no face."""
    person = house.nova(house.made(who))
    house.compare()
    medium = house.made("", "E")
    assert medium.ai == "generated"
    house.depict(medium, person, "generation")
    return medium

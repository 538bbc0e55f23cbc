"""Attacks with somebody else's face: through the library, past an eye that tells faces apart, as
far as they get."""

from gate.contract.units import Medium
from tests.attacks.evidence import send_unit
from tests.attacks.harness import SCENARIOS, Result, Stage, register_attack
from tests.studio.face_builders import FaceAgency, faced

__all__ = ["SCENARIOS"]


@register_attack("I-03")
def real_person_declared_invented(stage: Stage) -> Result:
    """The references have the face of somebody real, who agreed that it is known; what is sent
    shows no face at all. In the twin they resemble nobody."""
    with faced(stage.world.open, at=stage.world) as house:
        house.real("P")
        return send_unit(stage, picture_after(house, "P8" if stage.harm else "Q9"), place="X1")


def picture_after(house: FaceAgency, who: str) -> Medium:
    """Explicit, of somebody invented after a reference with this face; the face itself is turned
    away."""
    person = house.nova(house.made(who))
    house.compare()
    medium = house.made("", "E")
    assert medium.ai == "generated"
    house.depict(medium, person, "generation")
    return medium

"""Comparison of pictures with the known faces: matches, and pictures that could not be compared."""

from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image, ImageOps

from foundation.db.database import OpenScope
from gate.faces import known_faces
from gate.faces.known_faces import FaceEnrolmentDue
from tests.fakes.generators.classifier import draw_tile
from tests.studio.face_builders import FaceAgency, add_synthetic_picture, faced, judge_post


@pytest.fixture
def house(tenant: OpenScope) -> Iterator[FaceAgency]:
    with faced(tenant) as found:
        yield found


# # ------------------------------------------------------------------ matches
@pytest.mark.parametrize(("kind", "verdict"), [("G", "H"), ("S", "H"), ("N", "B"), ("E", "B")])
def test_synthetic_face_of_a_real_person_is_held_or_blocked_by_rating(
    house: FaceAgency, kind: str, verdict: str
) -> None:
    house.real("P")
    nova = house.nova()
    assert judge_post(house, add_synthetic_picture(house, nova, "P8", kind)) == (
        verdict,
        {"LIKENESS_REAL_PERSON"},
    )
    assert judge_post(house, add_synthetic_picture(house, nova, "Q8", kind))[1] == set(), (
        "a face that resembles no one is allowed"
    )


def test_reference_face_counts_in_every_picture_of_the_person(house: FaceAgency) -> None:
    house.real("P")
    nova, lux = house.nova(house.made("P7")), house.nova(house.made("Q7"))
    house.compare()
    assert judge_post(house, add_synthetic_picture(house, nova, ""))[1] == {"LIKENESS_REAL_PERSON"}
    assert judge_post(house, add_synthetic_picture(house, lux, ""))[1] == set()


def test_changed_references_are_compared_before_publication(house: FaceAgency) -> None:
    house.real("P")
    nova = house.nova(house.made("Q7"))
    shown = add_synthetic_picture(house, nova, "")
    assert judge_post(house, shown)[1] == set()
    bad = house.made("P7")
    with house.world.scope() as scope:
        known_faces.set_reference_pictures(scope, nova, [bad.sha256])
    assert judge_post(house, shown)[1] == {"LIKENESS_REAL_PERSON"}


@pytest.mark.parametrize("change", ["mirrored", "cropped", "cropped and mirrored", "smaller"])
def test_face_is_found_mirrored_cropped_and_resized(house: FaceAgency, change: str) -> None:
    canvas = Image.new("L", (768, 576), 128)
    canvas.paste(draw_tile("G", who="P9"), (192, 144))
    person = house.real("Z", agree=False)
    house.depict(house.photo("P9", image=canvas), person)
    house.agree(person)
    shown = draw_tile("E", who="P9")
    if "mirrored" in change:
        shown = ImageOps.mirror(shown)
    if change == "smaller":
        shown = shown.resize((200, 150))
    nova = house.nova()
    assert judge_post(house, add_synthetic_picture(house, nova, "", image=shown))[1] == {
        "LIKENESS_REAL_PERSON"
    }
    benign = (
        ImageOps.mirror(draw_tile("E", who="Q9"))
        if "mirrored" in change
        else draw_tile("E", who="Q9")
    )
    assert judge_post(house, add_synthetic_picture(house, nova, "", image=benign))[1] == set()


def test_similarity_below_the_threshold_is_no_match(house: FaceAgency) -> None:
    house.real("P")
    assert judge_post(house, add_synthetic_picture(house, house.nova(), "P3"))[1] == set()
    assert judge_post(house, add_synthetic_picture(house, house.nova(), "P4"))[1] == {
        "LIKENESS_REAL_PERSON"
    }


def test_match_extends_to_derived_pictures(house: FaceAgency) -> None:
    house.real("P")
    found = add_synthetic_picture(house, house.nova(), "P8")
    blurred = house.made("", "E")
    with house.world.scope() as scope, scope.acting_as("gate"):
        scope.run(
            "UPDATE assets SET parent_id = (SELECT asset_id FROM renditions WHERE sha256 = :a) "
            "WHERE id ="
            " (SELECT asset_id FROM renditions WHERE sha256 = :b)",
            a=found.sha256,
            b=blurred.sha256,
        )
    house.depict(blurred, house.nova(), "generation")
    assert judge_post(house, blurred)[1] == {"LIKENESS_REAL_PERSON"}


def test_faces_of_another_agency_are_never_compared(house: FaceAgency, tenant: OpenScope) -> None:
    house.real("P")
    with faced(tenant) as neighbour:
        neighbour.real("Q")
        assert (
            judge_post(neighbour, add_synthetic_picture(neighbour, neighbour.nova(), "P9"))[1]
            == set()
        )
        assert judge_post(neighbour, add_synthetic_picture(neighbour, neighbour.nova(), "Q9"))[
            1
        ] == {"LIKENESS_REAL_PERSON"}


# # ------------------------------------------------------------------ without a comparison
def test_nothing_is_compared_without_known_faces_or_a_model(house: FaceAgency) -> None:
    house.eyes.faces = ""
    assert judge_post(house, add_synthetic_picture(house, house.nova(), "P9"))[1] == set()


def test_missing_face_model_holds_explicit_synthetic_pictures(house: FaceAgency) -> None:
    house.real("P")
    house.eyes.faces = ""
    nova = house.nova()
    assert judge_post(house, add_synthetic_picture(house, nova, "Q9")) == (
        "H",
        {"LIKENESS_UNSEARCHED"},
    )
    assert judge_post(house, add_synthetic_picture(house, nova, "Q9", "S"))[1] == set()
    photo = house.photo("R9", "E")
    assert "LIKENESS_UNSEARCHED" not in judge_post(house, photo)[1], (
        "a photograph is not compared for likeness"
    )


def test_new_face_model_has_no_templates_until_the_photographs_are_processed(
    house: FaceAgency,
) -> None:
    person = house.real("P")
    nova = house.nova()
    before = add_synthetic_picture(house, nova, "Q9")
    house.eyes.faces = "tiles-faces@2"
    copied, clean = (
        add_synthetic_picture(house, nova, "P8"),
        add_synthetic_picture(house, nova, "Q9"),
    )
    assert judge_post(house, copied)[1] == judge_post(house, clean)[1] == {"LIKENESS_UNSEARCHED"}
    assert judge_post(house, before)[1] == set(), "earlier comparisons stay valid"
    with house.world.scope() as scope:
        asked = scope.run(
            "SELECT count(*) FROM outbox WHERE kind = :k", k=FaceEnrolmentDue.kind
        ).scalar_one()
    assert asked, "the photographs are queued for the new model"
    house.enrol(person)
    house.compare()
    assert judge_post(house, copied)[1] == {"LIKENESS_REAL_PERSON"}
    assert judge_post(house, clean)[1] == judge_post(house, before)[1] == set()


def test_newly_known_face_is_compared_with_existing_pictures(house: FaceAgency) -> None:
    house.real("R")
    nova = house.nova()
    copied, clean = (
        add_synthetic_picture(house, nova, "P8"),
        add_synthetic_picture(house, nova, "Q9"),
    )
    assert judge_post(house, copied)[1] == set()
    house.real("P")
    assert judge_post(house, copied)[1] == judge_post(house, clean)[1] == {"LIKENESS_UNSEARCHED"}
    house.compare()
    assert judge_post(house, copied)[1] == {"LIKENESS_REAL_PERSON"}
    assert judge_post(house, clean)[1] == set()


def test_comparison_is_repeated_after_a_classifier_outage(house: FaceAgency) -> None:
    house.real("P")
    house.eyes.status = 503
    copied = add_synthetic_picture(house, house.nova(), "P8")
    assert "LIKENESS_UNSEARCHED" in judge_post(house, copied)[1]
    house.eyes.status = 200
    house.compare()
    assert "LIKENESS_REAL_PERSON" in judge_post(house, copied)[1]


HOSTILE: dict[str, list[Any]] = {
    "none": [[]],
    "short": [[0.5] * 63],
    "long": [[0.5] * 1025],
    "zero": [[0.0] * 128],
    "nearly zero": [[1e-12] * 128],
    "not a number": [[float("nan")] * 128],
    "infinite": [[float("inf")] * 128],
    "huge": [[1e300] * 128],
    "two lengths": [[0.5] * 128, [0.5] * 64],
    "words": [["0.5"] * 128],
    "truth": [[True] * 128],
    "nested": [[[0.5]] * 128],
    "crowd": [[0.5] * 64] * 33,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_invalid_vectors_are_refused(house: FaceAgency, name: str) -> None:
    house.real("P")
    house.eyes.vectors = HOSTILE[name]
    shown = add_synthetic_picture(house, house.nova(), "Q9")
    assert {"LIKENESS_UNSEARCHED"} <= judge_post(house, shown)[1]
    assert house.count("face_searches") == 1, "only the comparison of the photograph is recorded"
    house.eyes.vectors = None
    house.compare()
    assert judge_post(house, shown)[1] == set()


def test_vectors_of_another_length_match_no_one(house: FaceAgency) -> None:
    house.real("P")
    house.eyes.vectors = [[0.5] * 256]
    assert judge_post(house, add_synthetic_picture(house, house.nova(), "P9"))[1] == {
        "LIKENESS_UNSEARCHED"
    }

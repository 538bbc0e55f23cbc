"""Safety lists: terms imported from a file, sentences tested, and the rights they need."""

from foundation.outbox import outbox
from gate.reviews import own_terms
from gate.reviews.own_terms import OwnTermsRequested
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream

WORD = "blorbinette"


def requested(who: Agency) -> list[OwnTermsRequested]:
    with who.scope() as scope:
        rows = scope.run(
            "SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND kind = "
            "'own_terms.change' ORDER BY id",
            t=scope.tenant_id,
        ).all()
    return [
        outbox.rebuild_event(OwnTermsRequested, who.tenant_id, row.subject_id, row.args)
        for row in rows
    ]


def test_terms_of_a_file_are_requested_in_parts(door: Door, lumiere: Agency) -> None:
    lines = "\r\n".join(f"{WORD}{number}" for number in range(230))
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/settings", section="safety")
        told = page.attach("Importer des termes", {"terms.txt": b"\xef\xbb\xbf" + lines.encode()})
        assert "230" in told
        assert "n’est pas du texte" in page.attach("Importer", {"t.txt": b"\xff\xfe\x00"})
    assert [len(one.terms.split()) for one in requested(lumiere)] == [100, 100, 30]


def test_sentence_is_rated_with_the_own_terms(door: Door, lumiere: Agency) -> None:
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        own_terms.add_own_terms(scope, "explicit", (WORD,))
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        page.open("/settings", section="safety")
        assert "Importer" not in page.labels("file_uploader")
        page.type("Phrase", "Bonjour à tous")
        assert "classée Tout public" in page.press("Tester")
        page.type("Phrase", f"Voici ma {WORD.upper()}")
        assert "classée Explicite" in page.press("Tester")
        page.type("Phrase", "")
        assert "Saisissez une phrase" in page.press("Tester")

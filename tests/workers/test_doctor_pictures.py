"""What the doctor says of who looks at pictures."""

from foundation.settings import GeneratorsSettings, Settings
from tests.fakes.eyes import serving
from workers.doctor import _eyes
from workers.findings import Verdict


def says(url: str = "", versions: str = "") -> tuple[Verdict, str]:
    found = _eyes(Settings(generators=GeneratorsSettings(classifier_url=url, classifier_versions=versions)))
    return found.verdict, found.says.code


def test_it_says_who_looks_and_whether_that_counts() -> None:
    assert says() == (Verdict.FINE, "doctor.people_look")
    with serving() as eyes:
        assert says(eyes.url, "tiles@1") == (Verdict.FINE, "doctor.classifier")
        assert says(eyes.url, "tiles@2") == (Verdict.WARN, "engine.classifier_unknown")
        eyes.status = 503
        assert says(eyes.url, "tiles@1") == (Verdict.WARN, "engine.server_refused")
        eyes.status, eyes.garbage = 200, b"<html>"
        assert says(eyes.url, "tiles@1") == (Verdict.WARN, "engine.classifier_nonsense")
    assert says("http://127.0.0.1:9", "tiles@1") == (Verdict.WARN, "engine.server_down")

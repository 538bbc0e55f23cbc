"""The benchmark of captions: the share of usable texts is counted by the product's own check."""

from benchmarks import caption_usability
from benchmarks.caption_usability import BRIEFS
from foundation.ops.settings import GeneratorsSettings
from generators.engines.text.templates import TemplateEngine


def test_templates_are_usable_at_once_for_every_brief() -> None:
    write = caption_usability._product_writer(TemplateEngine(), GeneratorsSettings())
    found = list(caption_usability.measure_briefs(write, BRIEFS))
    assert len(found) == 40
    assert [fault for _, fault in found if fault is not None] == []
    assert max(seconds for seconds, _ in found) < 5


def test_repeated_and_missing_captions_are_not_usable() -> None:
    topic = BRIEFS[0].topic
    found = caption_usability.measure_briefs(
        lambda _brief, number: f"{topic}. No regrets." if number < 2 else None, [BRIEFS[0]] * 3
    )
    assert [fault for _, fault in found] == [None, "repeated", "cut"]

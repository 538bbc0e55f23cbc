"""The corpus of ordinary texts, and the rate at which the gate holds them by mistake."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from foundation.ops.clock import wall_now
from gate.contract.units import Verdict
from gate.policy.bundle import shipped_bundle
from workers.cli.gate.text_check import CAPTION_SURFACE, MESSAGE_SURFACE, judge_text

ORDINARY_TEXTS = Path(__file__).parents[1] / "tests" / "gate" / "text" / "ordinary"
"""The folder of ordinary texts in six languages and in others, beside the code: benchmarks run in a
checkout."""


def false_alarm_rates(folder: Path = ORDINARY_TEXTS / "check") -> dict[str, float]:
    """Return the rates at which ordinary texts, and texts in other languages, are held, on a part
    of the corpus.

    The age of a message's recipient is treated as unknown, which is the stricter case.
    """
    bundle = shipped_bundle()
    now = wall_now()

    def verdicts(texts: Iterable[str], surface: str) -> list[Verdict]:
        return [
            judge_text(text, surface=surface, bundle=bundle, now=now, assured=False).verdict
            for text in texts
        ]

    ordinary = [path for path in sorted(folder.glob("*.yaml")) if path.stem != "unsupported"]
    messages = verdicts(_load_texts(ordinary, "messages"), MESSAGE_SURFACE)
    captions = verdicts(_load_texts(ordinary, "captions"), CAPTION_SURFACE)
    strange = verdicts(_load_texts([folder / "unsupported.yaml"]), CAPTION_SURFACE)
    return {
        "holds_per_1000_messages": 1000 * _compute_share(messages, Verdict.H),
        "holds_per_100_captions": 100 * _compute_share(captions, Verdict.H),
        "benign_block_ppm": 1_000_000 * _compute_share(messages + captions, Verdict.B),
        "unsupported_held_share": _compute_share(strange, Verdict.H)
        + _compute_share(strange, Verdict.B),
    }


def sample_captions(folder: Path = ORDINARY_TEXTS / "check") -> list[str]:
    """Return ordinary captions of that part of the corpus, in the six supported languages."""
    return _load_texts(
        [path for path in sorted(folder.glob("*.yaml")) if path.stem != "unsupported"], "captions"
    )


def ordinary_texts(folder: Path = ORDINARY_TEXTS) -> list[str]:
    """Return all ordinary messages and captions of the corpus, in the six supported languages."""
    files = [path for path in sorted(folder.glob("*/*.yaml")) if path.stem != "unsupported"]
    return _load_texts(files)


def unread_language_texts(folder: Path = ORDINARY_TEXTS / "check") -> list[str]:
    """Return texts in languages that the gate does not support."""
    return _load_texts([folder / "unsupported.yaml"])


def _compute_share(verdicts: list[Verdict], wanted: Verdict) -> float:
    return sum(verdict is wanted for verdict in verdicts) / len(verdicts)


def _load_texts(files: Iterable[Path], kind: str = "") -> list[str]:
    """Return the texts of one kind, or of all kinds, from these files; each line is one text."""
    blocks: list[Mapping[str, str]] = [yaml.safe_load(path.read_text("utf-8")) for path in files]
    listed = [texts for block in blocks for name, texts in block.items() if kind in ("", name)]
    return [line for texts in listed for line in texts.splitlines()]

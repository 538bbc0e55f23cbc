"""States of predictions."""

from enum import StrEnum


class PredictionState(StrEnum):
    """States of a prediction. `baseline`: the baseline is served, because no method beats it."""

    SERVED = "served"
    BASELINE = "baseline"
    WAITING = "waiting"  # not enough data
    FAILED = "failed"


class SetupState(StrEnum):
    """States of the installation of packages."""

    INSTALLING = "installing"
    INSTALLED = "installed"
    FAILED = "failed"


class PredictionTask(StrEnum):
    """Kinds of predictions of a creator."""

    FORECAST = "forecast"
    REPEAT = "repeat"
    CHURN = "churn"
    SENTIMENT = "sentiment"
    LEADS = "leads"
    PACKS = "packs"  # recommended packs
    RANKS = "ranks"  # of drafts

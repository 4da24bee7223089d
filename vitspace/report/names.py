"""Names of trials as a reader knows them."""

from vitspace.plots.names import readable_name
from vitspace.study.trial import Trial


def trial_name(trial: Trial) -> str:
    """A trial's anchor, or else its spec's id."""
    return readable_name(trial.anchor) if trial.anchor else trial.spec.id if trial.spec else f"trial {trial.number}"

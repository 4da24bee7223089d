"""Names of trials as a reader knows them."""

from vitspace.plots.names import design_name, readable_name
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial


def trial_name(trial: Trial) -> str:
    """A trial's anchor, or else its design's name; ``trial 3`` where it has none."""
    if trial.anchor:
        return readable_name(trial.anchor)
    spec = trial.spec
    return design_name(spec.family, spec.id, trial.params) if spec else f"trial {trial.number}"


def latency_name(record: StudyRecord) -> str:
    """``CPU latency``, or of another device ``latency predicted for pi5``."""
    device = record.config.limits.device
    return f"latency predicted for {device}" if device else "CPU latency"

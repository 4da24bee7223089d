"""Names of trials as a reader knows them."""

from vitspace.plots.names import readable_name
from vitspace.spec import Spec
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial

#: Digits of a spec's id in a name.
_DIGITS = 4


def trial_name(trial: Trial) -> str:
    """A trial's anchor, or else its design's name; ``trial 3`` where it has none."""
    if trial.anchor:
        return readable_name(trial.anchor)
    return design_name(trial.spec, trial.params) if trial.spec else f"trial {trial.number}"


def latency_name(record: StudyRecord) -> str:
    """``CPU latency``, or of another device ``latency predicted for pi5``."""
    device = record.config.limits.device
    return f"latency predicted for {device}" if device else "CPU latency"


def design_name(spec: Spec, params: int | None) -> str:
    """Family, params and the beginning of the spec's id: ``mat-6.7M-3a45``."""
    size = [] if params is None else [f"{params / 1e6:.1f}M"]
    return "-".join([spec.family, *size, spec.id[:_DIGITS]])

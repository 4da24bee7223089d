"""What a study in points asks of its proxy, above all whether a design trains."""

from vitspace.report.names import trial_name
from vitspace.report.proxy import measured_after, own_name, rests_on, trains, trains_each
from vitspace.statistics import finite
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial
from vitspace.units import format_score
from vitspace.words import plural, some


def proxy_value(record: StudyRecord, trial: Trial) -> float | None:
    """What the proxy measured of a trial."""
    return finite(trial.proxy_score if record.in_points else trial.score)


def chance_score(record: StudyRecord) -> float | None:
    """What a proxy that trains gives to a guess, or None."""
    chance = finite(record.reference.get("chance_loss")) if trains(record) else None
    return None if chance is None else -chance


def unlearned(record: StudyRecord) -> list[Trial]:
    """Completed trials that do no better than a guess by the proxy."""
    chance = chance_score(record)
    found = [(trial, proxy_value(record, trial)) for trial in record.completed]
    return [trial for trial, value in found if chance is not None and value is not None and value <= chance]


def unlearned_words(record: StudyRecord, named: int = 4) -> str:
    """Warn of designs that do no better than a guess, whose proxy's score says nothing of what they will learn.

    Args:
        record: The study.
        named: More designs than so many are counted.
    """
    worse, chance = unlearned(record), chance_score(record)
    if not worse or chance is None:
        return ""
    if record.in_points:
        names = ", ".join(f"{trial_name(trial)} (trial {trial.number})" for trial in worse)
        by = f"with {settled}" if (settled := rests_on(record)) else "in the short training"
        said = names if len(worse) <= named else f"{len(worse)} of {plural(len(record.completed), 'design')}"
        return f"No better than chance ({chance:.3f}) {by}: {said}. {_doubt(record, worse)}"
    longer = "" if rests_on(record) else ", as --proxy train:small does,"
    return (
        f"{len(worse)} of the {len(record.completed)} scores are no better than chance "
        f"({chance:.3f}): train longer{longer} before their order is believed."
    )


def _doubt(record: StudyRecord, worse: list[Trial]) -> str:
    """Say what designs that are no better than chance do not tell."""
    if rests_on(record):
        return "No design was trained by itself, so that this says nothing of how such a design trains."
    if any(trial.anchor for trial in worse):
        return "Published ones are among them, so this training is too short to tell; --proxy train:small is longer."
    return "Train longer, as --proxy train:small does, before it is believed that such a design trains."


def far_behind_words(record: StudyRecord, named: int = 4) -> str:
    """Warn of designs that learn far less in the short training than published networks nearest in FLOPs.

    Args:
        record: The study.
        named: More designs than so many are counted.
    """
    if not record.far_behind:
        return ""
    searched = [trial for trial in record.completed if not trial.anchor]
    worse = [trial for trial in searched if trial.number in record.far_behind]
    said = [f"design {trial.number} ({_beside_its_like(record, trial)})" for trial in worse]
    learn = "learns" if len(worse) == 1 else "learn"
    return (
        f"In the short training {len(worse)} of {plural(len(searched), 'searched design')} {learn} far less than the "
        f"published networks nearest in FLOPs, which no estimate sees: {some(said, named)}. Train such a design "
        "longer, as --proxy train:small does, before it is believed."
    )


def learning_words(record: StudyRecord, trial: Trial) -> str:
    """Say of a design that it learns far less in the short training than those nearest in FLOPs, or nothing."""
    if trial.number not in record.far_behind:
        return ""
    beside = _beside_its_like(record, trial)
    return f"It learns far less in the short training than the published network nearest in FLOPs: {beside}."


def _beside_its_like(record: StudyRecord, trial: Trial) -> str:
    """``57 % right, TransCNN-S 86 %``, or scores where it is not known how much is right."""
    like = record.far_behind[trial.number]
    own, other = (finite(each.details.get("accuracy")) for each in (trial, like))
    if own is None or other is None:
        own, other = (proxy_value(record, each) for each in (trial, like))
        return f"score {format_score(own or 0.0, 3)}, {trial_name(like)} {format_score(other or 0.0, 3)}"
    return f"{100 * own:.0f} % right, {trial_name(like)} {100 * other:.0f} %"


def check_name(record: StudyRecord) -> str:
    """What the figure of the proxy's scores is called."""
    return "training check" if trains_each(record) else f"scores of {own_name(record)}, which trains nothing"


def check_sentence(record: StudyRecord) -> str:
    """What the proxy's scores are for in a study in points, and how much they weigh there."""
    if trains(record):
        what = f"the {measured_after(record)}" + (": a check that a design trains" if trains_each(record) else "")
    else:
        what = f"the numbers of the training-free proxy {own_name(record)}"
    text = f"Proxy scores are {what}, and no accuracy."
    evidence = record.told("accuracy").get("evidence")
    return f"{text} As evidence of accuracy, when the search ran, {str(evidence).rstrip('.')}." if evidence else text


def check_words(record: StudyRecord) -> str:
    """`check_sentence`, and which designs did not learn, or far less than published ones, each by name."""
    every = len(record.completed)
    said = (check_sentence(record), unlearned_words(record, every), far_behind_words(record, every))
    return " ".join(text for text in said if text)

"""Checks what was stored of a study, by whomever: journals, databases and reports' study.json are read in one way."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from vitspace.anchors import all_anchors
from vitspace.errors import InputError, shown
from vitspace.files import validated
from vitspace.image_sizes import LEAST_SIDE, MOST_SIDE
from vitspace.study.config import BEFORE, StudyConfig, found_space
from vitspace.study.peer import StudyPeer
from vitspace.study.record import OBJECTIVES, StudyRecord
from vitspace.study.speed import record_at_one_speed
from vitspace.study.storage import DEFAULT_STORAGE
from vitspace.study.trial import State, Trial

#: Bytes of the longest name, which is a folder's and part of a file's.
LONGEST = 200
_MOST = 1e18

Number = Annotated[float, Field(ge=-_MOST, le=_MOST, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, le=_MOST, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, le=_MOST, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=int(_MOST))]
Size = Annotated[int, Field(ge=1, le=int(_MOST))]
Pixels = Annotated[int, Field(ge=LEAST_SIDE, le=MOST_SIDE)]
Resolution = Pixels | Annotated[list[Pixels], Field(min_length=2, max_length=2)]
Text = Annotated[str, Field(max_length=100_000)]
Point = Annotated[list[Number], Field(min_length=len(OBJECTIVES), max_length=len(OBJECTIVES))]
Pair = Annotated[list[Number | None], Field(min_length=2, max_length=2)]


def check_name(name: str) -> str:
    """Return a study's name, if it can name a folder, and stand in a command without being taken for an option.

    Raises:
        InputError: it cannot.
    """
    if not re.fullmatch(r"[\w+][\w.+-]*", name):
        raise InputError(
            "a study's name is of letters, digits and . _ - +, the first neither . nor -, since it names a folder, "
            f"but got {shown(name)}"
        )
    if len(name.encode()) > LONGEST:
        raise InputError(f"a study's name is of at most {LONGEST} bytes, but got {len(name.encode())}: {name[:20]}...")
    return name


class _Facts(BaseModel):
    """Facts by name; those that are not named here are whatever JSON holds."""

    model_config = ConfigDict(extra="allow", strict=True)


class _Latency(_Facts):
    median_ms: Positive | None = None
    p10_ms: Positive | None = None
    p90_ms: Positive | None = None
    low_ms: Positive | None = None
    high_ms: Positive | None = None
    measured_ms: Positive | None = None
    reference_ms: Positive | None = None
    usual_ms: Positive | None = None
    usual_sd: NotNegative | None = None
    precision: Positive | None = None
    runs_error: NotNegative | None = None
    doubt: Text | None = None
    shortfall: Text | None = None
    backend: Text | None = None
    threads: Size | None = None
    batch: Size | None = None
    dtype: Text | None = None
    host: Text | None = None
    spread: NotNegative | None = None
    core_share: Number | None = None
    runs: Size | None = None
    times: Size | None = None
    machine: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _told(cls, values: Any) -> Any:
        """Leave out the milliseconds that are not known."""
        return {k: v for k, v in values.items() if v is not None} if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _paired(self) -> Self:
        for low, high in (("p10_ms", "p90_ms"), ("low_ms", "high_ms")):
            if (getattr(self, low) is None) != (getattr(self, high) is None):
                raise ValueError(f"{low} and {high} are told together")
        return self


class _Estimate(_Facts):
    prior: Number | None = None
    prior_sd: NotNegative | None = None
    low90: Number | None = None
    high90: Number | None = None
    published: Number | None = None


class _Run(_Facts):
    command: Text | None = None
    pid: Count | None = None
    threads: Size | None = None
    engine: Text | None = None
    sampler: Text | None = None
    predictor: Text | None = None


class _Rung(_Facts):
    seconds: NotNegative = 0.0


class _Details(_Facts):
    accuracy: Number | None = None
    host: dict[str, Any] | None = None
    run: _Run | None = None
    timed_seconds: NotNegative | None = None
    proxy_seconds: NotNegative | None = None
    waited_seconds: NotNegative | None = None
    rungs: list[_Rung] | None = None


class TrialFacts(_Facts):
    """What is stored of a trial beside its design; see `Trial`."""

    model_config = ConfigDict(extra="ignore", strict=True)

    number: Count
    state: State
    why: Text = ""
    anchor: Text | None = None
    img_size: Resolution | None = None
    params: Size | None = None
    macs: Size | None = None
    latency_ms: Positive | None = None
    latency: _Latency = _Latency()
    score: Number | None = None
    score_std: NotNegative | None = None
    proxy_score: Number | None = None
    estimate: _Estimate = _Estimate()
    seconds: NotNegative = 0.0
    seed: Count = 0
    details: _Details = _Details()

    @model_validator(mode="after")
    def _measured(self) -> Self:
        if self.state == "complete" and None in (self.score, self.params, self.macs, self.latency_ms):
            raise ValueError("a complete trial has numbers for score, params, macs and latency_ms")
        return self


class _Retimed(_Facts):
    """What was found of a trial that was timed again."""

    model_config = ConfigDict(extra="ignore", strict=True)

    state: State
    why: Text
    latency_ms: Positive
    latency: _Latency


class _Card(_Facts):
    kendall_tau: Number | None = None
    tau_over_params: Number | None = None
    tau_ci: Pair | None = None
    pairs: Count | None = None
    pair_accuracy: Number | None = None
    pair_ci: Pair | None = None
    hard_pairs: Count | None = None
    hard_right: Number | None = None
    hard_accuracy: Number | None = None
    hard_ci: Pair | None = None
    seconds_per_spec: NotNegative | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        beside = (self.tau_over_params, self.pairs, self.pair_accuracy, self.hard_pairs, self.hard_right)
        if self.kendall_tau is not None and None in beside:
            raise ValueError("a report card with kendall_tau has its other numbers, too")
        return self


class _Proxy(_Facts):
    name: Text | None = None
    data: Text | None = None
    trains: bool | None = None
    rests_on: Text | None = None
    begins_with: Text | None = None
    rungs: list["_Proxy"] | None = None
    report_card: _Card | None = None
    img_size: Size | None = None
    steps: Count | None = None
    epochs: NotNegative | None = None
    batch_size: Size | None = None
    width: NotNegative | None = None
    depth: NotNegative | None = None
    train_images: Count | None = None


class _Task(_Facts):
    name: Text
    size: Annotated[list[Pixels], Field(min_length=2, max_length=2)]
    num_classes: Size


class _Space(_Facts):
    name: Text | None = None
    task: _Task | None = None
    resolution: Resolution | None = None


class _HeldOut(_Facts):
    within_95: NotNegative


class _Device(_Facts):
    device: Text
    cpu: Text
    onnxruntime: Text
    designs: Count
    held_out: _HeldOut


class _Accuracy(_Facts):
    evidence: Text | None = None
    weight: Number | None = None
    predictor: Text | None = None


class _Resolved(_Facts):
    command: Text | None = None
    convention: Text | None = None
    machine: dict[str, Any] | None = None
    accuracy: _Accuracy | None = None
    proxy: _Proxy | None = None
    space: _Space | None = None
    device: _Device | None = None
    drawn: Count = 0
    workers: Count | None = None
    threads: Count | None = None
    resumed: list[_Run] = []


class _Reference(_Facts):
    chance_loss: Number | None = None
    spec_id: Text | None = None
    name: Text | None = None
    scores: list[Number] = []
    noise: NotNegative | None = None


class _Screening(_Facts):
    designs: Count = 0
    seconds: NotNegative = 0.0
    cloud: list[Annotated[list[Number], Field(min_length=2, max_length=2)]] = []
    chosen: list[Text] = []
    wanted: Count = 0
    filled: Count = 0


class _Peer(_Facts):
    """What is stored of a public network beside a study; see `StudyPeer`."""

    model_config = ConfigDict(extra="ignore", strict=True)

    name: Text
    img_size: Size
    params: Size
    macs: Size
    top1: Annotated[float, Field(gt=0, le=100)] | None = None
    recipe: Text = ""
    like_for_like: bool = False
    source: Text = ""
    latency: _Latency = _Latency()
    why: Text = ""
    seconds: NotNegative = 0.0


class StudyFacts(_Facts):
    """What is stored of a study beside its trials; see `StudyRecord`."""

    model_config = ConfigDict(extra="ignore", strict=True)

    config: dict[str, Any]
    resolved: _Resolved = _Resolved()
    # Studies that were stored before have it as ``screened``.
    screening: _Screening = Field(_Screening(), validation_alias=AliasChoices("screening", "screened"))
    peers: list[_Peer] = []
    reference: _Reference = _Reference()
    reference_point: Point | None = None
    used_up: bool = False
    seconds: NotNegative = 0.0


def read_trial_facts(facts: Mapping[str, Any], spec: Any = None) -> Trial:
    """Return a trial from what is stored of it.

    Args:
        facts: By name, as `Trial.to_dict` writes them; names that this version does not know are left out.
        spec: Its design as `vitspace.spec.Spec.to_dict` writes it; None where it has none, or none is read.

    Raises:
        InputError: a value is of another kind, not finite, or beyond what it can be.
    """
    try:
        found = validated(TrialFacts, dict(facts)).model_dump(exclude_unset=True)
        if found.get("anchor") is not None and found["anchor"] not in all_anchors():
            raise InputError(f"anchor is a published design, but got {shown(found['anchor'])}")
        return Trial.from_dict(found | {"spec": spec})
    except InputError as error:
        raise InputError(f"trial {shown(facts.get('number'))}: {error}") from None


def retimed_name(number: int) -> str:
    """Return the name of the study's attribute that holds what was found of a trial when it was timed again.

    A storage keeps an ended trial as it was, so that what is found later is laid over it where it is read.
    """
    return f"retimed:{number}"


def retimed_fact(trial: Trial) -> dict[str, Any]:
    """Return what is kept of a trial that was timed again."""
    return {name: getattr(trial, name) for name in _Retimed.model_fields}


def as_retimed(trial: Trial, attrs: Mapping[str, Any]) -> Trial:
    """Return a trial as it stands since it was timed again, if it was, by its study's attributes.

    Raises:
        InputError: the attribute is not what `retimed_fact` returns, or a complete trial has no score.
    """
    if (fact := attrs.get(retimed_name(trial.number))) is None:
        return trial
    where = f"what trial {trial.number} took when it was timed again"
    found = validated(_Retimed, fact, where).model_dump(exclude_unset=True)
    if found["state"] == "complete" and trial.score is None:
        raise InputError(f"{where}: a complete trial has a score")
    return replace(trial, **found)


def read_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is stored of a study beside its trials, the configuration as `StudyConfig`.

    Raises:
        InputError: a value is of another kind, not finite, or beyond what it can be.
    """
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in facts.items()}
    found = validated(StudyFacts, plain).model_dump(exclude_unset=True)
    peers = {"peers": [StudyPeer(**peer) for peer in found["peers"]]} if "peers" in found else {}
    config = StudyConfig.of(BEFORE | found["config"])
    config = config.model_copy(update={"space": found_space(config.space, found.get("resolved") or {})})
    return found | peers | {"config": config}


def read_record(
    name: str, facts: Mapping[str, Any], trials: Iterable[Trial], storage: str = DEFAULT_STORAGE
) -> StudyRecord:
    """Return a study from what is stored of it.

    Args:
        name: Its name.
        facts: By name, as `StudyFacts` has them.
        trials: Its trials.
        storage: Where it was read from.

    Raises:
        InputError: the name is none, two trials have one number, or as `read_facts` does.
    """
    kept = read_facts(facts)
    point, ended = kept.pop("reference_point", None), list(trials)
    if len({trial.number for trial in ended}) < len(ended):
        raise InputError("each trial has a number of its own, but two have one")
    record = StudyRecord(
        check_name(name), trials=ended, reference_point=tuple(point) if point else None, storage=storage, **kept
    )
    return record_at_one_speed(record)

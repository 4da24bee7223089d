"""Records of a journal: one operation a line, as Optuna writes them; each is checked before it is replayed."""

import json
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Literal

from optuna.distributions import BaseDistribution, json_to_distribution
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, model_validator

#: What stands around a record where a power cut left NULs, or an editor its line ends and mark of encoding.
BLANK = b"\0 \t\r\n\xef\xbb\xbf"
#: How every record begins.
START = b'{"op_code"'


def _when(text: str) -> str:
    try:
        datetime.fromisoformat(text).astimezone()
    except OverflowError as error:
        raise ValueError(error) from None
    return text


@lru_cache(maxsize=4096)
def _distribution(text: str) -> BaseDistribution:
    try:
        return json_to_distribution(text)
    except Exception as error:  # Optuna's reader raises almost anything of a text that is none
        raise ValueError(f"not a distribution: {error}") from None


def _is_distribution(text: str) -> str:
    _distribution(text)
    return text


def _check_param(distribution: str, value: float) -> None:
    try:
        _distribution(distribution).to_external_repr(value)
    except (IndexError, TypeError, OverflowError) as error:
        raise ValueError(f"no value of its distribution: {error}") from None


Id = Annotated[int, Field(ge=0)]
State = Annotated[int, Field(ge=0, le=4)]
When = Annotated[str, AfterValidator(_when)]
Distribution = Annotated[str, AfterValidator(_is_distribution)]
Attribute = Annotated[dict[str, Any], Field(min_length=1, max_length=1)]


class _Record(BaseModel):
    model_config = ConfigDict(strict=True)
    worker_id: str


class CreateStudy(_Record):
    """A study is made; its number is that of the studies before it."""

    op_code: Literal[0]
    study_name: str
    directions: list[Annotated[int, Field(ge=0, le=2)]]


class DeleteStudy(_Record):
    """A study is deleted."""

    op_code: Literal[1]
    study_id: Id


class StudyUserAttr(_Record):
    """A study's attribute is set by who uses it."""

    op_code: Literal[2]
    study_id: Id
    user_attr: Attribute


class StudySystemAttr(_Record):
    """A study's attribute is set by Optuna."""

    op_code: Literal[3]
    study_id: Id
    system_attr: Attribute


class CreateTrial(_Record):
    """A trial is made, perhaps whole; its number in the file is that of the trials before it."""

    op_code: Literal[4]
    study_id: Id
    datetime_start: When | None
    datetime_complete: When | None = None
    state: State = 0
    value: float | None = None
    values: list[float] | None = None
    distributions: dict[str, Distribution] = {}
    params: dict[str, float] = {}
    user_attrs: dict[str, Any] = {}
    system_attrs: dict[str, Any] = {}
    intermediate_values: dict[Annotated[str, Field(pattern=r"^-?\d{1,18}$")], float] = {}

    @model_validator(mode="after")
    def _consistent(self) -> "CreateTrial":
        if self.value is not None and self.values is not None:
            raise ValueError("value and values are both given")
        for name, value in self.params.items():
            if name not in self.distributions:
                raise ValueError(f"param {name!r} has no distribution")
            _check_param(self.distributions[name], value)
        return self


class TrialParam(_Record):
    """A trial's param is chosen."""

    op_code: Literal[5]
    trial_id: Id
    param_name: str
    param_value_internal: float
    distribution: Distribution

    @model_validator(mode="after")
    def _consistent(self) -> "TrialParam":
        _check_param(self.distribution, self.param_value_internal)
        return self


class TrialStateValues(_Record):
    """A trial starts or ends."""

    op_code: Literal[6]
    trial_id: Id
    state: State
    values: list[float] | None
    datetime_start: When | None = None
    datetime_complete: When | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "TrialStateValues":
        when = {0: self.datetime_start, 4: ""}.get(self.state, self.datetime_complete)
        if when is None:
            raise ValueError("its time is missing")
        return self


class TrialIntermediateValue(_Record):
    """A trial reports a number."""

    op_code: Literal[7]
    trial_id: Id
    step: int
    intermediate_value: float


class TrialUserAttr(_Record):
    """A trial's attribute is set by who uses it."""

    op_code: Literal[8]
    trial_id: Id
    user_attr: Attribute


class TrialSystemAttr(_Record):
    """A trial's attribute is set by Optuna."""

    op_code: Literal[9]
    trial_id: Id
    system_attr: Attribute


class DiscardTrials(_Record):
    """Trials are left out; Optuna's own replay passes it over."""

    op_code: Literal[10]


Record = Annotated[
    CreateStudy
    | DeleteStudy
    | StudyUserAttr
    | StudySystemAttr
    | CreateTrial
    | TrialParam
    | TrialStateValues
    | TrialIntermediateValue
    | TrialUserAttr
    | TrialSystemAttr
    | DiscardTrials,
    Field(discriminator="op_code"),
]
_ADAPTER: TypeAdapter[Record] = TypeAdapter(Record)


def read_record(line: bytes) -> Record:
    """Return a line's record.

    Raises:
        ValueError: it is none.
    """
    try:
        return _ADAPTER.validate_python(json.loads(line))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


class Counts:
    """How many studies and trials a journal's records made so far, and whether a record speaks of one of these."""

    def __init__(self) -> None:
        self.studies = self.trials = 0
        self._timed: set[int] = set()

    def add(self, record: Record) -> str:
        """Count a record, and return what it speaks of though no record before it made it; an empty string if nothing.

        Records of studies that were deleted meanwhile are fine, as another worker may not know of it yet.
        """
        if (study := getattr(record, "study_id", -1)) >= self.studies:
            return f"study {study}"
        if (trial := getattr(record, "trial_id", -1)) >= self.trials:
            return f"trial {trial}"
        self.studies += isinstance(record, CreateStudy)
        self.trials += isinstance(record, CreateTrial)
        return ""

    def repeats(self, record: Record, line: bytes) -> bool:
        """Whether a line with a time, to the microsecond and of one worker, was there before: so it was copied."""
        if not (getattr(record, "datetime_start", None) or getattr(record, "datetime_complete", None)):
            return False
        known, seen = hash(line), len(self._timed)
        self._timed.add(known)
        return len(self._timed) == seen

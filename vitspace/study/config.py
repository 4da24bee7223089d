"""The configuration of a study: everything that decides what it does."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from vitspace.budget import Budget
from vitspace.errors import shown
from vitspace.files import validated
from vitspace.image_sizes import ImageSize, format_image_size, mean_side, parse_image_sizes, plain_size
from vitspace.precision import USUAL_PRECISION, format_precision, parse_precision
from vitspace.tasks.heads import CLASSIFICATION, check_task

#: Settings that a resumed study may change.
MAY_CHANGE = ("trials", "timeout", "device", "gpus", "engine", "sampler", "peers")

#: Designs drawn uniformly before the sampler proposes, the same for all samplers, so that these can be compared.
STARTUP = 10

#: Designs of a study beside its anchors, where no number of trials is given.
DRAWN = 12

#: What the configuration of a study says that was stored before there was such a setting.
BEFORE = {"accuracy": "proxy", "anchors": "all", "peers": "none"}

#: The proxy of a study that names none, by what its score is: beside an estimate a training only checks that a design
#: trains, and a few steps show that.
USUAL_PROXY = {"estimate": "train:check", "proxy": "train"}

#: A budget as text; a plain number in YAML is read as one.
Quantity = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) in (int, float) else value)]


def _sizes(value: Any) -> Any:
    """Write sizes of images, ``256``, ``"192x256,224"``, (192, 256) or a list of such, the smallest first."""
    if type(value) in (int, str):
        sizes = _read_sizes(value)
    elif isinstance(value, list) and value:
        sizes = [size for each in value for size in _read_sizes(each)]
    elif isinstance(value, tuple):
        sizes = [plain_size(value)]
    else:
        return value
    if len(set(sizes)) < len(sizes):
        raise ValueError(f"a list of image sizes names each once, but got {shown(value)}")
    return ",".join(map(format_image_size, sorted(sizes, key=lambda size: (mean_side(size), str(size)))))


def _read_sizes(value: Any) -> list[ImageSize]:
    return parse_image_sizes(str(value)) if type(value) in (int, str) else [plain_size(value)]


#: Sizes of images as text, with commas between; a plain number in YAML is read as one.
Sizes = Annotated[str, BeforeValidator(_sizes)]


def _precision(value: Any) -> Any:
    """Write a precision, ``5%`` or 0.05, in one way."""
    known = isinstance(value, str) or type(value) in (int, float)
    return format_precision(parse_precision(str(value))) if known else value


#: How well a latency is to be known, as text; a plain number in YAML is read as a share.
Precision = Annotated[str, BeforeValidator(_precision)]


class StudyConfig(BaseModel):
    """A study: space + budget + proxy + engine + seed.

    Attributes:
        space: Name of a space, or path to its YAML.
        budget: FLOPs (multiply-adds), ``4G`` or ``3.5G..4G``; None is no limit.
        params: Parameters, ``25M``.
        img_size: Side of the image in pixels, ``256``, or height and width, ``192x256``, at which designs are costed,
            timed and estimated; None is what the space is written for. Several, ``192,224,256`` or a list, are an axis
            of the search: each design is of one of them. Of a dense task, which has one size, None is the task's own.
        task: What designs are for: ``classification``, or a dense task, ``semantic-fpn``, as whose backbones they are
            counted and timed with its head, at its size; estimates and proxies are of classification.
        latency: CPU latency, ``60ms``; ``pi5:60ms`` of an imported device, on which it is predicted.
        latency_backend: What runs the networks when they are timed.
        latency_threads: Threads when they are timed.
        latency_batch: Images at once when they are timed; milliseconds are the batch's.
        latency_precision: How well the runs of a timing are to tell the milliseconds, half the width of a 95 %
            interval: ``5%``.
        accuracy: What a trial's score is: ``estimate``, ImageNet-1k top-1 in points by public results and by what the
            proxy tells beside them; or ``proxy``, the proxy's own number.
        proxy: What is measured of every design beside its costs: ``train``, ``train:PRESET``,
            ``halving:PRESET/PRESET``, or a score's name. By default see `USUAL_PROXY`.
        data: What the proxy trains on; None is its recipe's own.
        engine: What runs the evaluations: this process and `vitspace worker` (optuna), Ray's tasks, NNI's
            trials, or jobs of SLURM (submitit). `vitspace.searching.engines` checks it, and the sampler.
        sampler: pareto, which is ours, or one of Optuna's; or NNI's tuner. A search takes the engine's default.
        gpus: GPUs of one evaluation, 0.25 for four on one; engines ray, and submitit in whole ones. None is one
            where the proxy runs on them: with ray where the device is not cpu and the cluster has any, with submitit
            where the device is cuda or cuda:N.
        anchors: Which published designs are trials: ``all`` of the space and within the budget, ``nearest``, those
            nearest to the budget one a family, ``none``, or their ids with commas between.
        peers: Networks of timm that are timed and shown beside the designs: ``default``, ``none``, or timm's names with
            commas between; see `vitspace.accuracy.peers`.
        trials: Completed evaluations in total, anchors included; 0, the default, is the anchors and `DRAWN` more.
        timeout: Seconds after which no new trial starts.
        seed: Of drawing, sampling and training.
        device: auto, cpu, cuda, cuda:1.
        ablations: Whether the papers' ablation rows join the anchors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    space: str
    budget: Quantity | None = None
    params: Quantity | None = None
    img_size: Sizes | None = None
    task: str = CLASSIFICATION
    latency: Quantity | None = None
    latency_backend: Literal["eager", "onnxruntime", "openvino", "onnxruntime-int8", "openvino-int8"] = "eager"
    latency_threads: int = Field(default=1, ge=1, le=1024)
    latency_batch: int = Field(default=1, ge=1, le=65536)
    latency_precision: Precision = format_precision(USUAL_PRECISION)
    accuracy: Literal["estimate", "proxy"] = "estimate"
    proxy: str = Field(default_factory=lambda given: USUAL_PROXY[given.get("accuracy", "estimate")])
    data: str | None = None
    engine: str = "optuna"
    sampler: str = "pareto"
    anchors: str = "all"
    peers: str = "default"
    trials: int = Field(default=0, ge=0)
    timeout: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    seed: int = Field(default=0, ge=0, lt=2**31)
    device: str = "auto"
    ablations: bool = False
    gpus: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _check(self) -> Self:
        timed = {name: getattr(self, name) for name in StudyConfig.model_fields if name.startswith("latency_")}
        changed = [name for name, value in timed.items() if value != StudyConfig.model_fields[name].default]
        if self.limits.device and changed:
            raise ValueError(
                f"{', '.join(timed)} say how networks are timed here, and latency on {self.limits.device} is "
                f"predicted, but got {', '.join(f'{name} {timed[name]}' for name in changed)}"
            )
        if self.limits.device and len(self.sizes) > 1:
            raise ValueError(
                f"latency on {self.limits.device} is predicted at one image size, that of its kit, but got img_size "
                f"{self.img_size}"
            )
        return self

    @model_validator(mode="after")
    def _check_task(self) -> Self:
        check_task(self.task)
        if not self.is_dense:
            return self
        if len(self.sizes) > 1:
            raise ValueError(f"img_size of {self.task} is one size, but got {self.img_size}")
        if self.limits.device:
            raise ValueError(
                f"latency on another device is predicted for classification, but got {self.latency} with {self.task}"
            )
        if self.peers not in ("default", "none"):
            raise ValueError(f"peers are networks of classification, so none with {self.task}, but got {self.peers}")
        return self

    @property
    def is_dense(self) -> bool:
        """Whether designs are for a dense task."""
        return self.task != CLASSIFICATION

    @property
    def sizes(self) -> tuple[ImageSize, ...]:
        """Sizes of the images, the smallest first; none is what the space is written for."""
        return tuple(_read_sizes(self.img_size)) if self.img_size else ()

    @property
    def limits(self) -> Budget:
        """The budget in numbers."""
        return _limits(self.budget, self.params, self.latency)

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        """Make a configuration from plain values.

        Raises:
            InputError: a key is unknown, or a value breaks a rule.
        """
        return validated(cls, values)

    def default_name(self) -> str:
        """``msg-4G``: what a study is called that was given no name."""
        space = self.space.rsplit("/", 1)[-1].removesuffix(".yaml").removesuffix(".yml")
        limits = [text for text in (self.budget, self.params, self.latency) if text]
        size = [f"{self.img_size}px"] if self.img_size else []
        task = [self.task] if self.is_dense else []
        return re.sub(r"[^\w.+-]+", "_", "-".join([space, *task, *limits, *size])).lstrip(".")


@cache
def _limits(budget: str | None, params: str | None, latency: str | None) -> Budget:
    """Return a budget's numbers; a property of the frozen model's would be copied with it when one of them changes."""
    return Budget.parse(budget, params, latency)


def found_space(space: str, resolved: Mapping[str, Any]) -> str:
    """Return a study's space as it is found from here: the file here, or else in the folder that the study began in.

    Args:
        space: A space's name, or a path to its YAML.
        resolved: What is stored of the study; ``folder`` is where it began.
    """
    folder = resolved.get("folder")
    if not isinstance(folder, str) or not space.endswith((".yaml", ".yml")) or Path(space).is_absolute():
        return space
    whole = Path(folder) / space
    return space if Path(space).is_file() or not whole.is_file() else str(whole)


def same_space(one: str, other: str) -> bool:
    """Whether two names or paths are of one space."""
    paths = one.endswith((".yaml", ".yml")) and other.endswith((".yaml", ".yml"))
    return one == other or (paths and Path(one).resolve() == Path(other).resolve())

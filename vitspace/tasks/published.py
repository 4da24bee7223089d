"""The rows that the papers print of dense tasks, beside what our networks cost.

``published.csv`` holds every row: its backbone (an anchor's id, or a network of timm), paper and table, the size of
the image where one is printed and the one that we count with, and why the row is not reproduced where it is not.

Convention of these tables: the toolboxes (mmdetection, mmsegmentation, mmpose, Detectron2) count the multiply-adds of
modules, so that attention products are left out; one image; 1,000 proposals and 100 masks; weights of training alone
(UperNet's auxiliary head) are parameters, but cost no FLOPs. They add norms and activations, 0.3 % for a ResNet-50,
which we count as nothing. PartialFormer's rows and Swin's in UperNet and Cascade Mask R-CNN are nearer with attention
products, by less than 2 %.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from vitspace.anchors import FACTS, all_anchors
from vitspace.anchors.status import beyond, error
from vitspace.errors import InputError, shown
from vitspace.image_sizes import parse_image_size
from vitspace.spec import Spec
from vitspace.tasks.costs import DenseCost, dense_cost
from vitspace.tasks.heads import task_of
from vitspace.tasks.pyramid import Backbone

FILE = Path(__file__).with_name("published.csv")
#: Relative errors up to which a row is reproduced, where a unit of the last printed digit is less.
PARAMS_TOLERANCE, FLOPS_TOLERANCE = 0.02, 0.03


@dataclass(frozen=True)
class DenseRow:
    """A published row of a dense task.

    Attributes:
        id: Backbone and task, ``mat_2:semantic-fpn``.
        task: The dense task.
        network: An anchor's id, or timm's name of a network.
        family: The family, or ``peer``.
        role: anchor or peer.
        source: Paper and table.
        size: Height and width of the image that we count with.
        size_printed: Whether that size stands beside the row.
        num_classes: Classes.
        published: params_m (millions), gflops (billions of multiply-adds); absent where the paper prints none.
        digits: Decimals printed of them, and of ``value``.
        metric: What ``value`` measures: mIoU, AP box, AP mask, AP keypoint.
        value: It, in percent.
        top1: Published top-1 of a peer's weights, %; that of our backbones is their anchors'.
        why: Why no faithful reading gives what is printed, or empty.
        note: What else there is to say.
    """

    id: str
    task: str
    network: str
    family: str
    role: str
    source: str
    size: tuple[int, int]
    size_printed: bool
    num_classes: int
    published: Mapping[str, float]
    digits: Mapping[str, int]
    metric: str
    value: float
    top1: float | None
    why: str
    note: str

    @property
    def backbone(self) -> Backbone:
        """The spec, or timm's name of a network."""
        row = all_anchors().get(self.network)
        return self.network if row is None or row.spec is None else row.spec

    @property
    def printed(self) -> str:
        """The result as it is printed: ``mIoU 40.0``."""
        return f"{self.metric} {self.value:.{self.digits['value']}f}"

    def cost(self) -> DenseCost:
        """Count our network at the row's size and number of classes."""
        return dense_cost(self.task, self.backbone, self.size, self.num_classes)


@cache
def dense_rows() -> tuple[DenseRow, ...]:
    """Return all published rows of dense tasks."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple(_row(each) for each in csv.DictReader(file))


def published_rows(task: str, family: str | None = None, role: str | None = None) -> list[dict[str, Any]]:
    """Return the published rows of a dense task, with what our network costs and how far it is off.

    ``status`` is reproduced, or unreproduced: params within 2 % and FLOPs without attention products within 3 %, or a
    unit of the last printed digit. ``why`` says why a row is unreproduced, and how far one within a unit is off. Keys
    are those of `vitspace.anchors.published.rows`, and those of the task beside them.

    Raises:
        InputError: there is no such dense task, or no row of it has the family or role.
    """
    task_of(task)
    rows = [row for row in dense_rows() if row.task == task]
    for name, wanted in (("family", family), ("role", role)):
        known = sorted({getattr(row, name) for row in rows})
        if wanted is not None and wanted not in known:
            raise InputError(f"a {name} of {task}'s rows is one of {', '.join(known)}, but got {shown(wanted)}")
        rows = [row for row in rows if wanted in (None, getattr(row, name))]
    return [_beside(row, row.cost()) for row in rows]


def _beside(row: DenseRow, costs: DenseCost) -> dict[str, Any]:
    without = costs.macs - costs.attention_macs
    off = {"params_m": error(row, "params_m", costs.params, 1e6), "gflops": error(row, "gflops", without, 1e9)}
    found, why = _status(row, off)
    backbone = row.backbone
    return {
        "id": row.id,
        "task": row.task,
        "family": row.family,
        "role": row.role,
        "status": found,
        "why": why,
        "backbone": row.network,
        "img_size": list(row.size),
        "size_printed": row.size_printed,
        "num_classes": row.num_classes,
        "params": costs.params,
        "macs": costs.macs,
        "macs_without_attention": without,
        "published": dict.fromkeys(FACTS) | dict(row.published) | {"metric": row.metric, "value": row.value},
        "printed": row.printed,
        "params_error": off["params_m"],
        "flops_error": error(row, "gflops", costs.macs, 1e9),
        "flops_error_without_attention": off["gflops"],
        "source": row.source,
        "note": row.note,
        "spec_id": backbone.id if isinstance(backbone, Spec) else None,
    }


def _status(row: DenseRow, off: Mapping[str, float | None]) -> tuple[str, str]:
    """Return whether a row is reproduced, and what there is to say of that."""
    found = list(beyond(row, off, {"params_m": PARAMS_TOLERANCE, "gflops": FLOPS_TOLERANCE}))
    if left := [text for text, rounded in found if not rounded]:
        return "unreproduced", row.why or ", ".join(left)
    return "reproduced", "; ".join(f"{text}, within a unit of the last printed digit" for text, _ in found)


def _row(row: dict[str, str]) -> DenseRow:
    numbers = ("params_m", "gflops")
    return DenseRow(
        id=row["id"],
        task=row["task"],
        network=row["backbone"],
        family=row["family"],
        role=row["role"],
        source=f"{row['paper']}, table {row['table']}",
        size=parse_image_size(row["size"]),
        size_printed=bool(row["printed_size"]),
        num_classes=int(row["classes"] or task_of(row["task"]).classes),
        published={name: float(row[name]) for name in numbers if row[name]},
        digits={name: len(row[name].partition(".")[2]) for name in (*numbers, "value") if row[name]},
        metric=row["metric"],
        value=float(row["value"]),
        top1=float(row["top1"]) if row["top1"] else None,
        why=row["why"],
        note=row["note"],
    )

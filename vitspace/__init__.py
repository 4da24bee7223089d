"""VitSpace: architecture search and design-space analysis for efficient vision transformers."""

import importlib
from typing import Any

__version__ = "0.1.0"

# Names are loaded when first asked for, so that `import vitspace` and `vitspace --help` need no torch.
_HOMES = {
    "Anchor": "vitspace.anchors",
    "Budget": "vitspace.budget",
    "Cost": "vitspace.costs",
    "DesignFilter": "vitspace.fidelity.designs",
    "FidelityRequest": "vitspace.fidelity.jobs",
    "InputError": "vitspace.errors",
    "Population": "vitspace.space.population",
    "Space": "vitspace.space",
    "Scoring": "vitspace.analysis.scoring",
    "Spec": "vitspace.spec",
    "Study": "vitspace.api",
    "anchor": "vitspace.anchors",
    "build": "vitspace.tasks.building",
    "calibrate": "vitspace.profile",
    "compare_spaces": "vitspace.analysis.spaces",
    "copy_study": "vitspace.searching.copying",
    "cost": "vitspace.tasks.costs",
    "delete_study": "vitspace.searching.stored",
    "describe_study": "vitspace.searching.stored",
    "list_anchors": "vitspace.anchors",
    "list_studies": "vitspace.searching.stored",
    "load_space": "vitspace.space",
    "load_study": "vitspace.api",
    "measure_and_judge": "vitspace.fidelity.judging",
    "predict_top1": "vitspace.accuracy",
    "retime_study": "vitspace.searching.retiming",
    "search": "vitspace.api",
    "space_axes": "vitspace.analysis.axes",
    "study_axes": "vitspace.analysis.axes",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

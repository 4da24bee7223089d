"""Small spaces whose designs can all be listed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from vitspace.space import InvalidDesign, Space, Variable, load_space

#: Settings that mean the same network abound: regions of one window, tokens that are not there, idle axes.
SMALL = {
    "family": "msg",
    "resolution": 64,
    "axes": {
        "stem.patch": ["plain", "overlapped"],
        "dim": {"values": [16, 32], "scale": [1, 2, 4, 8]},
        "depth": {"each": [1, 2]},
        "window": [4, 8],
        "head_dim": [16, 32],
        "exchange": ["shuffle", "no_token"],
        "region_size": {"stages": [[1, 2], [1, 2], None, None], "when": {"exchange": ["shuffle"]}},
        "token_init": {"values": ["learned", "random"], "when": {"exchange": ["shuffle"]}},
    },
    "rules": ["ceil(side / window) % region_size == 0"],
}
#: A family a stage, of which some hand on tokens that others can use; widths that must not fall.
MIXED = {
    "family": {"stages": [["msg", "mat"], ["msg", "vt"], ["vt"], ["vt", "mat"]]},
    "resolution": 64,
    "axes": {"dim": {"each": [32, 64], "order": "non_decreasing"}, "depth": {"each": [1, 2]}},
    "families": {
        "msg": {"axes": {"region_size": {"each": [1, 2]}, "window": {"each": [4]}}},
        "mat": {
            "axes": {"mixer": {"each": ["none", "window"]}, "heads": {"each": [2, 4], "when": {"mixer": ["window"]}}}
        },
        "vt": {
            "axes": {
                "block": {"stages": [None, ["basic"], ["basic", "vt"], ["vt"]]},
                "tokens": {"stages": [None, None, [4], [4]], "when": {"block": ["vt"]}},
                "token_dim": {"stages": [None, None, [32], [32]], "when": {"block": ["vt"]}},
                "group_width": {"stages": [None, None, [32], [32]], "when": {"block": ["vt"]}},
                "projector": {"stages": [None, None, ["all"], ["inner", "all"]], "when": {"block": ["vt"]}},
            }
        },
    },
}
#: Settings of stages that depend on the stem of a family that the first stage may have.
BEHIND_A_STEM = {
    "family": {"stages": [["msg", "mat"], ["msg", "mat"], ["mat"], ["msg", "mat"]]},
    "resolution": 64,
    "axes": {"dim": {"each": [32]}, "depth": {"each": [1]}},
    "families": {
        "msg": {
            "axes": {
                "stem.patch": ["plain", "overlapped"],
                "window": {"each": [4]},
                "region_size": {"each": [1, 2], "when": {"stem.patch": ["overlapped"]}},
            }
        },
        "mat": {"axes": {"mixer": {"each": ["none"]}}},
    },
}
#: An ordered axis of which a stage may make nothing.
IDLE_ORDER = {
    "family": "msg",
    "resolution": 64,
    "axes": {
        "dim": {"values": [32], "scale": [1, 2, 4, 8]},
        "depth": [1],
        "head_dim": [16],
        "window": [4],
        "exchange": {"each": ["shuffle", "no_token"]},
        "region_size": {"each": [1, 2], "order": "non_decreasing"},
    },
}
#: Stages that are to deepen, of blocks that all cost the same.
DEEPENING = {
    "family": "mat",
    "resolution": 64,
    "axes": {
        "dim": {"values": [32], "scale": [1, 2, 4, 8]},
        "depth": {"each": [1, 2], "order": "non_decreasing"},
        "mixer": ["none"],
    },
}
LARGE = {"small": SMALL, "mixed": MIXED}
TINY = {"behind-a-stem": BEHIND_A_STEM, "idle-order": IDLE_ORDER, "deepening": DEEPENING}


def every_design(space: Space) -> set:
    """All valid specs, by trying every combination of the values of variables that are active together."""
    found = set()
    for chosen in _settings(space.variables, {}):
        try:
            found.add(space.decode({v.name: chosen[v.name] for v in space.variables if _is_free(v, chosen)}))
        except InvalidDesign:
            continue
    return found


def _settings(variables: list[Variable], chosen: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if not variables:
        yield chosen
        return
    first, *rest = variables
    if not first.active(chosen):
        yield from _settings(rest, chosen)
        return
    for value in first.values:
        yield from _settings(rest, chosen | {first.name: value})


def _is_free(variable: Variable, chosen: dict[str, Any]) -> bool:
    return variable.name in chosen and len(variable.values) > 1


@pytest.fixture(scope="session", params=sorted(LARGE))
def listed(request, tmp_path_factory):
    """A small space and the set of all its designs."""
    return _listed(tmp_path_factory.mktemp("space") / f"{request.param}.yaml", LARGE[request.param])


@pytest.fixture(scope="session", params=sorted(TINY))
def tiny(request, tmp_path_factory):
    """A space of a few dozen designs, and all of them."""
    return _listed(tmp_path_factory.mktemp("space") / f"{request.param}.yaml", TINY[request.param])


def _listed(path: Path, config: dict[str, Any]) -> tuple[Space, set]:
    path.write_text(yaml.safe_dump(config))
    space = load_space(str(path))
    return space, every_design(space)

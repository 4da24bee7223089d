"""The figure of a profile: params, multiply-adds and milliseconds of each part."""

from matplotlib.figure import Figure

from vitspace.image_sizes import format_image_size
from vitspace.profile.parts import Profile
from vitspace.units import format_count

_KINDS = {"downsample": "#E69F00", "block": "#0072B2", "tokens": "#CC79A7", "stem": "#009E73", "neck": "#D55E00"}
_HEAD = "#56B4E9"


def profile_figure(profile: Profile) -> Figure:
    """Draw a bar for each part, stage by stage, in three panels."""
    figure = Figure(figsize=(8, max(3.0, 0.9 + 0.17 * len(profile.parts))), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    names = [part.name for part in profile.parts]
    total_ms = profile.parts_ms
    columns = [
        (
            f"params, {format_count(profile.costs.params)}",
            [part.params / profile.costs.params for part in profile.parts],
        ),
        (f"FLOPs, {format_count(profile.costs.macs)}", [part.macs / profile.costs.macs for part in profile.parts]),
        (f"time, {total_ms:.1f} ms", [(part.ms or 0.0) / total_ms for part in profile.parts]),
    ]
    colours = [_colour(name) for name in names]
    for panel, (title, shares) in zip(panels, columns, strict=True):
        panel.barh(range(len(names)), [100 * share for share in shares], color=colours)
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("share, %")
        panel.grid(axis="x", alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(names)), names, fontsize=7)
    panels[0].invert_yaxis()
    size = format_image_size(profile.img_size)
    name = f"{profile.name}, {profile.task.name}," if profile.task else profile.name
    figure.suptitle(
        f"{name} at {size} px: where the cost lies ({profile.parts_on})",
        fontsize=11,
    )
    return figure


def _colour(name: str) -> str:
    return next((colour for kind, colour in _KINDS.items() if kind in name), _HEAD)

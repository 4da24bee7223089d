"""The costs of a network's parts: a list that prints as a table."""

from typing import TYPE_CHECKING

from vitspace.costs.counter import PartCost

if TYPE_CHECKING:
    import pandas as pd


class Breakdown(list[tuple[str, PartCost]]):
    """(name, cost) of each part, in the order in which an image passes them."""

    @property
    def frame(self) -> "pd.DataFrame":
        """A data frame with a row for each part: params, multiply-adds, elements of activations."""
        import pandas as pd

        rows = [(name, cost.params, cost.macs, cost.activations) for name, cost in self]
        return pd.DataFrame(rows, columns=["part", "params", "macs", "activations"]).set_index("part")

    def __repr__(self) -> str:
        return self.frame.to_string(formatters=dict.fromkeys(self.frame.columns, "{:,}".format))

    def _repr_html_(self) -> str:
        """Return the parts as a table, for a notebook."""
        return self.frame.to_html(border=0, formatters=dict.fromkeys(self.frame.columns, "{:,}".format))

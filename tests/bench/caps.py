"""What the cap on depth does to the errors of estimates, each without the network's family.

    python tests/bench/caps.py

Prints by percentile of the cap, and without one, the mean absolute error over our anchors and over public networks.
"""

from unittest.mock import patch

from vitspace.accuracy import guards, judging
from vitspace.accuracy.predictor import predictor


def errors():
    """Mean absolute errors over anchors and public networks of predictors that are fitted anew."""
    predictor.cache_clear()
    judging._without.cache_clear()
    return f"anchors {judging.anchors_held().mae:.2f}, public {judging.public_held().mae:.3f} points"


def main():
    for percentile in (90.0, 97.0):
        with patch.object(guards, "CREDITED", percentile):
            print(f"{percentile:.0f}th percentile: {errors()}")
    with patch.object(guards.Guards, "capped", lambda self, features: features):
        print(f"none: {errors()}")


if __name__ == "__main__":
    main()

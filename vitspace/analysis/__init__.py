"""Design spaces compared, and the effect of their axes on the score.

After RegNet (Radosavovic et al., CVPR 2020): many designs are drawn from a space and scored by a cheap proxy, and the
distributions of the scores are compared, not the best designs.
"""

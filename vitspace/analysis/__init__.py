"""The design space as an object of study: spaces compared, and what their axes do to a score.

After RegNet (Radosavovic et al., CVPR 2020): many designs are drawn from a space, each is scored cheaply, and what is
looked at is the distribution of the scores, not the best one.
"""

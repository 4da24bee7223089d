"""Accuracy: points of ImageNet-1k top-1, estimated from published results.

`predict_top1` reads what is counted of a network: parameters, multiply-adds, depth, and their shares by stride and
operator. It rests on the results of timm's networks and of our anchors, in `table`.
"""

from vitspace.accuracy.prediction import Difference, Prediction, difference, predict_top1, tie

__all__ = ["Difference", "Prediction", "difference", "predict_top1", "tie"]

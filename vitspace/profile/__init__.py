"""Params, multiply-adds and milliseconds of a network, part by part."""

from vitspace.profile.measurements import calibrate
from vitspace.profile.parts import PartProfile, Profile, profile, profile_cuda

__all__ = ["PartProfile", "Profile", "calibrate", "profile", "profile_cuda"]

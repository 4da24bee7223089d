"""Profile: where a network's params, multiply-adds and milliseconds go, part by part."""

from vitspace.profile.measurements import calibrate
from vitspace.profile.parts import PartProfile, Profile, profile, profile_cuda

__all__ = ["PartProfile", "Profile", "calibrate", "profile", "profile_cuda"]

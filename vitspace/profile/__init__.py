"""Profile: where a network's params, multiply-adds and milliseconds go, part by part."""

from vitspace.profile.parts import PartProfile, Profile, profile, read_spec

__all__ = ["PartProfile", "Profile", "profile", "read_spec"]

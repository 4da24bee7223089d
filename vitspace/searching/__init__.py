"""Everything that acts on a study, from its configuration to its last trial."""

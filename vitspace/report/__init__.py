"""Reports: what a stored study says, as tables, figures and text. Nothing here runs or changes a study."""

"""A monitor that remembers its notes."""

from vitspace.searching.monitor import Silent


class Notes(Silent):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)

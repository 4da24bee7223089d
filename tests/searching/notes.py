"""A monitor that remembers its notes."""

from vitspace.searching.monitor import Monitor


class Notes(Monitor):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)

class Notes:
    """A monitor that remembers, and may act at an update."""

    def __init__(self, at=None, act=None):
        self.lines, self.at, self.act = [], at, act

    def note(self, text):
        self.lines.append(text)

    def progress(self, done, total):
        if done == self.at:
            self.act()

"""What trainings of shared weights are told to, and the recipe of those in tests."""

RECIPE = "tiny,img_size=32,steps=4,warmup=1,batch_size=8,max_train=40,max_val=16"


class Told:
    """A monitor that keeps what it is told, and may stop a training after some steps."""

    def __init__(self, stop: int = 0, error: type[BaseException] = KeyboardInterrupt) -> None:
        self.notes, self.steps, self.stop, self.error = [], [], stop, error

    def note(self, text: str) -> None:
        self.notes.append(text)

    def progress(self, done: int, total: int) -> None:
        self.steps.append((done, total))
        if done == self.stop:
            raise self.error

"""A training loop without a training, for what listens between two steps."""

from yolo_core.jobs.interrupt import Interrupt
from yolo_core.losses import YoloV2Loss
from yolo_core.training.control import Actions, Control
from yolo_core.training.schedule import LearningRate


class Loop:
    """A training loop without a training: `steps` counts, `between` listens."""

    def __init__(self, store):
        self.store = store
        self.loss = YoloV2Loss(anchors=[(1.0, 1.0)], num_classes=2)
        self.rate = LearningRate(0.5, "constant", 100)
        self.interrupt = Interrupt()
        self.called = []
        self.pictured = []
        self.done = 0
        self.control = self.new_control()

    def new_control(self):
        actions = Actions(
            checkpoint=lambda: self.called.append(("checkpoint", self.done)),
            evaluate=lambda: self.called.append(("evaluate", self.done)),
            pin=self.pin,
            snapshot=lambda: self.pictured.append(self.done),
        )
        return Control(self.store, self.loss, self.rate, actions, self.interrupt)

    def pin(self, names):
        if "val/x" in names:
            raise ValueError("A sample is named val/INDEX; received 'val/x'.")
        self.called.append(("pin", names))

    def run(self, steps):
        """Makes steps until told to stop; the lambda of xy that each was made with."""
        made = []
        for _ in range(steps):
            self.control.between(self.done)
            if self.control.stopped_by:
                break
            self.done += 1
            made.append(float(self.loss.lambdas["xy"].numpy()))
        return made

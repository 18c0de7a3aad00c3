"""Where earlier versions had `build_loss`: scripts that were written for them find it here."""

from yolo_core.training.build import build_loss

__all__ = ["build_loss"]

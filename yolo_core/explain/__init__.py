"""One sample and one slot in plain words. No TensorFlow in here, except in whatif/assigner.py."""

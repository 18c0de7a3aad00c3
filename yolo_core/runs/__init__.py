"""A run on disk: its folder, its database, its snapshots, its state. No TensorFlow in here."""

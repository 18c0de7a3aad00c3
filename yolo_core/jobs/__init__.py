"""A process of its own with a status, progress, a stop and last words: under trainings, surveys."""

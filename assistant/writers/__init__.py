"""Those who write an answer from evidence."""

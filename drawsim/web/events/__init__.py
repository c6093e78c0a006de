"""What annotators do, kept as events that are only ever added."""

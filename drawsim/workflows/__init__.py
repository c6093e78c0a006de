"""What a command does, with plain typed arguments."""

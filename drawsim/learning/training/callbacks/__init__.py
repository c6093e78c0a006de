"""What happens around training: evaluation, mining, checkpoints, the run's record."""

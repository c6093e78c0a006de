"""What rankings come to: evaluation, tests, intervals, calibration, duplicates."""

"""Retrieval metrics: pure functions, their torchmetrics form, and the thesis's own."""

"""One training run: data, module, callbacks and loggers."""

"""From a file to a tensor: decoding, style effects, transforms."""

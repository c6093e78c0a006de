"""What there is: images, pairs, splits, the demo collection. Tables only, no torch."""

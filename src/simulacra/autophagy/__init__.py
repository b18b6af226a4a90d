"""Autophagy: a generator trained on its own samples, generation after generation, and what theory says of it."""

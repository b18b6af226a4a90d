"""Numbers about two sets of pictures, real and generated: Fréchet and kernel distance, neighbours, their nulls."""

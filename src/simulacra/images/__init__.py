"""One picture: open, resize, digest, store; strips of frames and films."""

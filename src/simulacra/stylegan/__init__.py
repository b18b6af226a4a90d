"""Style-based generators: styles, noise, truncation and mixing, whole and in plain PyTorch."""

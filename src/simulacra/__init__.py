"""Simulacra: a laboratory for image models that eat their own output."""

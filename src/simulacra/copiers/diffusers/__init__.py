"""Copiers made of models in diffusers folders: autoencoders and editing pipelines, read as data."""

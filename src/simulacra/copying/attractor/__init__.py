"""The attractor of a copier: where it pulls each attribute of a picture, how fast and how surely."""

from simulacra.copying.attractor.card import Attractor, Foreseen, Lead, Luck, attractor
from simulacra.copying.attractor.pull import Course, Pull

__all__ = ["Attractor", "Course", "Foreseen", "Lead", "Luck", "Pull", "attractor"]

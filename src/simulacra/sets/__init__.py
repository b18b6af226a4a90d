"""Sets: many pictures with labels, in the layout other tools read."""

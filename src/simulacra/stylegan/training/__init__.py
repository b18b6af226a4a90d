"""Training: recipes, schedule, losses, steps, and the state that a stopped training goes on from."""

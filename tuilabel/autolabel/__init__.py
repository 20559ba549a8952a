"""Choosing labels by the model: `rules` are pure functions, `job` applies them with a learner."""

"""Labels by the model: which to accept, and what they are worth."""

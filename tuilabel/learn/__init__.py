"""What to ask next: models, strategies, batches, cold starts and metrics, on arrays alone.

Nothing here knows a file, a screen or where labels are kept. `tuilabel.learn.names` lists what
can be asked for by name; `tuilabel.learn.rounds.run_round` is the fit and the ranking of a round.
"""

"""What to ask next: models, strategies, batches, cold starts and metrics, on arrays alone.

Nothing here knows about files, screens or the storage of labels. `tuilabel.learn.names` lists the
names of models, features, strategies and cold starts; `tuilabel.learn.rounds.run_round` does the
fit and the ranking of a round.
"""

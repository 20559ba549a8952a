"""A model: the nearer the mean of a class, the more probable it is."""

import numpy as np


class NearestMeans:
    def __init__(self, means):
        self.means = means

    def probabilities(self, features):
        distances = ((features[:, None] - self.means) ** 2).sum(axis=2)
        weights = np.exp(distances.min(axis=1, keepdims=True) - distances)
        return weights / weights.sum(axis=1, keepdims=True)


def fit_nearest(rows, classes, rng):
    return NearestMeans(np.stack([rows[classes == c].mean(axis=0) for c in np.unique(classes)]))

"""Features: the mean brightness of each row and each column."""

import numpy as np


class Profile:
    def fit(self, X):
        return self

    def transform(self, X):
        grey = X.reshape(*X.shape[:3], -1).mean(axis=3) / 255
        return np.hstack([grey.mean(axis=2), grey.mean(axis=1)])

"""A strategy: the Gini impurity of what is predicted."""


def gini(probabilities, rng):
    return 1 - (probabilities**2).sum(axis=1)

"""Closed forms of self-consuming loops, one file a subject; each function names its equation and its source.

Samples are counted from generation 1, the model of real data alone. Where no unit is named, means and variances are
multiples of the real covariance.
"""

"""Forecasters by name: the naive ones of `scoring.naive`, and the trained networks that are promoted."""

from models.catalogue import CHOICES, DEFAULT, FORECASTERS, forecaster

__all__ = ["CHOICES", "DEFAULT", "FORECASTERS", "forecaster"]

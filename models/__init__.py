"""Forecasters by name. `scoring.naive` has those that need no training; trained ones will join them here."""

from models.catalogue import DEFAULT, FORECASTERS, forecaster

__all__ = ["DEFAULT", "FORECASTERS", "forecaster"]

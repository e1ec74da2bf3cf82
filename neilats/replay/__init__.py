"""Runs traces through the code that decides in production, and says how often its choices keep the promise."""

"""The models that come with the package, and its own `promoted.json`; read only."""

"""The old plugin's models: read without torch, scikit-learn or joblib, and without executing what the files say."""

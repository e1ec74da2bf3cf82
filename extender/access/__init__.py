"""Who calls and what they may do: tokens and rights as the API server judges them, remembered for a while."""

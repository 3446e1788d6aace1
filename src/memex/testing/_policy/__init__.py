"""Parts of the contract of policies."""

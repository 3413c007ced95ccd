"""How the weights and batch norms of networks start."""

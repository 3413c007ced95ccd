"""Layers that train faster on a CPU, behind one switch; plain Keras is their reference."""

"""The networks and training steps of the benchmarks in PyTorch; needs .venv/bench."""

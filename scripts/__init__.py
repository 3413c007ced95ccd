"""Scripts of the project: benchmarks, ablations, data sets, published results, stress tests."""

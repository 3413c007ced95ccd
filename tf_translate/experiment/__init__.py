"""From a configuration to data, translator and results: the floor that knows all below."""

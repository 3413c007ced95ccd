"""The bundle: a folder of models, golden cases and a manifest."""

"""Running a bundle: images of any size through a model with a fixed input size."""

"""Running a bundle: images of any size through a model of one size."""

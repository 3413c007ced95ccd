"""The seven claims of the survey, each with its experiment, figure, 95 % interval and verdict."""

"""The seven claims of the survey, each with its experiment, metric, 95 % interval and verdict."""

"""Measurements: one pure window function a file; ``panel.panel`` puts them all into the table of measures."""

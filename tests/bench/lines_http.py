"""The lines of rproxyd."""

from line import Line

LINES: list[Line] = []

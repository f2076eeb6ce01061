"""Inkwell beside what people would pick instead, measured in one run. `make bench` starts it; README.md says how."""

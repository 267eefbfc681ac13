"""Remake the figures of a model's card from held-out records: `python -m medplib.report validate.json`."""

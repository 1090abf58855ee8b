"""Evaluation: how good are lists, measured on baskets that they have not seen."""

"""Stores: the contract, and the two that keep it."""

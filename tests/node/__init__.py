"""Casbin for Node, asked by Python: finds it, hands over files, reads answers."""

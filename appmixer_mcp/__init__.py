"""Operate Appmixer from an AI assistant; importing this package imports nothing else."""

__version__ = "0.1.0"

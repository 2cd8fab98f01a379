"""All that setuptools needs to know is in setup.cfg."""

from setuptools import setup

setup()

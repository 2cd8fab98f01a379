"""Where the tests find the checkout, and what was recorded on TensorFlow 1.15.5."""

import pathlib

TESTS = pathlib.Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
RECORDED = TESTS / 'recorded_1_15'

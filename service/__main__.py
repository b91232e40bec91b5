"""``python -m service`` is ``perceptron``."""

from service.cli import main

main()

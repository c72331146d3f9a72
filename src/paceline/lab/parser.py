"""How the lab's own programs read their words: a mistake is status 1, as everywhere here."""

import argparse
import sys
from typing import NoReturn


class WordsParser(argparse.ArgumentParser):
    """Reads words; what makes no sense ends the program with the usage and an error."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and end with status 1."""
        self.print_usage(sys.stderr)
        self.exit(1, f"Error: {message}\n")

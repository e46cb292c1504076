#!/usr/bin/python3
"""The command ``vllm``. The guard is needed: vLLM starts its engine by spawning this very file again."""

import sys

from vllm.entrypoints.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

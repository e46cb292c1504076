"""Our child process around EvalScope: ``python -m core.evalrunner task.json``. EvalScope is imported here and nowhere
else, since importing it takes five seconds and 185 MB."""

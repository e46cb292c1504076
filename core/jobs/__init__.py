"""The job engine: DBOS behind a facade. Nothing outside this package knows it.

Who imports what: web and shell use ``queue``; the worker uses ``engine``, which registers ``workflows`` and launches
DBOS; ``benchmark`` and ``deployment`` are what the steps do, without an engine. docs/decisions/0002 says why.
"""

"""The load generator: a child process that measures one load point and nothing of itself.

``python -m core.loadgen TASK.json`` sends the requests of a LoadTask, prints JSON lines, and leaves
``measurement.json`` and ``requests.jsonl.gz`` in the task's ``out_dir``. In the hot path it stamps arrivals and keeps
bytes; it reads them after the point is over. docs/decisions/0003 says why it exists, docs/METRICS.md what it reports.
"""

TOOL = "seatrial-loadgen"
TOOL_VERSION = "0.1.0"

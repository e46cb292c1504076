"""After a crash: what was recorded and never reached the queue."""

from __future__ import annotations

from core.ports import JobQueue, JobStore


def enqueue_lost(jobs: JobStore, queue: JobQueue) -> int:
    """Queues unfinished jobs that the engine does not know: a process died between recording and queueing, or the
    engine's database was thrown away. Called when a process begins that may work; how many there were."""
    unfinished = jobs.unfinished()
    known = queue.states([job.id for job in unfinished])
    lost = [job for job in unfinished if job.id not in known]
    for job in lost:
        queue.enqueue(job.id, job.kind, job.server_key, {})
    return len(lost)

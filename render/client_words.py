"""Whether the measuring side kept up, in words."""

from __future__ import annotations

from collections.abc import Iterator

from core.domain.benchmark import ClientHealth
from render.texts import Texts


def client_lines(client: ClientHealth, t: Texts) -> Iterator[str]:
    """How late the generator was, and what else its machine did; nothing of what is not known."""
    if client.lateness_p99_ms is not None:
        yield t("page.run.client", processes=client.processes, late=t.ms(client.lateness_p99_ms))
    if client.host_cpu_share is None:
        return
    busy = t.percent(client.host_cpu_share)
    if client.others_cpu_share is None:
        yield t("page.run.client_host", busy=busy)
    else:
        yield t("page.run.client_others", busy=busy, others=t.percent(client.others_cpu_share))

"""Every error that Seatrial raises on purpose.

AppError
├── RefusedError          the request was understood and is not carried out; nothing changed
│   ├── PlanBlocked       findings say why
│   ├── NameTaken · PortTaken · DeviceTaken · StalePlan · ServerBusy · NotAllowed · BadInput
├── NotFoundError
├── EngineError           the container engine
│   ├── EngineUnavailable · ImageMissing · ContainerFailed
├── EndpointError         a model server
│   ├── Unreachable · TimedOut · Rejected · NotOpenAI
├── WebUiError            an Open WebUI that says no
├── ToolError             a child process of ours
│   ├── ToolMissing · ToolFailed · OutputNotUnderstood
├── HubFailed             where models are fetched from
└── StoreError            database or disk

An error is a code and its parameters; the sentence a person reads is in render/texts under [error].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from core.domain.finding import Finding, blocking

Param = str | int | float | bool | None


class AppError(Exception):
    """What every layer above the adapters may meet. ``code`` names the sentence, ``params`` fill it."""

    default_code: ClassVar[str] = "app_error"

    def __init__(self, code: str | None = None, /, **params: Param) -> None:
        self.code = code or self.default_code
        self.params: dict[str, Param] = params
        super().__init__(self.code, params)

    def __str__(self) -> str:
        details = ", ".join(f"{key}={value!r}" for key, value in self.params.items())
        return f"{self.code}({details})"


class RefusedError(AppError):
    """Refused before anything changed. Codes of jobs: job_not_resumable (state), worker_running (pid)."""

    default_code = "refused"


class PlanBlocked(RefusedError):
    """The plan has blocking findings; ``count`` is how many of them block."""

    default_code = "plan_blocked"

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(count=len(blocking(findings)))
        self.findings = tuple(findings)


class NameTaken(RefusedError):
    """params: name."""

    default_code = "name_taken"


class PortTaken(RefusedError):
    """params: port, owner (container name, process or None)."""

    default_code = "port_taken"


class DeviceTaken(RefusedError):
    """params: devices, owner (a deployment's name)."""

    default_code = "device_taken"


class StalePlan(RefusedError):
    """The world changed between the plan and the start."""

    default_code = "stale_plan"


class ServerBusy(RefusedError):
    """params: job_id, title: what runs on the server that was to be stopped or restarted."""

    default_code = "server_busy"


class NotAllowed(RefusedError):
    """params: name, role (the role that is needed)."""

    default_code = "not_allowed"


class BadInput(RefusedError):
    """params: field, value. Use a code per rule, for example ``url_not_http``."""

    default_code = "bad_input"


class NotFoundError(AppError):
    """params: kind, id."""

    default_code = "not_found"


class EngineError(AppError):
    """params: detail."""

    default_code = "engine_error"


class EngineUnavailable(EngineError):
    """No engine answers. params: detail."""

    default_code = "engine_unavailable"


class ImageMissing(EngineError):
    """params: image."""

    default_code = "image_missing"


class ContainerFailed(EngineError):
    """params: name, exit_code, detail."""

    default_code = "container_failed"


class EndpointError(AppError):
    """params: url."""

    default_code = "endpoint_error"


class Unreachable(EndpointError):
    """params: url, detail."""

    default_code = "endpoint_unreachable"


class TimedOut(EndpointError):
    """params: url, timeout_s."""

    default_code = "endpoint_timed_out"


class Rejected(EndpointError):
    """The server answered with an error. params: url, status, detail."""

    default_code = "endpoint_rejected"


class NotOpenAI(EndpointError):
    """Something answers, but not an OpenAI-compatible API. params: url, content_type."""

    default_code = "endpoint_not_openai"


class WebUiError(AppError):
    """params: url, and what the code names (see core.ports.webui)."""

    default_code = "webui_error"


class ToolError(AppError):
    """params: tool, detail."""

    default_code = "tool_error"


class ToolMissing(ToolError):
    """params: tool."""

    default_code = "tool_missing"


class ToolFailed(ToolError):
    """params: tool, exit_code, detail."""

    default_code = "tool_failed"


class OutputNotUnderstood(ToolError):
    """params: tool, detail, line."""

    default_code = "output_not_understood"


class HubFailed(AppError):
    """params: repo, endpoint, detail. Codes: hub_unreachable, hub_not_found, hub_denied, hub_revision_missing
    (revision), hub_empty, hub_path_unsafe (path); download_file_failed (file), download_too_large (file),
    download_damaged (file, count), download_no_room (needed_gib, free_gib, path)."""

    default_code = "hub_unreachable"


class StoreError(AppError):
    """params: detail. Codes: store_error, store_locked, disk_full, store_newer; artifact_too_large (name, limit_mib);
    secret_unreadable (ref); key_file_damaged (file)."""

    default_code = "store_error"

"""Our child process that fetches weights: ``python -m core.downloader TASK.json``. The hubs' libraries are imported
here and nowhere else: web and worker stay small."""

TOOL = "core.downloader"

"""A raw file of a run, to take along."""

from __future__ import annotations

import streamlit as st

from core.ports import ArtifactRow
from ui import session
from ui.markdown import code


def artifact_row(artifact: ArtifactRow) -> None:
    """A raw file: name, size, download. Its bytes are read once they are asked for."""
    t, results = session.texts(), session.app().results
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(code(artifact.name), width="content")
        st.caption(t.size(artifact.size_bytes), width="content")
        st.space("stretch")
        st.download_button(
            t("word.download"),
            lambda: b"".join(results.artifact(artifact.id)),
            file_name=artifact.name,
            mime=artifact.media_type,
            key=f"file_{artifact.id}",
            icon=":material/download:",
            help=t("page.run.download", name=artifact.name),
            on_click="ignore",
        )

"""The launcher: ``streamlit run streamlit_app.py`` finds this assignment and serves ui/shell.py behind the gate."""

from pathlib import Path

import streamlit as st

from ui.web import MIDDLEWARE, ROUTES, lifespan, on_script_error

app = st.App(
    Path(__file__).parent / "ui" / "shell.py",
    routes=ROUTES,
    middleware=MIDDLEWARE,
    lifespan=lifespan,
    on_script_error=on_script_error,
)

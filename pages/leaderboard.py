"""Who stands where: like ranked with like, beside published scores, over time, against speed."""

import streamlit as st

from render.score_words import board_answer, board_names
from ui import session
from ui.components import empty_state, header, plain
from ui.components.board import (
    ROWS,
    follow_click,
    history_card,
    overview_section,
    published_section,
    ranking_card,
    ranking_table,
    references_section,
    speed_card,
)
from ui.components.url_state import url_select

MARGINS = ("0.5", "1", "2", "3")

app, t = session.app(), session.texts()
follow_click()
wanted = st.query_params.get("margin", "1")
margin = float(wanted if wanted in MARGINS else "1") / 100
found = app.leaderboard.page(st.query_params.get("board"), margin)
if found is None:
    header("leaderboard")
    empty_state(
        t("page.leaderboard.none"),
        icon=":material/leaderboard:",
        label=t("page.leaderboard.to_evaluate"),
        page="accuracy",
    )
    st.stop()
board, answer = found.board, board_answer(found.board, t)
header("leaderboard")
st.markdown(f"#### {plain(answer)}")
names = board_names(found.heads, t)
with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    url_select(
        "board",
        t("page.leaderboard.board"),
        list(names),
        next(iter(names)),
        names.__getitem__,
        t("page.leaderboard.board_help"),
        width=520,
    )
    rows = int(url_select("rows", t("page.leaderboard.show_rows"), ROWS, ROWS[0], str, width=110))
    url_select("margin", t("page.leaderboard.margin"), MARGINS, "1", str, t("page.leaderboard.margin_help"), width=170)
ranking_card(board, answer, rows)
ranking_table(board, rows)
references_section(board, margin)
published_section(found.published)
overview_section(found.overview)
left, right = st.columns(2)
with left:
    speed_card(board, found.speeds)
with right:
    history_card(board)

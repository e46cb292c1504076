"""Who stands where: like ranked with like, beside published scores, over time, against speed."""

import streamlit as st

from render.score_words import board_answer
from ui import session
from ui.components import empty_state, header, plain
from ui.components.board import (
    ROWS,
    board_choice,
    follow_click,
    history_card,
    overview_section,
    published_section,
    ranking_card,
    ranking_table,
    references_section,
    speed_card,
    whole_board,
)
from ui.components.evaluation_share import frozen_line, kept_view, share_board
from ui.components.kept_views import views_popover

MARGINS = ("0.5", "1", "2", "3")

app, t = session.app(), session.texts()
follow_click()
view = kept_view(st.query_params.to_dict())
chosen = view.state if view else st.query_params.to_dict()
wanted = chosen.get("margin", "1")
wanted = wanted if wanted in MARGINS else "1"
margin = float(wanted) / 100
frozen = view.run_ids if view else None
found = app.leaderboard.page(chosen.get("board"), margin, frozen)
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
whole = whole_board(board, margin, frozen)
with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    st.title(t("page.leaderboard.title"), anchor=False, width="content")
    st.space("stretch")
    views_popover("leaderboard")
    share_board(board, wanted, whole)
st.markdown(f"#### {plain(answer)}")
rows = int(ROWS[0])
if view:
    frozen_line(view)
else:
    rows = board_choice(found.heads, MARGINS)
ranking_card(board, answer, rows)
ranking_table(board, rows, whole)
references_section(board, margin)
published_section(found.published)
overview_section(found.overview)
left, right = st.columns(2)
with left:
    speed_card(board, found.speeds)
with right:
    history_card(board)

"""One look for every chart. Figures carry its structure only; colours are added where a figure is drawn: by the page,
from the theme that the reader has chosen, or by ``exported``, from a literal palette."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go

BASELINE = "#84928D"
"""The grey of baselines and limits: it can be told from the background in light and in dark."""
FAILED = "#D1495B"
"""Failed requests; they have a sign of their own as well."""
FONT = "Inter, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif"


@dataclass(frozen=True)
class Scheme:
    """The literal colours of one theme, the same as in .streamlit/config.toml (tested)."""

    background: str
    text: str
    faded: str
    grid: str
    categorical: tuple[str, ...]


SCHEMES = {
    "light": Scheme(
        "#FFFFFF",
        "#16211E",
        "#55635D",
        "#DCE4E1",
        (
            "#0F766E",
            "#D9622B",
            "#4F46C8",
            "#B7860B",
            "#C02672",
            "#1F7FBF",
            "#5E8C1A",
            "#8A5A44",
            "#2B3F8C",
            "#7A8782",
        ),
    ),
    "dark": Scheme(
        "#0E1413",
        "#E4ECE9",
        "#A3B1AB",
        "#2A3532",
        (
            "#3CCABA",
            "#F2905B",
            "#9C97FF",
            "#E3BE4A",
            "#F07CB4",
            "#63B6EC",
            "#A3CF57",
            "#D3A48C",
            "#7F97E8",
            "#98A6A1",
        ),
    ),
}

_AXIS = {
    "automargin": True,
    "showgrid": True,
    "griddash": "dot",
    "zeroline": False,
    "ticks": "",
    "tickangle": 0,
    "exponentformat": "none",
    "separatethousands": True,
    "title": {"standoff": 10, "font": {"size": 12}},
    "tickfont": {"size": 11},
}
STRUCTURE = go.layout.Template(
    layout={
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "font": {"family": FONT, "size": 12},
        "hovermode": "closest",
        "hoverlabel": {"align": "left", "font": {"size": 12}},
        "dragmode": "zoom",
        "margin": {"l": 8, "r": 24, "t": 16, "b": 8, "pad": 4},
        "showlegend": False,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom", "font": {"size": 12}},
        "separators": ".,",
        "bargap": 0.06,
    }
)


def new_figure(height: int, revision: str) -> go.Figure:
    """An empty figure. Zoom and hidden legend entries survive a redraw while ``revision`` stays the same."""
    figure = go.Figure()
    figure.update_layout(template=STRUCTURE, height=height, uirevision=revision)
    return figure


def exported(figure: go.Figure, scheme: str = "light") -> go.Figure:
    """A copy that looks right on its own, in a file or an image, whatever Plotly's default template is there."""
    colors = SCHEMES[scheme]
    template = go.layout.Template(STRUCTURE)
    template.layout.update(
        colorway=colors.categorical,
        paper_bgcolor=colors.background,
        plot_bgcolor=colors.background,
        font={"family": FONT, "size": 12, "color": colors.text},
        hoverlabel={"bgcolor": colors.background, "bordercolor": colors.grid, "font": {"color": colors.text}},
    )
    for axis in (template.layout.xaxis, template.layout.yaxis):
        axis.update(gridcolor=colors.grid, tickfont={"color": colors.faded}, title={"font": {"color": colors.faded}})
    return go.Figure(figure).update_layout(template=template)

"""Where a deployment begins: a model with its platform and profile, a team's own profile, or a pasted command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import streamlit as st

from core.domain.catalog import Catalog, CatalogEntry
from core.domain.deployment import DeploymentRequest
from core.domain.model import Model
from core.domain.profile import Profile
from core.ports import EngineInfo
from core.services.catalog import ProfileChoice
from render.texts import Texts
from ui import session
from ui.act import act
from ui.components import deployment_fields as fields
from ui.components.deployment_fields import Places
from ui.deployment_values import BLANK, request_of
from ui.markdown import plain

_HUGGINGFACE, _MODELSCOPE = "https://huggingface.co/", "https://modelscope.cn/models/"
OTHER = ""
"""No model of the catalog, no platform, no profile."""
_KEPT = ("weights", "container_name", "host_port", "host_ip", "with_key", "version_label", "restart")
"""What a person has typed stays when they choose another model."""


def begin() -> None:
    """Fills the form once from what the address names: a past deployment, or a profile."""
    wanted = tuple(st.query_params.get(name, "") for name in ("like", "replaces", "profile", "weights"))
    if st.session_state.get("deploy_begun") == wanted:
        return
    st.session_state["deploy_begun"] = wanted
    app, (past, replaces, profile, weights) = session.app(), wanted
    if past and replaces:
        show(app.deployment_details.again(past, replaces=replaces))
    elif past:
        show(app.deployments.in_free_place(app.deployment_details.again(past)))
    elif profile:
        filled = app.catalog.fill(ProfileChoice(profile, architecture=_architecture()))
        show(app.deployments.in_free_place(filled))
    elif fields.is_new():
        fields.load(app.deployments.in_free_place(BLANK))
    if weights:
        st.session_state[fields.key_of("weights")] = weights


def show(request: DeploymentRequest) -> None:
    """Puts a whole request into the form, its choice of model included."""
    fields.load(request)
    model, _, _ = (request.profile or "").rpartition(".")
    st.session_state["deploy_model"] = model
    st.session_state["deploy_platform"] = request.platform or OTHER
    st.session_state["deploy_profile"] = request.profile
    st.session_state["deploy_replaces"] = request.replaces
    st.session_state["deploy_left"] = ()


def skipped_files() -> None:
    """What of the team's own catalog could not be read, and why; the rest of it is there."""
    t, problems = session.texts(), session.app().catalog.catalog().problems
    if not problems:
        return
    label = t("page.deploy.skipped", count=len(problems))
    with st.expander(label, icon=":material/report:", key="catalog_skipped"):
        for one in problems:
            st.markdown(plain(t("cli.catalog.problem", file=one.file, path=one.path, reason=one.reason)))


def draw() -> Places:
    """Model, platform, profile; and beside them the other two ways to begin."""
    for name, blank in (("model", OTHER), ("platform", OTHER), ("profile", None)):
        st.session_state.setdefault(f"deploy_{name}", blank)
    _ways()
    catalog = session.app().catalog.catalog()
    model = catalog.models.get(st.session_state["deploy_model"])
    places = fields.row(partial(_model, catalog), partial(_platform, model), spans=(5, 3))
    if model is not None:
        model_facts(model)
        _profile(model)
        places |= {name: st.container(gap="xxsmall") for name in ("profile", "max_input_len", "max_concurrency")}
    return places


def _model(catalog: Catalog) -> str:
    t = session.texts()
    st.selectbox(
        t("page.deploy.model"),
        [OTHER, *sorted(catalog.models, key=lambda key: (catalog.models[key].family, key))],
        key="deploy_model",
        format_func=lambda key: _model_words(catalog.models.get(key), t),
        help=t("page.deploy.model_help"),
        on_change=_model_chosen,
        persist_state="session",
    )
    return "model"


def chosen() -> tuple[str | None, str | None]:
    """The profile's key and the platform's id."""
    model = st.session_state["deploy_model"]
    profile = st.session_state["deploy_profile"] if model else None
    return profile, st.session_state["deploy_platform"] or None


def model_facts(model: Model) -> None:
    """What it is, and where it comes from: both hubs' ids as links."""
    t = session.texts()
    kind = " · ".join(part for part in (model.parameters, model.dtype, model.architecture) if part)
    links = [
        f"[{plain(name)}: {plain(repo)}]({base}{repo})"
        for name, base, repo in (
            ("Hugging Face", _HUGGINGFACE, model.huggingface),
            ("ModelScope", _MODELSCOPE, model.modelscope),
        )
        if repo
    ]
    parts = [plain(kind)] if kind else []
    if model.minimum is not None:
        parts.append(plain(t("page.deploy.model_minimum", count=model.minimum.cards)))
    st.caption(" · ".join([*parts, *links]), help=plain(t("component.source", source=model.source)))


def profile_line() -> None:
    """What the chosen profile was tested with: each limit with what it means. Nothing on another platform."""
    key, platform = chosen()
    entry = session.app().catalog.catalog().entry(key) if key else None
    if entry is None or platform not in entry.model.platforms:
        return
    t = session.texts()
    source = t("component.source", source=_source(entry))
    with st.grid(min_column_width=72, gap=("xxsmall", "small")):
        for name, words in _limits(entry.profile, t):
            label = t(f"page.deploy.limit_{name}")
            explained = f"{t(f'page.deploy.limit_{name}_help')} {plain(source)}"
            st.markdown(f":gray[:small[{label}]]  \n{plain(words)}", help=explained)


def _limits(profile: Profile, t: Texts) -> Iterator[tuple[str, str]]:
    yield "devices", t.number(profile.devices)
    yield "context", t.number(profile.max_model_len)
    if profile.max_input_len:
        yield "input", t.number(profile.max_input_len)
    yield "concurrency", t.number(profile.max_concurrency)
    yield "mtp", t("page.deploy.limit_mtp_yes" if profile.mtp else "page.deploy.limit_mtp_no")


def _source(entry: CatalogEntry) -> str:
    group = session.app().catalog.catalog().groups.get(entry.model.profiles)
    return group.source if group else entry.model.source


# ---------------------------------------------------------------- model, platform, profile


def _model_words(model: Model | None, t: Texts) -> str:
    if model is None:
        return t("page.deploy.other_model")
    facts = " · ".join(part for part in (model.parameters, model.dtype) if part)
    return f"{model.name}  ({facts})" if facts else model.name


def _platform(model: Model | None) -> str:
    t, catalog = session.texts(), session.app().catalog
    known = {platform.id: platform for platform in catalog.platforms(model)}
    now = st.session_state["deploy_platform"]
    if now in catalog.catalog().platforms:
        known.setdefault(now, catalog.catalog().platforms[now])
    options = [*([] if model else [OTHER]), *known]
    st.session_state["deploy_platform"] = now if now in options else options[0]
    own = _own_widget("platform", model)
    st.selectbox(
        t("page.deploy.platform"),
        options,
        key=own,
        format_func=lambda key: known[key].name if key else t("page.deploy.other_platform"),
        help=t("page.deploy.platform_help"),
        on_change=_taken,
        args=("platform", own),
    )
    return "platform"


def _profile(model: Model) -> None:
    t, catalog = session.texts(), session.app().catalog.catalog()
    entries = {entry.key: entry.profile for entry in (CatalogEntry(model, one) for one in catalog.profiles(model))}
    if st.session_state["deploy_profile"] not in entries:
        st.session_state["deploy_profile"] = next(iter(entries), None)
    own = _own_widget("profile", model)
    st.segmented_control(
        t("page.deploy.profile"),
        list(entries),
        key=own,
        format_func=lambda key: f"{entries[key].name} · {entries[key].max_model_len // 1024}k",
        required=True,
        help=t("page.deploy.profile_help"),
        on_change=_taken,
        args=("profile", own),
    )
    profile_line()


def _own_widget(name: str, model: Model | None) -> str:
    """A widget for each model: one whose options change would hand in what it showed before."""
    key = f"deploy_{name}_of_{model.key if model else OTHER}"
    st.session_state[key] = st.session_state[f"deploy_{name}"]
    return key


def _taken(name: str, widget: str) -> None:
    st.session_state[f"deploy_{name}"] = st.session_state[widget]
    _refill()


def _model_chosen() -> None:
    """Another model: its first platform, its first profile, and everything they stand for."""
    catalog = session.app().catalog
    model = catalog.catalog().models.get(st.session_state["deploy_model"])
    if model is not None:
        platforms = [platform.id for platform in catalog.platforms(model)]
        if st.session_state["deploy_platform"] not in platforms:
            st.session_state["deploy_platform"] = next(iter(platforms), OTHER)
        first = next(iter(catalog.catalog().profiles(model)), None)
        st.session_state["deploy_profile"] = CatalogEntry(model, first).key if first else None
    _refill()


def _refill() -> None:
    profile, platform = chosen()
    before, _ = request_of(fields.values())
    choice = ProfileChoice(profile, platform, weights=before.weights, architecture=_architecture())
    filled = session.app().catalog.fill(choice)
    fields.load(replace(filled, **{name: getattr(before, name) for name in _KEPT}))
    st.session_state["deploy_left"] = ()


def _architecture() -> str | None:
    engine = session.app().deployments.engine_state(fresh=False)
    return engine.architecture if isinstance(engine, EngineInfo) else None


# ---------------------------------------------------------------- the other ways to begin


def _ways() -> None:
    t = session.texts()
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(t("page.deploy.paste"), key="deploy_paste", icon=":material/content_paste:"):
            _paste_dialog()
        _saved_choice()


def _saved_choice() -> None:
    t, catalog = session.texts(), session.app().catalog.catalog()
    if not catalog.saved:
        return
    with st.popover(t("page.deploy.saved"), icon=":material/bookmarks:", key="deploy_saved"):
        for key, profile in catalog.saved.items():
            with st.container(horizontal=True, vertical_alignment="center"):
                st.button(profile.name, key=f"saved_{key}", type="tertiary", on_click=_saved_chosen, args=(key,))
                st.space("stretch")
                st.caption(plain(profile.source), width="content")


def _saved_chosen(key: str) -> None:
    show(session.app().catalog.fill(ProfileChoice(key)))


def _paste_dialog() -> None:
    t = session.texts()

    @st.dialog(t("page.deploy.paste_title"), width="large")
    def ask() -> None:
        st.markdown(t("page.deploy.paste_text"))
        text = st.text_area(
            t("page.deploy.paste_field"),
            key="deploy_pasted",
            height=260,
            placeholder="docker run ... vllm serve ...",
            label_visibility="collapsed",
        )
        with st.container(horizontal=True, horizontal_alignment="right"):
            pressed = st.button(t("page.deploy.paste_yes"), key="deploy_paste_yes", type="primary")
        if pressed and (found := act(session.app().catalog.paste, text)):
            st.session_state["deploy_incoming"] = found.value
            st.rerun()

    ask()


def take_pasted() -> None:
    """Fills the form from a command that was just pasted; before anything is drawn."""
    found = st.session_state.pop("deploy_incoming", None)
    if found is not None:
        show(found.request)
        st.session_state["deploy_left"] = found.left


def left_over() -> None:
    """What of a pasted command the form has no place for, verbatim."""
    left = st.session_state.get("deploy_left", ())
    if left:
        t = session.texts()
        with st.container(border=True, gap="xsmall"):
            st.markdown(f":orange[:material/content_paste_off: **{t('page.deploy.left')}**]")
            st.code("\n".join(left), language=None, wrap_lines=True)
            st.caption(t("page.deploy.left_help"))

"""Language, data folder, retention, accounts."""

import streamlit as st

from core.domain.access import LOCAL_OPERATOR, Account, Role
from core.product import product_version
from ui import session
from ui.act import act, refusals, tell
from ui.components import command_block, confirm, field_findings, header, other_findings, plain
from ui.components.frame import language_switch

FORM = "settings_add"
ROLES = [Role.VIEWER, Role.OPERATOR]

app, t, actor = session.app(), session.texts(), session.actor()


def language() -> None:
    """The same switch as in the navigation, with its reach explained."""
    st.subheader(t("page.settings.language"), anchor=False)
    st.caption(t("page.settings.language_lead"))
    with st.container(width=240):
        language_switch(t, key="settings_language")


def data() -> None:
    """Where everything lies, and how long raw files stay."""
    view = app.storage.view()
    st.subheader(t("page.settings.data"), anchor=False)
    st.caption(t("page.settings.data_lead"))
    st.markdown(t("page.settings.home"), help=t("page.settings.home_help"))
    st.code(str(view.home), language=None, wrap_lines=True)
    st.markdown(t("page.settings.database"))
    st.code(view.database, language=None, wrap_lines=True)
    kept, limit = t("page.settings.retention_forever"), f"{view.artifact_limit_mib} MiB"
    if view.retention_days:
        kept = t("page.settings.retention_days", days=view.retention_days)
    used, free, retention, artifact = st.columns(4)
    used.metric(t("page.settings.used"), t.size(view.used_bytes), border=True, height="stretch")
    free.metric(t("page.settings.free"), t.size(view.free_bytes), border=True, height="stretch")
    retention.metric(
        t("page.settings.retention"), kept, border=True, height="stretch", help=t("page.settings.retention_help")
    )
    artifact.metric(
        t("page.settings.artifact_limit"),
        limit,
        border=True,
        height="stretch",
        help=t("page.settings.artifact_limit_help"),
    )


def people() -> None:
    """Accounts, for operators."""
    st.subheader(t("page.settings.people"), anchor=False)
    st.caption(t("page.settings.people_lead"))
    if not actor.role.covers(Role.OPERATOR):
        st.markdown(t("page.settings.people_for_operators"))
        return
    accounts = app.access.list_users()
    if not accounts:
        st.markdown(t("page.settings.people_none"))
    for account in accounts:
        one_person(account)
    add_person()
    if actor == LOCAL_OPERATOR and app.access.has_operator():
        st.markdown(t("page.settings.open_to_others"))
        command_block("SEATRIAL_HOST=0.0.0.0 make run")


def one_person(account: Account) -> None:
    """Name, role, state, and what can be changed."""
    with st.container(border=True), st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(account.name)}**", width="content")
        st.badge(t(f"word.{account.role}"), color="green" if account.role is Role.OPERATOR else "gray")
        if account.disabled_at:
            st.badge(t("page.settings.disabled_since", when=t.when(account.disabled_at)), color="orange")
        st.space("stretch")
        st.caption(plain(f"{t('word.created')} {t.when(account.created_at)}"), width="content")
        with st.popover(t("page.settings.change", name=account.name), key=f"change_{account.name}"):
            change_role(account)
            change_password(account)
            disable_or_enable(account)


def change_role(account: Account) -> None:
    """Takes effect in sessions that are open."""
    wanted = st.selectbox(
        t("word.role"),
        ROLES,
        index=ROLES.index(account.role),
        format_func=lambda role: t(f"role.{role}"),
        key=f"role_{account.name}",
    )
    pressed = st.button(t("page.settings.change_role"), key=f"set_role_{account.name}", disabled=wanted is account.role)
    if pressed and act(app.access.set_role, actor, account.name, wanted):
        tell(t("page.settings.role_changed", name=account.name, role=t(f"word.{wanted}")))
        st.rerun()


def change_password(account: Account) -> None:
    """Signs the account out everywhere."""
    password = st.text_input(
        t("page.settings.new_password"),
        type="password",
        live=True,  # Tab leads over its own eye, and what was typed would be lost
        autocomplete="new-password",
        key=f"password_{account.name}",
        help=t("page.settings.add_password_help"),
    )
    pressed = st.button(t("page.settings.set_password"), key=f"set_password_{account.name}", disabled=not password)
    if pressed and act(app.access.set_password, actor, account.name, password):
        tell(t("page.settings.password_changed", name=account.name))
        st.rerun()


def disable_or_enable(account: Account) -> None:
    """Disabling asks first."""
    if account.disabled_at:
        if st.button(t("word.enable"), key=f"enable_{account.name}") and act(app.access.enable, actor, account.name):
            tell(t("page.settings.enabled", name=account.name))
            st.rerun()
    elif st.button(t("word.disable"), key=f"disable_{account.name}"):
        confirm(
            t("page.settings.disable_title", name=account.name),
            t("page.settings.disable_text"),
            t("page.settings.disable_yes"),
            lambda: app.access.disable(actor, account.name),
            told=t("page.settings.disabled", name=account.name),
        )


def add_person() -> None:
    """A form whose refusals stand beside its fields."""
    found, turn = refusals(FORM), st.session_state.setdefault("settings_turn", 0)
    with st.expander(t("page.settings.add"), icon=":material/person_add:", expanded=bool(found)), st.form(FORM):
        name = st.text_input(
            t("word.name"), key=f"add_name_{turn}", help=t("page.settings.add_name_help"), autocomplete="off"
        )
        field_findings(found, "name")
        role = st.selectbox(t("word.role"), ROLES, format_func=lambda role: t(f"role.{role}"), key=f"add_role_{turn}")
        password = st.text_input(
            t("word.password"),
            type="password",
            key=f"add_password_{turn}",
            autocomplete="new-password",
            help=t("page.settings.add_password_help"),
        )
        field_findings(found, "password")
        other_findings(found, "name", "password")
        pressed = st.form_submit_button(t("word.add"), type="primary")
    if pressed and act(app.access.add_user, actor, name, role, password, form=FORM):
        tell(t("page.settings.added", name=name.strip().lower()))
        st.session_state["settings_turn"] = turn + 1  # empty fields
        st.rerun()


header("settings")
language()
st.divider()
data()
st.divider()
people()
st.divider()
st.caption(f"{t('app.name')} {product_version()}")

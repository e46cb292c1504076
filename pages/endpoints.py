"""Every server that can be measured: deployed here, attached, or simulated."""

import streamlit as st

from core.domain.access import Role
from core.domain.endpoint import Endpoint
from ui import session
from ui.act import act, tell
from ui.components import empty_state, group, header, link_button
from ui.components.endpoint import endpoint_facts, endpoint_title, health, running_here
from ui.components.endpoint_attach import attach_form, is_open
from ui.components.endpoint_change import archive, rename, replace_key
from ui.components.webui_links import chat_button, webui_links

app, t, actor = session.app(), session.texts(), session.actor()
may_change = session.may(Role.OPERATOR)


def one_endpoint(endpoint: Endpoint) -> None:
    """A card: what it is, how it is, what runs on it, what can be done."""
    with st.container(border=True, gap="xsmall", key=f"endpoint_{endpoint.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            with group():
                endpoint_title(endpoint, down.get(endpoint.id))
            st.space("stretch")
            with group():
                buttons(endpoint)
        endpoint_facts(endpoint)
        running_here(busy.get(endpoint.server_key))
        webui_links(endpoint.id, links.get(endpoint.id, ()))


def buttons(endpoint: Endpoint) -> None:
    """Measure, look again, change."""
    key, name = endpoint.id, endpoint.name
    if endpoint.archived_at:
        pressed = may_change and st.button(t("page.endpoints.restore"), key=f"restore_{key}")
        if pressed and act(app.endpoints.restore, actor, key):
            tell(t("page.endpoints.restored", name=name))
            st.rerun()
        return
    can_be_asked = endpoint.writes and key not in down
    if may_change and can_be_asked:
        link_button("benchmark", t("page.endpoints.measure"), key=f"measure_{key}", type="primary", endpoint=key)
    if can_be_asked:
        chat_button(key)
    pressed = st.button(t("page.endpoints.refresh"), key=f"refresh_{key}", icon=":material/refresh:")
    if pressed and act(app.endpoints.refresh, key):
        tell(t("page.endpoints.refreshed", name=name))
        st.rerun()
    if may_change:
        with st.popover(t("page.endpoints.change"), key=f"change_{key}"):
            rename(endpoint)
            replace_key(endpoint)
            archive(endpoint)


endpoints = app.endpoints.list(include_archived=st.query_params.get("archived") == "true")
down = app.deployments.offers().down
links = app.webui.links.by_endpoint()
busy = {view.job.server_key: view for view in reversed(app.jobs.active())}
answering = sum(one.id not in down and health(one.check) in {"answering", "limited"} for one in endpoints)
header("endpoints", t("page.endpoints.answer", count=len(endpoints), answering=answering) if endpoints else None)
if may_change:
    with st.expander(t("page.endpoints.attach"), icon=":material/link:", expanded=not endpoints or is_open()):
        attach_form()
if not endpoints:
    empty_state(t("page.endpoints.none"), label=t("page.overview.deploy"), page="deploy")
for one in endpoints:
    one_endpoint(one)
st.toggle(t("page.endpoints.show_archived"), key="archived", bind="query-params")

"""The host: what is there for containers to use, and the images on it."""

import streamlit as st

from core.domain.access import Role
from core.domain.job import JobKind, Reason
from ui import session
from ui.components import header, plain, watch_job, worker_notice
from ui.components.host import (
    containers_table,
    devices,
    get_image_forms,
    host_answer,
    host_facts,
    images_table,
    ports_table,
    registries_form,
)

app, t = session.app(), session.texts()
host = app.hosts.get()
under_way = [view for view in app.jobs.active() if view.job.kind is JobKind.IMAGE]

header("host", host_answer(host))
worker_notice()
if host.problem is not None:
    told = t.reason(Reason(*host.problem))
    st.warning(plain(told), title=t("page.host.no_engine"), icon=":material/power_off:")
host_facts(host)
st.subheader(t("page.host.devices"), anchor=False)
devices(host)
st.subheader(t("page.host.images"), anchor=False)
for view in under_way:
    watch_job(view.job.id)
if host.images:
    images_table(host.images)
else:
    st.markdown(t("page.host.images_none"))
if session.may(Role.OPERATOR):
    with st.expander(t("page.host.get"), icon=":material/download:"):
        get_image_forms()
    with st.expander(t("page.host.registries"), icon=":material/key:"):
        registries_form()
st.subheader(t("page.host.containers"), anchor=False)
if host.containers:
    containers_table(host.containers)
else:
    st.markdown(t("page.host.containers_none"))
st.subheader(t("page.host.ports"), anchor=False)
if host.ports:
    with st.expander(t("page.host.ports_count", count=len(host.ports)), icon=":material/lan:"):
        ports_table(host.ports)
else:
    st.markdown(t("page.host.ports_none"))

"""A host on the screen: its facts, devices, images and containers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import streamlit as st

from core.domain.access import Role
from core.domain.container import ContainerView
from core.domain.host import DeviceGroup, HostInventory, ImageFacts, TakenPort
from ui import session
from ui.act import act, refusals, tell
from ui.components.findings import field_findings
from ui.components.grid_table import Cell, Column, grid_table
from ui.components.pieces import engine_version, simulated_badge
from ui.components.upload import upload_image
from ui.markdown import plain

_IMAGE_SPANS = {"name": 12, "size": 3}
_CONTAINER_SPANS = {"name": 4, "image": 7, "state": 2, "ports": 3}


def host_answer(host: HostInventory) -> str:
    """What the machine is, in one sentence."""
    t, facts = session.texts(), host.facts
    return t(
        "page.host.answer",
        system=facts.system or facts.name or t("word.unknown"),
        architecture=facts.architecture or t("word.unknown"),
        cpus=facts.cpus,
        memory=t.size(facts.memory_bytes),
        devices=sum(group.count for group in host.devices),
        running=sum(container.state == "running" for container in host.containers),
    )


def host_facts(host: HostInventory) -> None:
    """One fact a cell; what is not known is left out."""
    t = session.texts()
    if host.facts.simulated:
        with st.container(horizontal=True, vertical_alignment="center"):
            simulated_badge()
            st.markdown(plain(t("page.host.simulated", name=host.facts.simulated)), width="content")
    with st.container(border=True), st.grid(min_column_width=170, gap=("xsmall", "small")):
        for label, value in _facts(host):
            st.markdown(f":gray[:small[{label}]]  \n{plain(value)}")


def _facts(host: HostInventory) -> Iterator[tuple[str, str]]:
    t, facts = session.texts(), host.facts
    if host.engine is not None:
        yield t("page.host.fact_engine"), t("page.host.engine", version=engine_version(host.engine.version))
    yield t("page.host.fact_architecture"), facts.architecture or t("word.unknown")
    yield t("page.host.fact_cpus"), t.number(facts.cpus)
    yield t("page.host.fact_memory"), t.size(facts.memory_bytes)
    if facts.shm_bytes is not None:
        yield t("page.host.fact_shm"), t.size(facts.shm_bytes)
    if facts.iommu is not None:
        yield t("page.host.fact_iommu"), t("page.host.iommu_on" if facts.iommu else "page.host.iommu_off")
    for disk in host.disks:
        yield t(f"page.host.disk_{disk.purpose}"), t.size(disk.free_bytes)


# ---------------------------------------------------------------- devices


def devices(host: HostInventory) -> None:
    """What was counted or entered; the form where nothing can be counted from here."""
    t = session.texts()
    for group in host.devices:
        _device_group(group)
    if not host.sees_devices:
        st.markdown(t("page.host.devices_unseen"))
        if session.may(Role.OPERATOR):
            _enter_form()
    elif not host.devices:
        st.markdown(t("page.host.devices_none"))


def _device_group(group: DeviceGroup) -> None:
    t = session.texts()
    platforms = session.app().catalog.catalog().platforms
    known = dict.fromkeys(platforms[one].name for one in group.platforms if one in platforms)
    names = t("page.host.platform_or").join(known)
    nodes = t("page.host.device_entered")
    if group.nodes:
        nodes = t("page.host.device_nodes", first=f"`{group.nodes[0]}`", last=f"`{group.nodes[-1]}`")
    with st.container(border=True, gap="xxsmall"):
        st.markdown(f"**{t('page.host.device_count', count=group.count)}** · {plain(names)}")
        st.caption(nodes)


def _enter_form() -> None:
    t, app = session.texts(), session.app()
    platforms = {one.id: one.name for one in app.catalog.catalog().platforms.values() if one.device_nodes}
    with st.form("devices", border=False):
        left, right = st.columns([2, 1])
        ids = sorted(platforms, key=platforms.__getitem__)
        chosen = left.selectbox(t("page.host.enter_platform"), ids, format_func=platforms.__getitem__)
        count = right.number_input(t("page.host.enter_count"), min_value=0, max_value=4096, step=1, value=0)
        pressed = st.form_submit_button(t("page.host.enter_save"))
    if pressed and chosen and act(app.hosts.enter_devices, session.actor(), chosen, count or None):
        tell(t("page.host.entered"))
        st.rerun()


# ---------------------------------------------------------------- images and containers


def images_table(images: Sequence[ImageFacts]) -> None:
    """One row a name."""
    t = session.texts()
    columns = [Column(name, t(f"page.host.column_{name}"), span, name == "size") for name, span in _IMAGE_SPANS.items()]
    rows: list[dict[str, Cell]] = [
        {"name": f"`{name}`", "size": t.size(image.size_bytes)} for image in images for name in image.names
    ]
    grid_table(columns, rows)


def containers_table(containers: Sequence[ContainerView]) -> None:
    """Those that run first."""
    t = session.texts()
    columns = [Column(name, t(f"page.host.column_{name}"), span) for name, span in _CONTAINER_SPANS.items()]
    ordered = sorted(containers, key=lambda one: (one.state != "running", one.name))
    grid_table(columns, [_container_cells(one) for one in ordered])


def _container_cells(container: ContainerView) -> dict[str, Cell]:
    t = session.texts()
    key = f"container.{container.state}"
    ports = ", ".join(dict.fromkeys(f"{port.host_port} → {port.container_port}" for port in container.ports))
    return {
        "name": f"**{plain(container.name)}**",
        "image": f":small[{plain(container.image)}]",
        "state": t(key) if t.has(key) else plain(container.state),
        "ports": f":small[{ports}]" if ports else "–",
    }


def ports_table(ports: Sequence[TakenPort]) -> None:
    """What a new deployment cannot have, and whose it is."""
    t = session.texts()
    columns = [Column("port", t("page.host.column_port"), 2), Column("owner", t("page.host.column_owner"), 8)]
    grid_table(columns, [{"port": str(one.port), "owner": _owner(one)} for one in ports])


def _owner(one: TakenPort) -> str:
    t = session.texts()
    if not one.owner:
        return f":gray[{t('page.host.port_unseen')}]"
    kind = t("page.host.port_container" if one.container else "page.host.port_process")
    return f"{plain(one.owner)} :gray[:small[{kind}]]"


def get_image_forms() -> None:
    """Pull one by name, or load a file that was copied here."""
    t, app, actor = session.texts(), session.app(), session.actor()
    left, right = st.columns(2, gap="medium")
    with left:
        name = st.text_input(
            t("page.host.pull_name"),
            key="pull_name",
            help=t("page.host.pull_name_help"),
            placeholder="vllm/vllm-openai:v0.11.0",
        )
        field_findings(refusals("pull"), "image")
        if name:
            _pull_source(name.strip())
        pressed = st.button(t("page.host.pull"), key="pull", icon=":material/download:", disabled=not name)
        if pressed and act(app.images.pull, actor, name, form="pull"):
            tell(t("page.host.begun", image=name.strip()))
            st.rerun()
    with right:
        path = st.text_input(
            t("page.host.load_path"),
            key="load_path",
            help=t("page.host.load_path_help"),
            placeholder="/data/images/vllm_vacc.tar",
        )
        field_findings(refusals("load"), "archive")
        pressed = st.button(t("page.host.load"), key="load", icon=":material/unarchive:", disabled=not path)
        if pressed and act(app.images.load, actor, path, form="load"):
            tell(t("page.host.begun", image=path.strip()))
            st.rerun()
        st.caption(t("page.host.upload"))
        upload_image(key="upload_image", on_sent=_load_sent)


def _load_sent(path: str) -> None:
    """In a callback: a refusal waits for the next drawing, beside the field."""
    act(session.app().images.load, session.actor(), path, form="load")


def _pull_source(image: str) -> None:
    t = session.texts()
    reference, registry, has_login = session.app().images.source_of(image)
    login = t("page.host.pull_login", registry=registry) if has_login else t("page.host.pull_no_login")
    st.caption(plain(f"{t('page.host.pull_source', reference=reference)}, {login}"))


def registries_form() -> None:
    """Logins by registry, and the mirror."""
    t, images, actor = session.texts(), session.app().images, session.actor()
    st.markdown(t("page.host.registries_text"))
    for registry, user in images.logins():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/key: `{registry}` · {plain(user)}", width="content")
            pressed = st.button(t("page.host.forget"), key=f"forget_{registry}")
        if pressed and act(images.forget_login, actor, registry):
            tell(t("page.host.login_forgotten", registry=registry))
            st.rerun()
    _login_form()
    with st.form("mirror", border=False):
        prefix = st.text_input(
            t("page.host.mirror"),
            value=images.mirror(),
            help=t("page.host.mirror_help"),
            placeholder="docker.m.daocloud.io",
        )
        field_findings(refusals("mirror"), "mirror")
        kept = st.form_submit_button(t("page.host.mirror_save"))
    if kept and act(images.set_mirror, actor, prefix, form="mirror"):
        tell(t("page.host.mirror_saved"))
        st.rerun()


def _login_form() -> None:
    t, images, actor = session.texts(), session.app().images, session.actor()
    with st.form("login", border=False):
        first, second, third = st.columns(3)
        registry = first.text_input(t("page.host.registry"), placeholder="harbor.example.com")
        user = second.text_input(t("page.host.user"), autocomplete="off")
        password = third.text_input(t("page.host.password"), type="password", autocomplete="off")
        field_findings(refusals("login"), "registry", "user")
        kept = st.form_submit_button(t("page.host.save_login"))
    if kept and act(images.save_login, actor, registry, user, password, form="login"):
        tell(t("page.host.login_saved", registry=registry.strip()))
        st.rerun()

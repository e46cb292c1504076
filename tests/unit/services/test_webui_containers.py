"""An Open WebUI of our own: the guide's container with its errors put right, started by steps that may be repeated."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.domain.finding import blocking
from core.domain.job import JobKind, Progress
from core.domain.webui import CheckState, Network, UpstreamRequest, WebUi, WebUiStartRequest, WriteState
from core.errors import AppError, ContainerFailed, NotAllowed, PlanBlocked, StalePlan, Unreachable, WebUiError
from core.formats import compose
from core.formats.docker_sdk import create_kwargs
from tests.fakes.open_webui import ADMIN, PASSWORD, VERSIONS
from tests.webui_world import OUTWARD, R1, UI, World

IMAGE = "open-webui:test"
EMAIL = "admin@lab.local"


@pytest.fixture(params=VERSIONS)
def world(request: pytest.FixtureRequest, database: DatabaseStore) -> World:
    """An empty volume, both generations."""
    return World(database, request.param, fresh=True)


def asked(world: World, **changes: object) -> WebUiStartRequest:
    return replace(WebUiStartRequest(IMAGE, EMAIL, (UpstreamRequest(world.r1.id),)), **changes)


def started(world: World, **changes: object) -> tuple[WebUi, str | None]:
    containers = world.room.containers
    return containers.start(LOCAL_OPERATOR, containers.plan(asked(world, **changes)))


def run(world: World, webui: WebUi) -> list[str]:
    """Every step, as the worker does them; the stages that were told."""
    told: list[Progress] = []
    steps = world.room.steps
    for step in (steps.create, steps.wait, steps.connect, steps.prove):
        step(webui.id, told.append)
    return [progress.label for progress in told]


# ---------------------------------------------------------------- the container


def test_the_guides_settings_put_right(world: World) -> None:
    plan = world.room.containers.plan(asked(world, container_name="vast-webui", volume="vast-webui", locale="zh-CN"))
    words = shlex.split(plan.docker_run.replace("\\\n", " "))
    assert words[:3] == ["docker", "run", "-d"]
    for option in ("-v vast-webui:/app/backend/data", "--name vast-webui", "--restart always"):
        assert option in " ".join(words)
    assert "--network=host" in words
    env = dict(plan.spec.env)
    assert (env["PORT"], env["ENABLE_OLLAMA_API"], env["OPENAI_API_BASE_URLS"]) == ("18080", "False", R1)
    assert (env["DEFAULT_MODELS"], env["DEFAULT_LOCALE"]) == ("DeepSeek-R1-0528", "zh-CN"), "served name; a real locale"
    assert [env[f"ENABLE_{name}_GENERATION"] for name in ("TITLE", "TAGS", "FOLLOW_UP", "AUTOCOMPLETE")] == [
        "False"
    ] * 4
    assert [env[f"ENABLE_{name}_QUERY_GENERATION"] for name in ("SEARCH", "RETRIEVAL")] == ["False"] * 2
    assert env["BYPASS_MODEL_ACCESS_CONTROL"] == "True", "ordinary users see no model otherwise"
    assert env["DEFAULT_MODEL_METADATA"] == '{"capabilities":{"builtin_tools":false}}'
    assert env["WEBUI_ADMIN_EMAIL"] == EMAIL
    assert "admin123" not in plan.docker_run
    assert "token-abc123" not in plan.docker_run
    assert words[-1] == IMAGE


@pytest.mark.parametrize(
    ("architecture", "own", "vendors"),
    [("x86_64", "main", "latest"), ("aarch64", "main", "latest_arm"), ("arm64", "main", "latest_arm")],
)
def test_the_images_for_each_architecture_from_ones_own_registry(
    database: DatabaseStore, architecture: str, own: str, vendors: str
) -> None:
    world = World(database)
    world.engine.architecture = architecture
    images = world.containers({"vastai": "harbor.lab.local/vastai", "ghcr": "mirror.lab.local"}).images()
    assert images == (
        f"mirror.lab.local/open-webui/open-webui:{own}",
        f"harbor.lab.local/vastai/ai_deliver/vast-webui:{vendors}",
    )
    assert world.containers({}).images() == (
        f"ghcr.io/open-webui/open-webui:{own}",
        f"harbor.vastaitech.com/ai_deliver/vast-webui:{vendors}",
    )


def test_a_named_volume_is_one_for_the_sdk_and_for_compose(world: World) -> None:
    spec = world.room.containers.plan(asked(world)).spec
    kwargs = create_kwargs(spec, dict.fromkeys(spec.secret_env, "x"))
    (mount,) = kwargs["mounts"]
    assert (mount["Type"], mount["Source"]) == ("volume", "open-webui")
    assert kwargs["network_mode"] == "host"
    assert "volumes:\n  open-webui:\n    name: open-webui" in compose.render(spec)


def test_on_a_bridge_loopback_becomes_this_machines_address(world: World) -> None:
    plan = world.room.containers.plan(asked(world, network=Network.BRIDGE))
    assert plan.spec.env["OPENAI_API_BASE_URLS"] == f"http://{OUTWARD}:8000/v1"
    assert "-p 18080:8080" in plan.docker_run
    assert "PORT" not in plan.spec.env
    world.addresses.address = None
    blocks = blocking(world.room.containers.plan(asked(world, network=Network.BRIDGE)).findings)
    assert [(one.code, one.field) for one in blocks] == [("webui_route_loopback", "network")]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"image": ""}, "image_empty", "image"),
        ({"image": "{vastai}/vast-webui:latest"}, "webui_image_prefix", "image"),
        ({"email": "nobody"}, "webui_email_empty", "email"),
        ({"volume": "/srv/data"}, "webui_volume_bad", "volume"),
        ({"port": 0}, "webui_port_bad", "port"),
        ({"container_name": " "}, "name_empty", "container_name"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(
    database: DatabaseStore, changes: dict[str, object], code: str, field: str
) -> None:
    world = World(database)
    plan = world.room.containers.plan(asked(world, **changes))
    assert (code, field) in [(one.code, one.field) for one in blocking(plan.findings)]
    with pytest.raises(PlanBlocked):
        world.room.containers.start(LOCAL_OPERATOR, plan)
    assert world.store.webuis.list() == ()


def test_a_taken_name_a_volume_that_is_there_and_no_engine(database: DatabaseStore) -> None:
    world = World(database, fresh=True)
    plan = world.room.containers.plan(asked(world))
    webui, _ = world.room.containers.start(LOCAL_OPERATOR, plan)
    run(world, webui)
    world.engine.volumes.add("open-webui")
    codes = [one.code for one in world.room.containers.plan(asked(world)).findings]
    assert {"name_taken", "webui_volume_there"} <= set(codes)
    with pytest.raises((PlanBlocked, StalePlan)):
        world.room.containers.start(LOCAL_OPERATOR, plan)
    world.engine.down = "no socket"
    assert [one.code for one in world.room.containers.plan(asked(world)).findings] == ["engine_unavailable"]


# ---------------------------------------------------------------- the steps


def test_from_a_click_to_a_chat_that_works(world: World) -> None:
    webui, password = started(world)
    ((kind, key, _),) = world.queue.begun_with.values()
    assert (kind, key) == (JobKind.WEBUI, f"webui:{webui.id}")
    stages = run(world, webui)
    assert (stages[0], stages[-2:]) == ("webui_create", ["webui_connect", "webui_prove"])
    assert world.server.accounts == {EMAIL: ("Admin", password, "admin")}, "no other account, no open place"
    found = world.room.connect.get(webui.id)
    assert found.report is not None
    assert found.report.state is CheckState.GOOD
    assert [one.served_name for one in found.connected] == ["DeepSeek-R1-0528"]
    secrets = world.engine.secrets_of(str(found.container_id))
    assert secrets["WEBUI_ADMIN_PASSWORD"] == password
    assert secrets["OPENAI_API_KEYS"] == "token-abc123"
    assert len(secrets["WEBUI_SECRET_KEY"]) > 30


def test_a_worker_that_died_goes_on_from_what_is_there(world: World) -> None:
    webui, _ = started(world)
    run(world, webui)
    world.server.calls.clear()
    run(world, webui)
    assert world.engine.created == 1
    assert world.server.writes == []


def test_one_that_dies_between_two_writes_of_its_start_is_finished(world: World) -> None:
    webui, _ = started(world)
    steps = world.room.steps
    steps.create(webui.id, lambda _: None)
    world.server.dies_after = 1
    with pytest.raises(Unreachable):
        steps.connect(webui.id, lambda _: None)
    assert world.room.connect.get(webui.id).written is WriteState.HALF
    world.server.dies_after = None
    world.room.containers.restart(LOCAL_OPERATOR, webui.id)
    run(world, webui)
    found = world.room.connect.get(webui.id)
    assert found.report is not None
    assert (found.written, found.report.state) == (WriteState.DONE, CheckState.GOOD)


def test_a_volume_with_another_administrator_asks_for_that_password(database: DatabaseStore) -> None:
    world = World(database)
    webui, _ = started(world)
    steps = world.room.steps
    steps.create(webui.id, lambda _: None)
    with pytest.raises(WebUiError) as raised:
        steps.connect(webui.id, lambda _: None)
    assert raised.value.code == "webui_volume_password"
    assert world.server.writes == []
    access = world.room.connect.sign_in(LOCAL_OPERATOR, world.info(), ADMIN, PASSWORD)
    world.room.containers.restart(LOCAL_OPERATOR, webui.id, access)
    run(world, webui)
    report = world.room.connect.get(webui.id).report
    assert report is not None
    assert report.state is CheckState.GOOD, "the sign-in on its card was used"


def test_a_published_account_on_an_old_volume_is_warned_about_and_the_start_goes_through(world: World) -> None:
    webui, _ = started(world)
    run(world, webui)
    world.server.accounts["admin@vastai.com"] = ("x", "admin123", "admin")
    assert world.room.steps.prove(webui.id, lambda _: None)
    report = world.room.connect.get(webui.id).report
    assert report is not None
    assert [check.code for check in report.checks if check.state is CheckState.BAD] == ["published_account"]


def test_a_page_that_is_drawn_again_and_again_does_not_use_up_the_sign_ins(database: DatabaseStore) -> None:
    """From the 16th within three minutes on Open WebUI refuses the right password as well."""
    world = World(database)
    webui, _ = started(world, email=ADMIN)
    world.room.steps.create(webui.id, lambda _: None)
    assert [world.room.connect.known_access(webui.id) for _ in range(20)] == [None] * 20
    assert world.server.attempts == {ADMIN: 1}
    assert world.access().role == "admin", "whoever knows the password still comes in"
    world.server.accounts[ADMIN] = ("Admin", world.secrets.values[f"webui/{webui.id}/password"], "admin")
    world.clock.advance(15 * 60)
    assert world.room.connect.known_access(webui.id) is not None


def test_one_that_ends_shows_the_end_of_its_log(world: World) -> None:
    webui, _ = started(world)
    world.room.steps.create(webui.id, lambda _: None)
    container_id = str(world.room.connect.get(webui.id).container_id)
    world.engine.emit(container_id, "sqlite3.OperationalError: database is locked")
    world.engine.exit(container_id, 1)
    world.server.public = {}
    steps = world.room.steps
    unhealthy = replace_admin(steps)
    with pytest.raises(ContainerFailed) as raised:
        unhealthy.wait(webui.id, lambda _: None)
    assert raised.value.code == "webui_container_ended"
    assert "database is locked" in str(raised.value.params["detail"])


def test_a_missing_image_is_pulled_first(database: DatabaseStore) -> None:
    world = World(database, fresh=True)
    plan = world.room.containers.plan(asked(world, image="open-webui:new"))
    assert "image_will_be_pulled" in [one.code for one in plan.findings]
    webui, _ = world.room.containers.start(LOCAL_OPERATOR, plan)
    assert run(world, webui)[0] == "webui_pull"
    assert world.engine.pulled == ["open-webui:new"]


def test_one_that_runs_and_never_answers_is_given_up(world: World) -> None:
    webui, _ = started(world)
    world.room.steps.create(webui.id, lambda _: None)
    world.engine.emit(str(world.room.connect.get(webui.id).container_id), "still migrating")
    steps, waited = replace_admin(world.room.steps), []
    steps._sleep = waited.append  # type: ignore[attr-defined]
    with pytest.raises(ContainerFailed) as raised:
        steps.wait(webui.id, lambda _: None)  # type: ignore[attr-defined]
    assert raised.value.code == "webui_never_healthy"
    assert "still migrating" in str(raised.value.params["detail"])
    assert sum(waited) >= 600


def test_a_restart_makes_a_container_again_that_is_gone(world: World) -> None:
    webui, _ = started(world)
    run(world, webui)
    first = world.room.connect.get(webui.id).container_id
    world.engine.lose(str(first))
    world.room.containers.restart(LOCAL_OPERATOR, webui.id)
    run(world, webui)
    found = world.room.connect.get(webui.id)
    assert found.container_id not in {None, first}
    assert world.engine.created == 2
    assert found.report is not None
    assert found.report.state is CheckState.GOOD


def replace_admin(steps: object) -> object:
    """The same steps before an Open WebUI that never answers."""

    class Silent:
        def is_healthy(self, url: str, timeout_s: float = 2.0) -> bool:
            return False

    steps._admin = Silent()  # type: ignore[attr-defined]
    return steps


def test_a_cancelled_start_stops_the_container(world: World) -> None:
    webui, _ = started(world)
    world.room.steps.create(webui.id, lambda _: None)
    assert world.room.steps.wait(webui.id, lambda _: None, lambda: True) is False
    view = world.room.containers.container(world.room.connect.get(webui.id))
    assert view is not None
    assert view.state == "exited"


def test_a_proof_that_fails_fails_the_job_with_the_services_own_words(world: World) -> None:
    world.server.upstreams[R1].serves = False
    webui, _ = started(world)
    with pytest.raises(AppError) as raised:
        run(world, webui)
    assert raised.value.code == "webui_probe_failed"


def test_its_volume_outlives_it_unless_that_is_asked(world: World) -> None:
    webui, _ = started(world)
    run(world, webui)
    world.engine.volumes.add("open-webui")
    world.room.containers.stop(LOCAL_OPERATOR, webui.id)
    world.room.containers.restart(LOCAL_OPERATOR, webui.id)
    world.room.containers.remove(LOCAL_OPERATOR, webui.id)
    assert world.engine.volumes == {"open-webui"}
    assert world.engine.list() == ()
    assert not [ref for ref in world.secrets.values if ref.startswith(f"webui/{webui.id}")]
    again, _ = started(world)
    assert again.id != webui.id
    world.room.containers.remove(LOCAL_OPERATOR, again.id, with_volume=True)
    assert world.engine.volumes == set()


def test_a_restart_works_although_the_administrator_has_changed_the_password(world: World) -> None:
    webui, password = started(world)
    run(world, webui)
    world.server.accounts[EMAIL] = ("Admin", "their-own", "admin")
    world.room.containers.restart(LOCAL_OPERATOR, webui.id)
    world.server.attempts.clear()
    run(world, webui)
    assert world.server.attempts.get(EMAIL) is None, "the kept token counted; no password was tried"

    world.secrets.delete(f"webui/{webui.id}/token")
    with pytest.raises(WebUiError) as raised:
        world.room.steps.connect(webui.id, lambda _: None)
    assert raised.value.code == "webui_volume_password"
    access = world.room.connect.sign_in(LOCAL_OPERATOR, world.info(), EMAIL, "their-own")
    world.room.containers.restart(LOCAL_OPERATOR, webui.id, access)
    assert world.room.steps.connect(webui.id, lambda _: None)
    assert password != "their-own"


def test_a_service_that_was_deployed_anew_is_connected_by_a_restart(world: World) -> None:
    webui, _ = started(world)
    run(world, webui)
    world.server.upstreams[R1].key = world.client.servers[R1].key = "sk-new"
    world.endpoints.set_key(LOCAL_OPERATOR, world.r1.id, "sk-new")
    run(world, webui)
    assert world.server.documents["/openai/config"]["OPENAI_API_KEYS"] == ["sk-new"]


def values_of(world: World, webui: WebUi) -> dict[str, str]:
    container_id = str(world.room.connect.get(webui.id).container_id)
    return world.engine.secrets_of(container_id)


def test_a_volume_keeps_its_secret_key_and_password_until_it_goes(world: World) -> None:
    webui, password = started(world)
    run(world, webui)
    first = values_of(world, webui)
    world.engine.volumes.add("open-webui")
    world.room.containers.remove(LOCAL_OPERATOR, webui.id)
    plan = world.room.containers.plan(asked(world))
    assert "webui_volume_known" in [one.code for one in plan.findings]
    again, known = world.room.containers.start(LOCAL_OPERATOR, plan)
    run(world, again)
    second = values_of(world, again)
    assert known == password
    assert second["WEBUI_SECRET_KEY"] == first["WEBUI_SECRET_KEY"], "nobody is logged out"

    world.room.containers.remove(LOCAL_OPERATOR, again.id, with_volume=True)
    assert not [ref for ref in world.secrets.values if ref.startswith("webui-volume/")]
    fresh, another = started(world)
    world.room.steps.create(fresh.id, lambda _: None)
    assert another != password
    assert values_of(world, fresh)["WEBUI_SECRET_KEY"] != first["WEBUI_SECRET_KEY"]


def test_an_older_volume_is_connected_with_the_password_that_is_given(database: DatabaseStore) -> None:
    world = World(database)
    world.server.accounts = {EMAIL: ("Old", "old-password", "admin")}
    world.server.documents["/openai/config"]["OPENAI_API_BASE_URLS"] = ["http://10.9.9.9:1/v1"]
    world.server.documents["/openai/config"]["OPENAI_API_KEYS"] = ["theirs"]
    world.engine.volumes.add("open-webui")
    plan = world.room.containers.plan(asked(world, password="old-password"))
    assert "webui_volume_there" in [one.code for one in plan.findings]
    webui, password = world.room.containers.start(LOCAL_OPERATOR, plan)
    run(world, webui)
    assert password is None, "whoever gave it knows it"
    assert world.server.documents["/openai/config"]["OPENAI_API_BASE_URLS"] == ["http://10.9.9.9:1/v1", R1]
    assert world.server.documents["/api/v1/tasks/config"]["ENABLE_TITLE_GENERATION"] is False, (
        "by the API: env is frozen"
    )
    report = world.room.connect.get(webui.id).report
    assert report is not None
    assert report.state is CheckState.GOOD


def test_the_published_account_is_never_made(database: DatabaseStore) -> None:
    world = World(database, fresh=True)
    published = {"email": "Admin@vastai.com", "password": "admin123"}
    plan = world.room.containers.plan(asked(world, **published))
    assert [(one.code, one.field) for one in blocking(plan.findings)] == [("webui_published_password", "password")]
    with pytest.raises(PlanBlocked):
        world.room.containers.start(LOCAL_OPERATOR, plan)
    world.engine.volumes.add("open-webui")
    plan = world.room.containers.plan(asked(world, **published))
    assert blocking(plan.findings) == (), "there it is to be used once"
    assert "WEBUI_ADMIN" not in plan.docker_run, "and the volume may be empty"
    webui, _ = world.room.containers.start(LOCAL_OPERATOR, plan)
    world.room.steps.create(webui.id, lambda _: None)
    with pytest.raises(WebUiError) as raised:
        world.room.steps.connect(webui.id, lambda _: None)
    assert (raised.value.code, world.server.accounts) == ("webui_published_password", {})
    view = world.room.containers.container(world.room.connect.get(webui.id))
    assert view is not None
    assert view.state == "exited", "nobody else becomes its administrator either"


def test_a_viewer_starts_nothing(world: World) -> None:
    plan = world.room.containers.plan(asked(world))
    viewer = Actor("vera", Role.VIEWER)
    for act in (
        lambda: world.room.containers.start(viewer, plan),
        lambda: world.room.containers.remove(viewer, "x"),
        lambda: world.room.containers.stop(viewer, "x"),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert UI.endswith("18080")
